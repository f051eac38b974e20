// LavaCrossing and SimpleCrossing: cross rivers of lava, or walls, through their gaps.
// Source: Chevalier-Boisvert et al. 2023; MiniGrid 3.2 `CrossingEnv`.
// Deviation: none.
#include "envs/minigrid/minigrid_env.h"

namespace corvid::minigrid {
namespace {

constexpr std::size_t kMaxRivers = Grid::kMaxSide;

/// Rivers of one direction, by position.
struct Rivers {
  std::array<int, kMaxRivers + 2> at{};  // between the two borders
  std::size_t count = 0;

  void add(int position) { at[++count] = position; }
  void arrange(int last) {
    at[0] = 0;
    std::sort(at.begin() + 1, at.begin() + 1 + static_cast<std::ptrdiff_t>(count));
    at[count + 1] = last;
  }
};

struct Crossing : World {
  struct Options : LevelOptions {
    std::int64_t size = 9, num_crossings = 1;
    std::string obstacle_type = "lava";
  };

  explicit Crossing(const Options& options)
      : World(options, options.size, options.size, 4 * options.size * options.size),
        num_crossings(static_cast<std::size_t>(options.num_crossings)),
        lava(options.obstacle_type == "lava") {
    if (options.size % 2 == 0) fail(ErrorKind::kUsage, "option size must be odd, got ", options.size);
  }

  std::string_view longest_mission() const {
    return lava ? "avoid the lava and get to the green goal square"
                : "find the opening and get to the green goal square";
  }

  void generate(Rng& rng) {
    const int last = grid.width() - 1;
    grid.walls_around(everywhere());
    set_agent({1, 1}, 0);
    grid.set({last - 1, last - 1}, kGoal);
    Rivers vertical, horizontal;
    choose_rivers(rng, vertical, horizontal);
    const Cell obstacle = lava ? kLava : kWall;
    for (std::size_t i = 1; i <= horizontal.count; ++i) grid.row({1, horizontal.at[i]}, last - 1, obstacle);
    for (std::size_t i = 1; i <= vertical.count; ++i) grid.column({vertical.at[i], 1}, last - 1, obstacle);
    open_way(rng, vertical, horizontal);
    if (lava)
      mission.say("avoid the lava and get to the green goal square");
    else
      mission.say("find the opening and get to the green goal square");
  }

  std::size_t num_crossings;
  bool lava;

 private:
  /// Draws some of the possible rivers, which lie in every second row and column.
  void choose_rivers(Rng& rng, Rivers& vertical, Rivers& horizontal) const {
    struct River {
      bool vertical;
      int at;
    };
    const int last = grid.width() - 1;
    std::array<River, 2 * kMaxRivers> possible;
    std::size_t count = 0;
    for (bool upright : {true, false}) {
      for (int at = 2; at < last - 1; at += 2) possible[count++] = {upright, at};
    }
    rng.shuffle(std::span(possible.data(), count));
    for (std::size_t i = 0; i < std::min(num_crossings, count); ++i)
      (possible[i].vertical ? vertical : horizontal).add(possible[i].at);
    vertical.arrange(last);
    horizontal.arrange(last);
  }

  /// Opens a way to the goal, which crosses each river once.
  void open_way(Rng& rng, const Rivers& vertical, const Rivers& horizontal) {
    const std::size_t count = vertical.count + horizontal.count;
    std::array<bool, 2 * kMaxRivers> crosses_vertical{};
    std::fill_n(crosses_vertical.begin(), vertical.count, true);
    rng.shuffle(std::span(crosses_vertical.data(), count));
    std::size_t i = 0, j = 0;  // rivers crossed so far
    for (std::size_t k = 0; k < count; ++k) {
      if (crosses_vertical[k]) {
        grid.set({vertical.at[i + 1], draw(rng, horizontal.at[j] + 1, horizontal.at[j + 1])}, kNothing);
        ++i;
      } else {
        grid.set({draw(rng, vertical.at[i] + 1, vertical.at[i + 1]), horizontal.at[j + 1]}, kNothing);
        ++j;
      }
    }
  }
};

Fields fields(Crossing::Options& options) {
  return level_fields(
      options, {Field("size", &options.size, "cells along a side, odd").between(5, Grid::kMaxSide),
                Field("num_crossings", &options.num_crossings, "rivers, if there is room for so many").between(0, 100),
                Field("obstacle_type", &options.obstacle_type, "what rivers are made of").one_of({"lava", "wall"})});
}

EnvEntry entry(const std::string& size, const std::string& crossings, const std::string& obstacle) {
  const bool lava = obstacle == "lava";
  return minigrid_entry(
      (lava ? "LavaCrossingS" : "SimpleCrossingS") + size + "N" + crossings + "-v0",
      lava ? "Cross rivers of lava through their gaps to the goal" : "Cross walls through their gaps to the goal",
      "CrossingEnv", {{"size", size}, {"num_crossings", crossings}, {"obstacle_type", obstacle}});
}

CORVID_REGISTER_ENV(MiniGridEnv<Crossing>, entry("9", "1", "lava"));
CORVID_REGISTER_ENV(MiniGridEnv<Crossing>, entry("9", "2", "lava"));
CORVID_REGISTER_ENV(MiniGridEnv<Crossing>, entry("9", "3", "lava"));
CORVID_REGISTER_ENV(MiniGridEnv<Crossing>, entry("11", "5", "lava"));
CORVID_REGISTER_ENV(MiniGridEnv<Crossing>, entry("9", "1", "wall"));
CORVID_REGISTER_ENV(MiniGridEnv<Crossing>, entry("9", "2", "wall"));
CORVID_REGISTER_ENV(MiniGridEnv<Crossing>, entry("9", "3", "wall"));
CORVID_REGISTER_ENV(MiniGridEnv<Crossing>, entry("11", "5", "wall"));

}  // namespace
}  // namespace corvid::minigrid
