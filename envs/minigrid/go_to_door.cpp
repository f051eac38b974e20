// GoToDoor: stand before the door of the named colour and say done.
// Source: Chevalier-Boisvert et al. 2023; MiniGrid 3.2 `GoToDoorEnv`.
// Deviation: none.
#include "envs/minigrid/minigrid_env.h"

namespace corvid::minigrid {
namespace {

struct GoToDoor : World {
  struct Options : LevelOptions {
    Options() { see_through_walls = true; }
    std::int64_t size = 5;
  };

  explicit GoToDoor(const Options& options)
      : World(options, options.size, options.size, 4 * options.size * options.size) {}

  static std::string_view longest_mission() { return "go to the purple door"; }

  void generate(Rng& rng) {
    // The room fills a part of the grid.
    const int width = draw(rng, 5, grid.width() + 1), height = draw(rng, 5, grid.height() + 1);
    const Area room{{0, 0}, width, height};
    grid.walls_around(room);
    std::array<Position, 4> doors;
    doors[0] = {draw(rng, 2, width - 2), 0};
    doors[1] = {draw(rng, 2, width - 2), height - 1};
    doors[2] = {0, draw(rng, 2, height - 2)};
    doors[3] = {width - 1, draw(rng, 2, height - 2)};
    std::array<Hue, 4> hues{};
    for (auto next = hues.begin(); next != hues.end();) {
      *next = pick_hue(rng);
      if (std::find(hues.begin(), next, *next) == next) ++next;
    }
    for (std::size_t i = 0; i < doors.size(); ++i) put(make(Kind::kDoor, hues[i], kClosed), doors[i]);
    place_agent(rng, room);
    const auto chosen = static_cast<std::size_t>(rng.integers(0, 4));
    target = doors[chosen];
    mission.say("go to the").say(hues[chosen]).say("door");
  }

  StepResult step(std::int64_t action, Rng&) {
    StepResult result = act(action);
    if (action == kDone && distance(agent, target) == 1) result.reward = success_reward();
    if (action == kDone || action == kToggle) result.terminated = true;  // no door may be opened
    return result;
  }

  void visit(Archive& archive) {
    World::visit(archive);
    remember(archive, target);
  }

  Position target;
};

Fields fields(GoToDoor::Options& options) {
  return level_fields(options, {Field("size", &options.size, "cells along a side").between(5, Grid::kMaxSide)});
}

EnvEntry entry(const std::string& size) {
  return minigrid_entry("GoToDoor-" + size + "x" + size + "-v0",
                        "Stand before the door of the named colour and say done", "GoToDoorEnv", {{"size", size}});
}

CORVID_REGISTER_ENV(MiniGridEnv<GoToDoor>, entry("5"));
CORVID_REGISTER_ENV(MiniGridEnv<GoToDoor>, entry("6"));
CORVID_REGISTER_ENV(MiniGridEnv<GoToDoor>, entry("8"));

}  // namespace
}  // namespace corvid::minigrid
