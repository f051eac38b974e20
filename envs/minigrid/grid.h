// What may lie in a cell of MiniGrid and BabyAI, and the grid of cells.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>

#include "core/base/archive.h"
#include "core/base/check.h"

namespace corvid::minigrid {

// The numbers of kinds, hues and door states are those of the official observations.
enum class Kind : std::uint8_t { kUnseen, kEmpty, kWall, kFloor, kDoor, kKey, kBall, kBox, kGoal, kLava, kAgent };
enum class Hue : std::uint8_t { kRed, kGreen, kBlue, kPurple, kYellow, kGrey };
enum DoorState : std::uint8_t { kOpen, kClosed, kLocked };

inline constexpr int kNumKinds = 11, kNumHues = 6, kNumStates = 3;

/// The order in which hues are drawn at random: by name.
inline constexpr std::array kHuesByName = {Hue::kBlue, Hue::kGreen, Hue::kGrey, Hue::kPurple, Hue::kRed, Hue::kYellow};

/// One cell, four bytes. Everything that can be told apart from its like (doors, keys, balls, boxes) has a number.
struct Cell {
  Kind kind = Kind::kEmpty;
  Hue hue = Hue::kRed;          // 0, as the observation shows it, where there is no hue
  std::uint8_t state = 0;       // of a door
  std::uint8_t object : 6 = 0;  // number in World::objects; 0: none
  std::uint8_t : 1;
  std::uint8_t opaque : 1 = 0;  // hides what lies behind it; the top bit of the four bytes

  bool operator==(const Cell&) const = default;

  bool empty() const { return kind == Kind::kEmpty; }
  bool can_be_entered() const {
    return kind == Kind::kEmpty || kind == Kind::kGoal || kind == Kind::kLava || kind == Kind::kFloor ||
           (kind == Kind::kDoor && state == kOpen);
  }
  bool can_be_carried() const { return kind == Kind::kKey || kind == Kind::kBall || kind == Kind::kBox; }
  /// Whether a world with so many objects may hold such a cell; a saved one may be damaged.
  bool possible(int num_objects) const {
    const bool hides = kind == Kind::kWall || (kind == Kind::kDoor && state != kOpen);
    return kind >= Kind::kEmpty && kind <= Kind::kLava && hue <= Hue::kGrey && state <= kLocked &&
           object < num_objects && opaque == hides;
  }
  bool looks_like(Kind other_kind, Hue other_hue) const { return kind == other_kind && hue == other_hue; }
};
static_assert(sizeof(Cell) == 4);

inline constexpr Cell kNothing{};
inline constexpr Cell kWall{.kind = Kind::kWall, .hue = Hue::kGrey, .opaque = 1};
inline constexpr Cell kGoal{.kind = Kind::kGoal, .hue = Hue::kGreen};
inline constexpr Cell kLava{.kind = Kind::kLava, .hue = Hue::kRed};

struct Position {
  int x = -1, y = -1;  // to the right and down
  bool operator==(const Position&) const = default;
  Position operator+(Position other) const { return {x + other.x, y + other.y}; }
  Position operator-(Position other) const { return {x - other.x, y - other.y}; }
};

/// Steps between two positions when nothing is in the way.
inline int distance(Position a, Position b) { return std::abs(a.x - b.x) + std::abs(a.y - b.y); }

/// Directions are numbered clockwise from the right; y points down.
inline constexpr std::array<Position, 4> kDirections = {{{1, 0}, {0, 1}, {-1, 0}, {0, -1}}};

/// A rectangle of cells.
struct Area {
  Position top;  // left upper corner
  int width = 0, height = 0;
  bool contains(Position at) const {
    return at.x >= top.x && at.y >= top.y && at.x < top.x + width && at.y < top.y + height;
  }
};

/// Cells row by row, with as many walls around as an agent could look at, so that a view needs no bounds. The margin
/// right of one row is the margin left of the next.
class Grid {
 public:
  static constexpr int kMaxSide = 25;
  static constexpr int kMaxMargin = 10;

  Grid(int width, int height, int margin) : width_(width), height_(height), margin_(margin), stride_(width + margin) {
    CORVID_CHECK(width <= kMaxSide && height <= kMaxSide && margin <= kMaxMargin, "the grid is too large");
    cells_.fill(kWall);
  }

  int width() const { return width_; }
  int height() const { return height_; }
  int stride() const { return stride_; }  // cells from one row to the next

  bool contains(Position at) const { return at.x >= 0 && at.y >= 0 && at.x < width_ && at.y < height_; }
  const Cell* address(Position at) const { return &cells_[index(at)]; }
  Cell at(Position at) const { return cells_[index(at)]; }
  void set(Position at, Cell cell) {
    CORVID_DCHECK(contains(at), "only cells of the grid may change");
    cells_[index(at)] = cell;
  }

  void clear() {
    for (int y = 0; y < height_; ++y) std::fill_n(&cells_[index({0, y})], width_, kNothing);
  }
  void row(Position from, int length, Cell cell = kWall) {
    for (int i = 0; i < length; ++i) set({from.x + i, from.y}, cell);
  }
  void column(Position from, int length, Cell cell = kWall) {
    for (int i = 0; i < length; ++i) set({from.x, from.y + i}, cell);
  }
  void walls_around(Area area) {
    row(area.top, area.width);
    row({area.top.x, area.top.y + area.height - 1}, area.width);
    column(area.top, area.height);
    column({area.top.x + area.width - 1, area.top.y}, area.height);
  }

  void visit(Archive& archive) {
    for (int y = 0; y < height_; ++y)
      archive.bytes("row", &cells_[index({0, y})], sizeof(Cell) * static_cast<std::size_t>(width_));
  }

 private:
  static constexpr std::size_t kCapacity = (kMaxSide + kMaxMargin) * (kMaxSide + 2 * kMaxMargin) + kMaxMargin;

  int index(Position at) const { return (at.y + margin_) * stride_ + at.x + margin_; }

  int width_, height_, margin_, stride_;
  std::array<Cell, kCapacity> cells_;
};

}  // namespace corvid::minigrid
