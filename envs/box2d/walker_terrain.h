// Terrain of BipedalWalker: gentle hills, and in its hardcore version stumps, stairs and pits between them.
#pragma once

#include <array>
#include <vector>

#include "core/base/canvas.h"
#include "core/base/rng.h"

namespace corvid::walker {

inline constexpr double kScale = 30;          // some lengths are given in 1/kScale m
inline constexpr double kStep = 14 / kScale;  // m between two corners of the ground
inline constexpr int kCorners = 200;
inline constexpr int kGrass = 10, kStartPad = 20;          // steps: longest grass, first flat ground
inline constexpr double kGroundHeight = 400 / kScale / 4;  // m, what the hills are drawn to

/// Four corners, as the game lists them.
using Block = std::array<Point, 4>;

struct Terrain {
  static double x(std::size_t corner) { return static_cast<double>(corner) * kStep; }

  void generate(bool hardcore, Rng& rng);

  std::array<double, kCorners> height{};  // m
  std::vector<Block> blocks;              // stumps, stairs, walls of pits
};

/// The four corners of a box.
inline Block block(double left, double first_y, double right, double second_y) {
  return {{{left, first_y}, {right, first_y}, {right, second_y}, {left, second_y}}};
}

inline void Terrain::generate(bool hardcore, Rng& rng) {
  enum { kHills, kStump, kStairs, kPit, kKinds };
  int kind = kHills;
  bool begins = false;  // this corner is the first of its kind
  int left = kStartPad;
  double velocity = 0, y = kGroundHeight, y_before = 0;
  int steps = 0, rise = 0;
  constexpr int kTread = 4;
  blocks.clear();
  for (int i = 0; i < kCorners; ++i) {
    const double x = i * kStep;
    if (kind == kHills && !begins) {
      const double lift = kGroundHeight - y;
      velocity = 0.8 * velocity + 0.01 * (lift > 0 ? 1 : lift < 0 ? -1 : 0);
      if (i > kStartPad) velocity += rng.uniform(-1, 1) / kScale;
      y += velocity;
    } else if (kind == kPit && begins) {
      left = static_cast<int>(rng.integers(3, 5));
      Block wall = block(x, y, x + kStep, y - 4 * kStep);
      blocks.push_back(wall);
      for (Point& corner : wall) corner.x += kStep * left;
      blocks.push_back(wall);
      left += 2;
      y_before = y;
    } else if (kind == kPit) {
      y = y_before;
      if (left > 1) y -= 4 * kStep;
    } else if (kind == kStump && begins) {
      left = static_cast<int>(rng.integers(1, 3));
      blocks.push_back(block(x, y, x + left * kStep, y + left * kStep));
    } else if (kind == kStairs && begins) {
      rise = rng.random() > 0.5 ? 1 : -1;
      steps = static_cast<int>(rng.integers(3, 5));
      y_before = y;
      for (int s = 0; s < steps; ++s) {
        blocks.push_back(block(x + (s * kTread) * kStep, y + (s * rise) * kStep, x + ((1 + s) * kTread) * kStep,
                               y + (-1 + s * rise) * kStep));
      }
      left = steps * kTread;
    } else if (kind == kStairs) {
      const double climbed = static_cast<double>(steps * kTread - left - rise) / kTread;
      y = y_before + (climbed * rise) * kStep;
    }
    begins = false;
    height[static_cast<std::size_t>(i)] = y;
    if (--left == 0) {
      left = static_cast<int>(rng.integers(kGrass / 2, kGrass));
      kind = kind == kHills && hardcore ? static_cast<int>(rng.integers(1, kKinds)) : static_cast<int>(kHills);
      begins = true;
    }
  }
}

}  // namespace corvid::walker
