// A world of MiniGrid: the grid, the agent, and what the agent can do. Levels derive from it; see minigrid_env.h.
//
// Building a level draws random numbers in the order of the official implementation, so that the same seed gives the
// same level.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "core/env/environment.h"
#include "envs/minigrid/grid.h"
#include "envs/minigrid/mission.h"

namespace corvid::minigrid {

/// Options of every level.
struct LevelOptions {
  std::string observation = "partial";
  std::int64_t tile_size = 8;
  std::int64_t agent_view_size = 7;
  std::int64_t max_steps = 0;
  bool see_through_walls = false;
};

/// The options of a level: its `own`, then those of every level.
Fields level_fields(LevelOptions& options, Fields own);
inline Fields fields(LevelOptions& options) { return level_fields(options, {}); }  // of levels without their own

enum Action : std::int64_t { kLeft, kRight, kForward, kPickUp, kDrop, kToggle, kDone, kNumActions };

inline constexpr int kMostSteps = 1'000'000'000;  // that a limit may allow
inline constexpr int kUnlimited = -1;             // draws of a position until one is free

/// A number from `low` to `high` - 1 at random.
inline int draw(Rng& rng, int low, int high) { return static_cast<int>(rng.integers(low, high)); }

/// One element at random.
template <class T, std::size_t n>
T pick(Rng& rng, const std::array<T, n>& elements) {
  return elements[rng.integers(0, n)];
}
inline Hue pick_hue(Rng& rng) { return pick(rng, kHuesByName); }

/// The first `n` numbers from 0 on, in random order, as drawn one after another without putting back.
template <std::size_t n>
std::array<int, n> pick_order(Rng& rng, int count = n) {
  std::array<int, n> rest, order{};
  for (std::size_t i = 0; i < n; ++i) rest[i] = static_cast<int>(i);
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    const auto drawn = static_cast<std::size_t>(rng.integers(0, static_cast<std::int64_t>(n - i)));
    order[i] = rest[drawn];
    std::copy(rest.begin() + static_cast<std::ptrdiff_t>(drawn) + 1, rest.end(),
              rest.begin() + static_cast<std::ptrdiff_t>(drawn));
  }
  return order;
}

struct World {
  static constexpr std::size_t kMaxObjects = 64;
  static constexpr int kNumActions = minigrid::kNumActions;  // a level with fewer shadows this

  /// What has a number of its own.
  struct Object {
    Position start, now;  // now: (-1, -1) while carried
    Cell contents;        // of a box
  };

  /// `own_max_steps` is the level's limit, which the option replaces.
  World(const LevelOptions& options, std::int64_t width, std::int64_t height, std::int64_t own_max_steps);

  // ---- building a level ----

  /// An empty grid without agent, objects and mission.
  void begin();

  /// Something new, which lies nowhere yet.
  Cell make(Kind kind, Hue hue, std::uint8_t state = kOpen);
  Cell make_box(Hue hue, Cell contents);

  void put(Cell cell, Position at);
  Area everywhere() const { return {{0, 0}, grid.width(), grid.height()}; }

  /// Draws positions in `area` until one is free and accepted; gives up after `tries` more draws than one.
  template <class Accept>
  std::optional<Position> find_free(Rng& rng, Area area, int tries, Accept accept) const;

  /// Puts the cell on a free position of the area; there must be one.
  Position place(Rng& rng, Cell cell, Area area);
  Position place(Rng& rng, Cell cell) { return place(rng, cell, everywhere()); }

  /// Puts `count` new keys, balls and boxes, no two of which look alike, on free positions that are accepted.
  template <class Accept>
  std::array<Cell, kMaxObjects> place_unlike(Rng& rng, int count, Accept accept);

  /// Lets the agent start on a free position of the area, looking somewhere; there must be one.
  void place_agent(Rng& rng, Area area);
  void place_agent(Rng& rng) { place_agent(rng, everywhere()); }
  void set_agent(Position at, int looking) { agent = at, direction = looking; }

  // ---- playing ----

  /// One step by the rules that all levels share; a level's `step` begins with it.
  StepResult act(std::int64_t action);
  StepResult step(std::int64_t action, Rng&) { return act(action); }

  double success_reward() const { return 1 - 0.9 * (static_cast<double>(steps) / max_steps); }
  Position in_front() const { return agent + kDirections[direction]; }
  bool carries(Cell object) const { return carried.object != 0 && carried.object == object.object; }
  Object& object(Cell cell) { return objects[cell.object]; }
  const Object& object(Cell cell) const { return objects[cell.object]; }

  /// Longest episode, for the specification. A level whose limit changes shadows it.
  int most_steps() const { return max_steps; }

  // ---- saving ----

  /// What an episode changes. A level that remembers more has a visit of its own, which begins with this one.
  void visit(Archive& archive);

  /// For the visit of a level: a cell or a position that it remembers.
  void remember(Archive& archive, Cell& cell) const;
  void remember(Archive& archive, Position& at) const;

  /// Refuses a loaded state unless it is `good`.
  static void accept(bool good);

  Grid grid;
  std::array<Object, kMaxObjects> objects{};  // [0] stands for none
  int num_objects = 1;
  Position agent;
  int direction = -1;  // of the agent's look
  Cell carried;        // nothing when empty
  int steps = 0, max_steps;
  int view_size;
  bool see_through_walls;
  Mission mission;

 private:
  void toggle(Position at, Cell cell);
  bool possible() const;
};

template <class Accept>
std::optional<Position> World::find_free(Rng& rng, Area area, int tries, Accept accept) const {
  const Position low{std::max(area.top.x, 0), std::max(area.top.y, 0)};
  const int right = std::min(low.x + area.width, grid.width()), bottom = std::min(low.y + area.height, grid.height());
  for (int tried = 0; tries == kUnlimited || tried <= tries; ++tried) {
    Position at;
    at.x = static_cast<int>(rng.integers(low.x, right));
    at.y = static_cast<int>(rng.integers(low.y, bottom));
    if (grid.at(at).empty() && at != agent && accept(at)) return at;
  }
  return std::nullopt;
}

template <class Accept>
std::array<Cell, World::kMaxObjects> World::place_unlike(Rng& rng, int count, Accept accept) {
  std::array<Cell, kMaxObjects> placed;
  for (auto next = placed.begin(); next != placed.begin() + count;) {
    const Kind kind = pick(rng, std::array{Kind::kKey, Kind::kBall, Kind::kBox});
    const Hue hue = pick_hue(rng);
    if (std::any_of(placed.begin(), next, [&](Cell other) { return other.looks_like(kind, hue); })) continue;
    *next = make(kind, hue);
    put(*next, *find_free(rng, everywhere(), kUnlimited, accept));
    ++next;
  }
  return placed;
}

}  // namespace corvid::minigrid
