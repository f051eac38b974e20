// Empty: cross an empty room to the goal in its corner.
// Source: Chevalier-Boisvert et al. 2023; MiniGrid 3.2 `EmptyEnv`.
// Deviation: the official arguments agent_start_pos and agent_start_dir are here one option, random_start; size 4 is
// refused.
#include "envs/minigrid/minigrid_env.h"

namespace corvid::minigrid {
namespace {

struct Empty : World {
  struct Options : LevelOptions {
    Options() { see_through_walls = true; }
    std::int64_t size = 8;
    bool random_start = false;
  };

  explicit Empty(const Options& options)
      : World(options, options.size, options.size, 4 * options.size * options.size),
        random_start(options.random_start) {}

  static std::string_view longest_mission() { return "get to the green goal square"; }

  void generate(Rng& rng) {
    grid.walls_around(everywhere());
    grid.set({grid.width() - 2, grid.height() - 2}, kGoal);
    if (random_start)
      place_agent(rng);
    else
      set_agent({1, 1}, 0);
    mission.say("get to the green goal square");
  }

  bool random_start;
};

Fields fields(Empty::Options& options) {
  return level_fields(options, {Field("size", &options.size, "cells along a side").between(5, Grid::kMaxSide),
                                Field("random_start", &options.random_start,
                                      "the agent starts anywhere instead of in the left upper corner")});
}

EnvEntry entry(const std::string& size, bool random_start = false) {
  const std::string name = (random_start ? "Random-" : "") + size + "x" + size + "-v0";
  return minigrid_entry("Empty-" + name, "Cross an empty room to the goal in its corner", "EmptyEnv",
                        {{"size", size}, {"random_start", random_start ? "true" : "false"}});
}

CORVID_REGISTER_ENV(MiniGridEnv<Empty>, entry("5"));
CORVID_REGISTER_ENV(MiniGridEnv<Empty>, entry("5", true));
CORVID_REGISTER_ENV(MiniGridEnv<Empty>, entry("6"));
CORVID_REGISTER_ENV(MiniGridEnv<Empty>, entry("6", true));
CORVID_REGISTER_ENV(MiniGridEnv<Empty>, entry("8"));
CORVID_REGISTER_ENV(MiniGridEnv<Empty>, entry("16"));

}  // namespace
}  // namespace corvid::minigrid
