// DoorKey: take the key, unlock the door in the wall, and go to the goal behind it.
// Source: Chevalier-Boisvert et al. 2023; MiniGrid 3.2 `DoorKeyEnv`.
// Deviation: none.
#include "envs/minigrid/minigrid_env.h"

namespace corvid::minigrid {
namespace {

struct DoorKey : World {
  struct Options : LevelOptions {
    std::int64_t size = 8;
  };

  explicit DoorKey(const Options& options)
      : World(options, options.size, options.size, 10 * options.size * options.size) {}

  static std::string_view longest_mission() { return "use the key to open the door and then get to the goal"; }

  void generate(Rng& rng) {
    const int size = grid.width();
    grid.walls_around(everywhere());
    grid.set({size - 2, size - 2}, kGoal);
    const int wall = draw(rng, 2, size - 2);
    grid.column({wall, 0}, size);
    const Area left{{0, 0}, wall, size};
    place_agent(rng, left);
    put(make(Kind::kDoor, Hue::kYellow, kLocked), {wall, draw(rng, 1, size - 2)});
    place(rng, make(Kind::kKey, Hue::kYellow), left);
    mission.say("use the key to open the door and then get to the goal");
  }
};

Fields fields(DoorKey::Options& options) {
  return level_fields(options, {Field("size", &options.size, "cells along a side").between(5, Grid::kMaxSide)});
}

EnvEntry entry(const std::string& size) {
  return minigrid_entry("DoorKey-" + size + "x" + size + "-v0",
                        "Take the key, unlock the door and go to the goal behind it", "DoorKeyEnv", {{"size", size}});
}

CORVID_REGISTER_ENV(MiniGridEnv<DoorKey>, entry("5"));
CORVID_REGISTER_ENV(MiniGridEnv<DoorKey>, entry("6"));
CORVID_REGISTER_ENV(MiniGridEnv<DoorKey>, entry("8"));
CORVID_REGISTER_ENV(MiniGridEnv<DoorKey>, entry("16"));

}  // namespace
}  // namespace corvid::minigrid
