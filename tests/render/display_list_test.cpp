#include "render/display_list.h"

#include <gtest/gtest.h>

#include "core/env/env_registry.h"
#include "render/svg_canvas.h"
#include "tests/env/env_testing.h"

namespace corvid {
namespace {

TEST(DisplayList, PaintsWhatWasDrawn) {
  DisplayList list;
  for (const char* id : {"CartPole-v1", "LunarLander-v3", "MiniGrid-DoorKey-5x5-v0", "Blackjack-v1"}) {
    auto env = make_env(id);
    StepBuffer buffer(env->spec(), 1);
    env->reset(3, buffer.view().obs);
    SvgCanvas direct, painted;
    env->draw(0, direct);
    list.clear();
    env->draw(0, list);
    list.play(painted);
    EXPECT_EQ(painted.str(), direct.str()) << id;
    EXPECT_GT(direct.str().size(), 300u) << id;
  }
}

}  // namespace
}  // namespace corvid
