// LavaGap: pass a strip of lava through its gap.
// Source: Chevalier-Boisvert et al. 2023; MiniGrid 3.2 `LavaGapEnv`.
// Deviation: none.
#include "envs/minigrid/minigrid_env.h"

namespace corvid::minigrid {
namespace {

struct LavaGap : World {
  struct Options : LevelOptions {
    std::int64_t size = 7;
    std::string obstacle_type = "lava";
  };

  explicit LavaGap(const Options& options)
      : World(options, options.size, options.size, 4 * options.size * options.size),
        lava(options.obstacle_type == "lava") {}

  std::string_view longest_mission() const {
    return lava ? "avoid the lava and get to the green goal square"
                : "find the opening and get to the green goal square";
  }

  void generate(Rng& rng) {
    const int size = grid.width();
    grid.walls_around(everywhere());
    set_agent({1, 1}, 0);
    grid.set({size - 2, size - 2}, kGoal);
    const int strip = draw(rng, 2, size - 2), gap = draw(rng, 1, size - 1);
    grid.column({strip, 1}, size - 2, lava ? kLava : kWall);
    grid.set({strip, gap}, kNothing);
    if (lava)
      mission.say("avoid the lava and get to the green goal square");
    else
      mission.say("find the opening and get to the green goal square");
  }

  bool lava;
};

Fields fields(LavaGap::Options& options) {
  return level_fields(
      options, {Field("size", &options.size, "cells along a side").between(5, Grid::kMaxSide),
                Field("obstacle_type", &options.obstacle_type, "what the strip is made of").one_of({"lava", "wall"})});
}

EnvEntry entry(const std::string& size) {
  return minigrid_entry("LavaGapS" + size + "-v0", "Pass a strip of lava through its gap", "LavaGapEnv",
                        {{"size", size}});
}

CORVID_REGISTER_ENV(MiniGridEnv<LavaGap>, entry("5"));
CORVID_REGISTER_ENV(MiniGridEnv<LavaGap>, entry("6"));
CORVID_REGISTER_ENV(MiniGridEnv<LavaGap>, entry("7"));

}  // namespace
}  // namespace corvid::minigrid
