// DynamicObstacles: reach the goal without running into balls that move at random.
// Source: Chevalier-Boisvert et al. 2023; MiniGrid 3.2 `DynamicObstaclesEnv`.
// Deviation: the official arguments agent_start_pos and agent_start_dir are here one option, random_start.
#include "envs/minigrid/minigrid_env.h"

namespace corvid::minigrid {
namespace {

constexpr int kTries = 100;  // draws for the place of an obstacle, but for one

struct DynamicObstacles : World {
  static constexpr int kNumActions = 3;  // turns and forward

  struct Options : LevelOptions {
    Options() { see_through_walls = true; }
    std::int64_t size = 8, n_obstacles = 4;
    bool random_start = false;
  };

  explicit DynamicObstacles(const Options& options)
      : World(options, options.size, options.size, 4 * options.size * options.size),
        random_start(options.random_start) {
    // Of too many as many remain as half the side.
    const bool few = static_cast<double>(options.n_obstacles) <= static_cast<double>(options.size) / 2 + 1;
    num_obstacles = static_cast<int>(few ? options.n_obstacles : options.size / 2);
  }

  static std::string_view longest_mission() { return "get to the green goal square"; }

  bool generate(Rng& rng) {
    grid.walls_around(everywhere());
    grid.set({grid.width() - 2, grid.height() - 2}, kGoal);
    if (random_start)
      place_agent(rng);
    else
      set_agent({1, 1}, 0);
    for (int i = 0; i < num_obstacles; ++i) {
      const auto at = find_free(rng, everywhere(), kTries, [](Position) { return true; });
      if (!at) return false;
      put(make(Kind::kBall, Hue::kBlue), *at);
    }
    mission.say("get to the green goal square");
    return true;
  }

  StepResult step(std::int64_t action, Rng& rng) {
    const Cell front = grid.at(in_front());  // before the obstacles move
    const bool blocked = !front.empty() && front.kind != Kind::kGoal;
    for (int i = 1; i <= num_obstacles; ++i) {
      const Position from = objects[i].now;
      const Area around{{from.x - 1, from.y - 1}, 3, 3};
      const auto to = find_free(rng, around, kTries, [](Position) { return true; });
      if (!to) continue;
      put(grid.at(from), *to);
      grid.set(from, kNothing);
    }
    StepResult result = act(action);
    if (action == kForward && blocked) {
      result.reward = -1;
      result.terminated = true;
    }
    return result;
  }

  void visit(Archive& archive) {
    World::visit(archive);
    accept(num_objects > num_obstacles);
    for (int i = 1; i <= num_obstacles; ++i) accept(grid.contains(objects[i].now));
  }

  bool random_start;
  int num_obstacles;  // the objects 1, 2, ...
};

Fields fields(DynamicObstacles::Options& options) {
  return level_fields(
      options,
      {Field("size", &options.size, "cells along a side").between(5, Grid::kMaxSide),
       Field("n_obstacles", &options.n_obstacles, "balls; of more than half the side and one, half the side remain")
           .between(0, 1000),
       Field("random_start", &options.random_start, "the agent starts anywhere instead of in the left upper corner")});
}

EnvEntry entry(const std::string& size, const std::string& n_obstacles, bool random_start = false) {
  const std::string name = (random_start ? "Random-" : "") + size + "x" + size + "-v0";
  EnvEntry result =
      minigrid_entry("Dynamic-Obstacles-" + name, "Reach the goal without running into balls that move at random",
                     "DynamicObstaclesEnv",
                     {{"size", size}, {"n_obstacles", n_obstacles}, {"random_start", random_start ? "true" : "false"}});
  result.reward = "1 - 0.9 * steps / step limit at the goal, -1 for running into anything";
  return result;
}

CORVID_REGISTER_ENV(MiniGridEnv<DynamicObstacles>, entry("5", "2"));
CORVID_REGISTER_ENV(MiniGridEnv<DynamicObstacles>, entry("5", "2", true));
CORVID_REGISTER_ENV(MiniGridEnv<DynamicObstacles>, entry("6", "3"));
CORVID_REGISTER_ENV(MiniGridEnv<DynamicObstacles>, entry("6", "3", true));
CORVID_REGISTER_ENV(MiniGridEnv<DynamicObstacles>, entry("8", "4"));
CORVID_REGISTER_ENV(MiniGridEnv<DynamicObstacles>, entry("16", "8"));

}  // namespace
}  // namespace corvid::minigrid
