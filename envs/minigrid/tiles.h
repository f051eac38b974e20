// Pictures of single cells as the official package renders them: drawn at three times the size, then averaged.
#pragma once

#include <vector>

#include "envs/minigrid/grid.h"

namespace corvid::minigrid {

class TileSet {
 public:
  /// All pictures of one size, made when first asked for and kept.
  static const TileSet& of_size(int pixels);

  explicit TileSet(int pixels);

  /// [pixels, pixels, 3]; `agent` is the direction of the agent on the cell, or kNoAgent.
  const std::uint8_t* picture(Cell cell, int agent, bool lit) const {
    return &bytes_[places_[index(cell, agent, lit)]];
  }

  static constexpr int kNoAgent = 4;

 private:
  static int index(Cell cell, int agent, bool lit) {
    const int look = (static_cast<int>(cell.kind) * kNumHues + static_cast<int>(cell.hue)) * kNumStates + cell.state;
    return (look * (kNoAgent + 1) + agent) * 2 + lit;
  }

  std::vector<std::ptrdiff_t> places_;  // of pictures in bytes_, by index()
  std::vector<std::uint8_t> bytes_;
};

}  // namespace corvid::minigrid
