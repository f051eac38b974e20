// Playground: nine rooms with doors and objects, no mission and no reward.
// Source: Chevalier-Boisvert et al. 2023; MiniGrid 3.2 `PlaygroundEnv`.
// Deviation: none.
#include "envs/minigrid/minigrid_env.h"

namespace corvid::minigrid {
namespace {

struct Playground : World {
  using Options = LevelOptions;
  static constexpr int kSize = 19, kRoom = kSize / 3, kNumThings = 12;

  explicit Playground(const Options& options) : World(options, kSize, kSize, 100) {}

  static std::string_view longest_mission() { return ""; }

  void generate(Rng& rng) {
    grid.walls_around(everywhere());
    for (int y = 0; y < 3 * kRoom; y += kRoom) {
      for (int x = 0; x < 3 * kRoom; x += kRoom) {
        const int right = x + kRoom, bottom = y + kRoom;
        if (x < 2 * kRoom) {
          grid.column({right, y}, kRoom);
          const Position at{right, draw(rng, y + 1, bottom - 1)};
          put(make(Kind::kDoor, pick_hue(rng), kClosed), at);
        }
        if (y < 2 * kRoom) {
          grid.row({x, bottom}, kRoom);
          const Position at{draw(rng, x + 1, right - 1), bottom};
          put(make(Kind::kDoor, pick_hue(rng), kClosed), at);
        }
      }
    }
    place_agent(rng);
    for (int i = 0; i < kNumThings; ++i) {
      const Kind kind = pick(rng, std::array{Kind::kKey, Kind::kBall, Kind::kBox});
      place(rng, make(kind, pick_hue(rng)));
    }
  }
};

EnvEntry entry() {
  EnvEntry result = minigrid_entry("Playground-v0", "Nine rooms with doors and objects, without a mission or reward",
                                   "PlaygroundEnv");
  result.reward = "0";
  return result;
}

CORVID_REGISTER_ENV(MiniGridEnv<Playground>, entry());

}  // namespace
}  // namespace corvid::minigrid
