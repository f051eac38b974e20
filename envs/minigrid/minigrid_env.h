// The environment around a level of MiniGrid or BabyAI. A level is a World with
//
//   struct DoorKey : World {                                        // or RoomGrid
//     struct Options : LevelOptions { std::int64_t size = 8; };     // fields(Options&) lists them, see level_fields
//     explicit DoorKey(const Options&);
//     std::string_view longest_mission() const;                     // one with the most words and letters
//     void generate(Rng&);                                          // or bool: false asks for another try
//     StepResult step(std::int64_t action, Rng&);                   // optional: act() and the level's own rule
//     static constexpr int kNumActions = 3;                         // optional: fewer than all seven
//     int most_steps() const;                                       // optional: where max_steps changes
//     void visit(Archive&);                                         // where it remembers more than a World
//   };
#pragma once

#include "core/env/env_registry.h"
#include "envs/minigrid/observer.h"
#include "envs/minigrid/room_grid.h"

namespace corvid::minigrid {

/// How MiniGrid's levels are registered; `official` is the class of the package.
inline EnvEntry minigrid_entry(const std::string& name, std::string summary, const std::string& official,
                               EnvOptions options = {}) {
  return {.id = "MiniGrid-" + name,
          .family = "minigrid",
          .summary = std::move(summary),
          .source = "Chevalier-Boisvert et al. 2023; MiniGrid " + official,
          .reward = "1 - 0.9 * steps / step limit on success, else 0",
          .options = std::move(options)};
}

/// Draws the world in our palette, what the agent sees lighter than the rest, and the mission below.
void draw_world(const World& world, Canvas& canvas);

template <class Level>
struct MiniGridEnv {
  using Options = typename Level::Options;
  using Obs = std::tuple<std::uint8_t, std::int64_t, std::uint8_t, std::int64_t>;
  using Action = std::int64_t;

  explicit MiniGridEnv(const Options& options) : level(options), observer(options, level.longest_mission()) {}

  static EnvSpec spec(const Options& options) {
    const MiniGridEnv env(options);
    std::vector<std::string> names = {"turn left", "turn right", "forward", "pick up", "drop", "toggle", "done"};
    names.resize(Level::kNumActions);
    return {.observation = env.observer.space(env.level),
            .action = Space::discrete(Level::kNumActions),
            .action_names = std::move(names),
            .max_steps = env.level.most_steps()};
  }

  void reset(Rng& rng) {
    level.begin();
    if constexpr (std::is_void_v<decltype(level.generate(rng))>) {
      level.generate(rng);
    } else {
      for (int tried = 1; !level.generate(rng); ++tried) {
        if (tried == kMostTries) {
          fail(ErrorKind::kUsage,
               "no level fits these options after 1,000,000 tries: fewer objects or larger rooms are needed");
        }
        level.begin();
      }
    }
  }

  StepResult step(Action action, Rng& rng) { return level.step(action, rng); }

  void observe(std::uint8_t* image, std::int64_t* direction, std::uint8_t* letters, std::int64_t* words) const {
    observer.observe(level, image, direction, letters, words);
  }

  void draw(Canvas& canvas) const { draw_world(level, canvas); }

  void visit(Archive& archive) {
    archive("level", level);
    World::accept(observer.fits(level.mission));
  }

  Level level;
  Observer observer;

 private:
  // The fullest rooms that are possible at all need tens of thousands; without a limit, hopeless options never end.
  static constexpr int kMostTries = 1'000'000;
};

}  // namespace corvid::minigrid
