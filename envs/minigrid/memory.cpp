// Memory: see an object at the start, and turn to its like at the end of a hallway.
// Source: Chevalier-Boisvert et al. 2023; MiniGrid 3.2 `MemoryEnv`.
// Deviation: none.
#include "envs/minigrid/minigrid_env.h"

namespace corvid::minigrid {
namespace {

struct Memory : World {
  struct Options : LevelOptions {
    std::int64_t size = 13;
    bool random_length = false;
  };

  explicit Memory(const Options& options)
      : World(options, options.size, options.size, 5 * options.size * options.size),
        random_length(options.random_length) {
    if (options.size % 2 == 0) fail(ErrorKind::kUsage, "option size must be odd, got ", options.size);
  }

  static std::string_view longest_mission() { return "go to the matching object at the end of the hallway"; }

  void generate(Rng& rng) {
    const int size = grid.width(), middle = size / 2;
    grid.walls_around(everywhere());
    const int end = random_length ? draw(rng, 4, size - 2) : size - 3;

    // The start room, the hallway, and the corridor across its end.
    for (int side : {-1, 1}) {
      grid.row({1, middle + 2 * side}, 4);
      grid.set({4, middle + side}, kWall);
      grid.row({5, middle + side}, std::max(end - 5, 0));
    }
    grid.column({end, 0}, middle);
    grid.column({end, middle + 1}, size - middle - 1);
    grid.column({end + 2, 0}, size);

    set_agent({draw(rng, 1, end + 1), middle}, 0);
    const Kind shown = pick(rng, std::array{Kind::kKey, Kind::kBall});
    const Kind above = pick(rng, std::array{Kind::kBall, Kind::kKey});
    const Kind below = above == Kind::kBall ? Kind::kKey : Kind::kBall;
    put(make(shown, Hue::kGreen), {1, middle - 1});
    put(make(above, Hue::kGreen), {end + 1, middle - 2});
    put(make(below, Hue::kGreen), {end + 1, middle + 2});
    success = {end + 1, middle - 1};
    failure = {end + 1, middle + 1};
    if (shown != above) std::swap(success, failure);
    mission.say("go to the matching object at the end of the hallway");
  }

  StepResult step(std::int64_t action, Rng&) {
    StepResult result = act(action == kPickUp ? kToggle : action);  // nothing can be taken
    if (agent == success) result.reward = success_reward();
    if (agent == failure) result.reward = 0;
    if (agent == success || agent == failure) result.terminated = true;
    return result;
  }

  void visit(Archive& archive) {
    World::visit(archive);
    remember(archive, success);
    remember(archive, failure);
  }

  bool random_length;
  Position success, failure;  // next to the two objects
};

Fields fields(Memory::Options& options) {
  return level_fields(options,
                      {Field("size", &options.size, "cells along a side, odd").between(7, Grid::kMaxSide),
                       Field("random_length", &options.random_length, "the hallway's length differs by episode")});
}

EnvEntry entry(const std::string& size, bool random_length = false) {
  return minigrid_entry("MemoryS" + size + (random_length ? "Random" : "") + "-v0",
                        "See an object and turn to its like at the end of a hallway", "MemoryEnv",
                        {{"size", size}, {"random_length", random_length ? "true" : "false"}});
}

CORVID_REGISTER_ENV(MiniGridEnv<Memory>, entry("17", true));
CORVID_REGISTER_ENV(MiniGridEnv<Memory>, entry("13", true));
CORVID_REGISTER_ENV(MiniGridEnv<Memory>, entry("13"));
CORVID_REGISTER_ENV(MiniGridEnv<Memory>, entry("11"));
CORVID_REGISTER_ENV(MiniGridEnv<Memory>, entry("9"));
CORVID_REGISTER_ENV(MiniGridEnv<Memory>, entry("7"));

}  // namespace
}  // namespace corvid::minigrid
