// RedBlueDoors: open the red door, then the blue one.
// Source: Chevalier-Boisvert et al. 2023; MiniGrid 3.2 `RedBlueDoorEnv`.
// Deviation: none.
#include "envs/minigrid/minigrid_env.h"

namespace corvid::minigrid {
namespace {

struct RedBlueDoors : World {
  struct Options : LevelOptions {
    std::int64_t size = 8;
  };

  explicit RedBlueDoors(const Options& options)
      : World(options, 2 * options.size, options.size, 20 * options.size * options.size) {}

  static std::string_view longest_mission() { return "open the red door then the blue door"; }

  void generate(Rng& rng) {
    const int size = grid.height();
    const Area room{{size / 2, 0}, size, size};
    grid.walls_around(everywhere());
    grid.walls_around(room);
    place_agent(rng, room);
    red = {size / 2, draw(rng, 1, size - 1)};
    put(make(Kind::kDoor, Hue::kRed, kClosed), red);
    blue = {size / 2 + size - 1, draw(rng, 1, size - 1)};
    put(make(Kind::kDoor, Hue::kBlue, kClosed), blue);
    mission.say("open the red door then the blue door");
  }

  StepResult step(std::int64_t action, Rng&) {
    const bool red_was_open = grid.at(red).state == kOpen;
    StepResult result = act(action);
    if (grid.at(blue).state == kOpen) {
      result.reward = red_was_open ? success_reward() : 0;
      result.terminated = true;
    }
    return result;
  }

  void visit(Archive& archive) {
    World::visit(archive);
    remember(archive, red);
    remember(archive, blue);
  }

  Position red, blue;
};

Fields fields(RedBlueDoors::Options& options) {
  return level_fields(
      options,
      {Field("size", &options.size, "cells along a side of the room; the grid is twice as wide").between(5, 12)});
}

EnvEntry entry(const std::string& size) {
  return minigrid_entry("RedBlueDoors-" + size + "x" + size + "-v0", "Open the red door, then the blue one",
                        "RedBlueDoorEnv", {{"size", size}});
}

CORVID_REGISTER_ENV(MiniGridEnv<RedBlueDoors>, entry("6"));
CORVID_REGISTER_ENV(MiniGridEnv<RedBlueDoors>, entry("8"));

}  // namespace
}  // namespace corvid::minigrid
