// What the agent sees: a square of cells before it, turned so that it looks up, and which of them are visible.
#pragma once

#include <bit>
#include <cstring>
#include <type_traits>

#include "envs/minigrid/world.h"

namespace corvid::minigrid {

/// The square of V * V cells in the order of the image: column by column, the agent last in the middle column.
template <int V>
struct View {
  static_assert(V % 2 == 1 && V * V < 128);
  using Bits = std::conditional_t<(V * V <= 64), std::uint64_t, unsigned __int128>;
  static constexpr int kNumCells = V * V;
  static constexpr int kAgent = V / 2 * V + V - 1;

  std::array<std::uint32_t, kNumCells> cells;  // the bytes of a Cell each
  Bits visible;                                // one bit a cell, from the lowest on

  explicit View(const World& world) {
    const Bits opaque = gather(world);
    visible = world.see_through_walls ? kAll : propagate(opaque);
    cells[kAgent] = std::bit_cast<std::uint32_t>(world.carried);  // seen instead of what the agent stands on
  }

  bool sees(int cell) const { return (visible >> cell) & 1; }
  Cell at(int cell) const { return std::bit_cast<Cell>(cells[cell]); }

  /// Where a cell of the view lies in the world.
  static Position locate(const World& world, int cell) {
    const Position forward = kDirections[world.direction];
    const int right = cell / V - V / 2, ahead = V - 1 - cell % V;
    return {world.agent.x + ahead * forward.x - right * forward.y,
            world.agent.y + ahead * forward.y + right * forward.x};
  }

 private:
  static constexpr Bits kAll = (Bits{1} << kNumCells) - 1;
  static constexpr Bits kRow = [] {  // the row farthest away; one bit a column
    Bits bits = 0;
    for (int column = 0; column < V; ++column) bits |= Bits{1} << (column * V);
    return bits;
  }();

  /// Copies the cells; returns those that are opaque.
  Bits gather(const World& world) {
    const int stride = world.grid.stride();
    const std::ptrdiff_t steps[] = {1, stride, -1, -stride};  // to the neighbour in each direction
    const std::ptrdiff_t forward = steps[world.direction], right = steps[(world.direction + 1) % 4];
    const Cell* from = world.grid.address(world.agent) + (V - 1) * forward - V / 2 * right;
    Bits opaque = 0;
    for (int column = 0; column < V; ++column, from += V * forward + right) {
      for (int row = 0; row < V; ++row, from -= forward) {
        const int place = column * V + row;
        const auto cell = std::bit_cast<std::uint32_t>(*from);
        cells[place] = cell;
        opaque |= Bits{cell >> 31} << place;
      }
    }
    return opaque;
  }

  /// Row by row away from the agent: a run of clear cells with a visible one among them is visible as a whole; it shows
  /// its two neighbours, and the cells before all of these in the next row.
  static Bits propagate(Bits opaque) {
    // Whether 1, 2, 4, ... cells in a row are clear, up to a cell from its left and from its right.
    constexpr int kDoublings = V <= 3 ? 2 : V <= 7 ? 3 : 4;
    std::array<Bits, kDoublings> clear_left, clear_right;
    clear_left[0] = clear_right[0] = kAll & ~opaque;
    for (int i = 1; i < kDoublings; ++i) {
      clear_left[i] = clear_left[i - 1] & clear_left[i - 1] << (V << (i - 1));
      clear_right[i] = clear_right[i - 1] & clear_right[i - 1] >> (V << (i - 1));
    }
    Bits seen = Bits{1} << kAgent;
    for (int row = V - 1; row >= 0; --row) {
      Bits rightward = seen & clear_left[0] & (kRow << row), leftward = rightward;
      for (int i = 0; i < kDoublings; ++i) {
        rightward |= clear_left[i] & rightward << (V << i);
        leftward |= clear_right[i] & leftward >> (V << i);
      }
      const Bits run = rightward | leftward, shown = (run | run << V | run >> V) & kAll;
      seen |= shown;
      if (row > 0) seen |= shown >> 1;
    }
    return seen;
  }
};

/// The image of a view, [V, V, 3]: kind, hue and state of a cell, 0 where nothing is seen.
template <int V>
void write_image(const View<V>& view, std::uint8_t* out) {
  // Four bytes a cell; the next cell overwrites the fourth.
  auto bytes = [&](int cell) { return view.cells[cell] & -std::uint32_t{view.sees(cell)}; };
  constexpr int kLast = View<V>::kNumCells - 1;
  for (int cell = 0; cell < kLast; ++cell) {
    const std::uint32_t value = bytes(cell);
    std::memcpy(out + 3 * cell, &value, 4);
  }
  const std::uint32_t value = bytes(kLast);
  std::memcpy(out + 3 * kLast, &value, 3);
}

}  // namespace corvid::minigrid
