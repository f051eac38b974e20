// Fetch: pick up the object that the mission names, and no other.
// Source: Chevalier-Boisvert et al. 2023; MiniGrid 3.2 `FetchEnv`.
// Deviation: none.
#include "envs/minigrid/minigrid_env.h"

namespace corvid::minigrid {
namespace {

struct Fetch : World {
  struct Options : LevelOptions {
    Options() { see_through_walls = true; }
    std::int64_t size = 8, num_objs = 3;
  };

  explicit Fetch(const Options& options)
      : World(options, options.size, options.size, 5 * options.size * options.size),
        num_objs(static_cast<int>(options.num_objs)) {}

  static std::string_view longest_mission() { return "you must fetch a purple ball"; }

  void generate(Rng& rng) {
    grid.walls_around(everywhere());
    std::array<Cell, kMaxObjects> choices;
    for (int i = 0; i < num_objs; ++i) {
      const Kind kind = pick(rng, std::array{Kind::kKey, Kind::kBall});
      choices[i] = make(kind, pick_hue(rng));
      place(rng, choices[i]);
    }
    place_agent(rng);
    target = choices[rng.integers(0, num_objs)];
    switch (rng.integers(0, 5)) {
      case 0: mission.say("get a"); break;
      case 1: mission.say("go get a"); break;
      case 2: mission.say("fetch a"); break;
      case 3: mission.say("go fetch a"); break;
      default: mission.say("you must fetch a"); break;
    }
    mission.say(target.hue).say(target.kind);
  }

  StepResult step(std::int64_t action, Rng&) {
    StepResult result = act(action);
    if (!carried.empty()) {
      result.reward = carried.looks_like(target.kind, target.hue) ? success_reward() : 0;
      result.terminated = true;
    }
    return result;
  }

  void visit(Archive& archive) {
    World::visit(archive);
    remember(archive, target);
  }

  int num_objs;
  Cell target;
};

Fields fields(Fetch::Options& options) {
  return level_fields(options, {Field("size", &options.size, "cells along a side").between(5, Grid::kMaxSide),
                                Field("num_objs", &options.num_objs, "objects to choose from").between(1, 8)});
}

EnvEntry entry(const std::string& size, const std::string& num_objs) {
  return minigrid_entry("Fetch-" + size + "x" + size + "-N" + num_objs + "-v0",
                        "Pick up the object that the mission names, and no other", "FetchEnv",
                        {{"size", size}, {"num_objs", num_objs}});
}

CORVID_REGISTER_ENV(MiniGridEnv<Fetch>, entry("5", "2"));
CORVID_REGISTER_ENV(MiniGridEnv<Fetch>, entry("6", "2"));
CORVID_REGISTER_ENV(MiniGridEnv<Fetch>, entry("8", "3"));

}  // namespace
}  // namespace corvid::minigrid
