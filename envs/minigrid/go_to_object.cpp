// GoToObject: stand next to the place of the named object and say done.
// Source: Chevalier-Boisvert et al. 2023; MiniGrid 3.2 `GoToObjectEnv`.
// Deviation: none.
#include "envs/minigrid/minigrid_env.h"

namespace corvid::minigrid {
namespace {

struct GoToObject : World {
  struct Options : LevelOptions {
    Options() { see_through_walls = true; }
    std::int64_t size = 6, num_objs = 2;
  };

  explicit GoToObject(const Options& options)
      : World(options, options.size, options.size, 5 * options.size * options.size),
        num_objs(static_cast<int>(options.num_objs)) {}

  static std::string_view longest_mission() { return "go to the purple ball"; }

  void generate(Rng& rng) {
    grid.walls_around(everywhere());
    const auto choices = place_unlike(rng, num_objs, [](Position) { return true; });
    place_agent(rng);
    const Cell chosen = choices[rng.integers(0, num_objs)];
    target = object(chosen).start;  // it stays the target when the object is carried away
    mission.say("go to the").say(chosen.hue).say(chosen.kind);
  }

  StepResult step(std::int64_t action, Rng&) {
    StepResult result = act(action);
    if (action == kDone && distance(agent, target) == 1) result.reward = success_reward();
    if (action == kDone || action == kToggle) result.terminated = true;
    return result;
  }

  void visit(Archive& archive) {
    World::visit(archive);
    remember(archive, target);
  }

  int num_objs;
  Position target;
};

Fields fields(GoToObject::Options& options) {
  return level_fields(options,
                      {Field("size", &options.size, "cells along a side").between(5, Grid::kMaxSide),
                       Field("num_objs", &options.num_objs, "objects to choose from, no two alike").between(1, 8)});
}

EnvEntry entry(const std::string& size) {
  return minigrid_entry("GoToObject-" + size + "x" + size + "-N2-v0", "Stand next to the named object and say done",
                        "GoToObjectEnv", {{"size", size}, {"num_objs", "2"}});
}

CORVID_REGISTER_ENV(MiniGridEnv<GoToObject>, entry("6"));
CORVID_REGISTER_ENV(MiniGridEnv<GoToObject>, entry("8"));

}  // namespace
}  // namespace corvid::minigrid
