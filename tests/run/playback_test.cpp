#include "core/run/playback.h"

#include <gtest/gtest.h>

#include <cstring>

#include "core/env/env_registry.h"
#include "render/svg_canvas.h"

namespace corvid {
namespace {

/// Cycles through the actions; remembers how many it was asked for.
class Cycle final : public Policy {
 public:
  void begin(std::int64_t) override { asked_ = 0; }
  void act(const ObsView&, std::int64_t, bool, Rng&, void* actions) override {
    *static_cast<std::int64_t*>(actions) = asked_++ % 2;
  }
  Insight insight() override { return {.values = {static_cast<float>(asked_)}}; }

 private:
  std::int64_t asked_ = 0;
};

std::string picture(const Playback& playback) {
  SvgCanvas canvas;
  playback.env().draw(0, canvas);
  return canvas.str();
}

std::int64_t action_at(const Playback& playback, std::int64_t time) {
  std::int64_t action = -1;
  std::memcpy(&action, playback.at(time).action.data(), sizeof action);
  return action;
}

struct CartPole : ::testing::Test {
  std::unique_ptr<VectorEnv> env = make_env("CartPole-v1", {.auto_reset = AutoReset::kDisabled});
  Cycle policy;
  const std::int64_t left = 0, right = 1;
};

TEST_F(CartPole, GoingBackShowsWhatWasThere) {
  Playback playback(*env, &policy, 7);
  std::vector<std::string> pictures = {picture(playback)};
  for (int t = 0; t < 8; ++t) {
    ASSERT_TRUE(playback.step());
    pictures.push_back(picture(playback));
  }
  EXPECT_EQ(playback.time(), 8);
  for (std::int64_t t : {3, 0, 8, 5}) {
    playback.go_to(t);
    EXPECT_EQ(playback.time(), t);
    EXPECT_EQ(picture(playback), pictures[static_cast<std::size_t>(t)]) << t;
    EXPECT_EQ(playback.now().return_before, t);
    EXPECT_EQ(playback.now().insight.values, std::vector<float>{static_cast<float>(t + 1)});
  }
  // Known steps are replayed and nobody is asked; then the policy goes on where it was.
  for (int t = 5; t < 8; ++t) ASSERT_TRUE(playback.step());
  EXPECT_EQ(picture(playback), pictures[8]);
  ASSERT_TRUE(playback.step());
  EXPECT_EQ(action_at(playback, 8), 0);
  EXPECT_EQ(playback.now().insight.values, std::vector<float>{10});
}

TEST_F(CartPole, EndsWithTheEpisodeAndBeginsAnother) {
  Playback playback(*env, &policy, 1);
  while (playback.step()) {
  }
  EXPECT_TRUE(playback.now().ended);
  EXPECT_TRUE(playback.now().terminated);
  EXPECT_FALSE(playback.step());
  EXPECT_FALSE(playback.step(std::as_bytes(std::span(&left, 1))));
  const std::int64_t length = playback.newest();
  EXPECT_GT(length, 8);
  playback.begin(1);
  EXPECT_EQ(playback.newest(), 0);
  EXPECT_FALSE(playback.now().ended);
  while (playback.step()) {
  }
  EXPECT_EQ(playback.newest(), length);
}

TEST_F(CartPole, APersonsActionReplacesWhatCameAfter) {
  Playback playback(*env, &policy, 3);
  for (int t = 0; t < 6; ++t) playback.step();
  playback.go_to(2);
  ASSERT_TRUE(playback.step(std::as_bytes(std::span(&right, 1))));
  EXPECT_EQ(playback.newest(), 3);
  EXPECT_EQ(action_at(playback, 2), 1);
  // The policy was asked at steps 0 to 3 of this episode, and not more often.
  EXPECT_EQ(playback.now().insight.values, std::vector<float>{4});
  ASSERT_TRUE(playback.step());
  EXPECT_EQ(action_at(playback, 3), 1);
}

TEST(Playback, ChangingTheModeChangesTheVeryNextStep) {
  /// 0 when it is to be deterministic, else 1.
  struct Mode final : Policy {
    void act(const ObsView&, std::int64_t, bool deterministic, Rng&, void* actions) override {
      *static_cast<std::int64_t*>(actions) = deterministic ? 0 : 1;
    }
  } policy;
  auto env = make_env("CartPole-v1", {.auto_reset = AutoReset::kDisabled});
  Playback playback(*env, &policy, 1);
  playback.step();
  playback.set_deterministic(false);
  playback.step();
  playback.go_to(1);
  playback.set_deterministic(true);
  playback.step();  // known: as it was
  playback.step();
  EXPECT_EQ(action_at(playback, 0), 0);
  EXPECT_EQ(action_at(playback, 1), 1);
  EXPECT_EQ(action_at(playback, 2), 0);
}

TEST_F(CartPole, APolicyThatWasAskedElsewhereGoesOnAsIfItHadNot) {
  Playback playback(*env, &policy, 3);
  for (int t = 0; t < 5; ++t) playback.step();
  std::int64_t action = 0;
  Rng rng(0);
  policy.begin(1);
  for (int k = 0; k < 4; ++k) policy.act(playback.obs(), 1, true, rng, &action);
  playback.policy_acted_elsewhere();
  const std::string before = picture(playback);
  ASSERT_TRUE(playback.step());  // the action it had chosen before
  EXPECT_EQ(action_at(playback, 5), 1);
  EXPECT_EQ(playback.now().insight.values, std::vector<float>{7});
  playback.go_to(5);
  EXPECT_EQ(picture(playback), before);
}

TEST_F(CartPole, WithoutAPolicyNothingHappensByItself) {
  Playback playback(*env, nullptr, 3);
  EXPECT_FALSE(playback.step());
  ASSERT_TRUE(playback.step(std::as_bytes(std::span(&left, 1))));
  EXPECT_FALSE(playback.step());
  playback.go_to(0);
  EXPECT_TRUE(playback.step());
  EXPECT_EQ(playback.time(), 1);
}

TEST_F(CartPole, AnActionThatIsRefusedChangesNothing) {
  Playback playback(*env, nullptr, 3);
  playback.step(std::as_bytes(std::span(&left, 1)));
  const std::int64_t wrong = 9;
  EXPECT_THROW(playback.step(std::as_bytes(std::span(&wrong, 1))), Error);
  EXPECT_EQ(playback.newest(), 1);
  EXPECT_TRUE(playback.step(std::as_bytes(std::span(&right, 1))));
  playback.go_to(0);
  EXPECT_THROW(playback.step(std::as_bytes(std::span(&wrong, 1))), Error);
  EXPECT_EQ(playback.newest(), 2);
  EXPECT_EQ(action_at(playback, 0), 0);
  EXPECT_EQ(action_at(playback, 1), 1);
}

}  // namespace
}  // namespace corvid
