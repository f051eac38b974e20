// The ten rays of BipedalWalker: which part of its length each goes until it meets the ground.
#pragma once

#include <Box2D/Box2D.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "envs/box2d/floats.h"

namespace corvid::walker {

inline constexpr std::size_t kRays = 10;

/// A chain of edges, `width` wide, and rays from an eye above it: straight down to almost horizontal. What b2World::RayCast
/// finds by way of its tree, and with the same numbers, is tried here on eight edges at once.
template <std::size_t kEdges>
class Lidar {
 public:
  Lidar(double width, double range) : width_(width) {
    for (std::size_t i = 0; i < kRays; ++i) {
      const double angle = 1.5 * static_cast<double>(i) / 10.0;
      across_[i] = std::sin(angle) * range;
      down_[i] = std::cos(angle) * range;
    }
  }

  void set_edge(std::size_t i, b2Vec2 from, b2Vec2 to) {
    const b2Vec2 along = to - from;
    b2Vec2 normal(along.y, -along.x);
    normal.Normalize();
    const float numbers[] = {from.x, from.y, along.x, along.y, normal.x, normal.y, b2Dot(along, along)};
    for (std::size_t k = 0; k < edges_.size(); ++k) edges_[k][i] = numbers[k];
  }

  /// Where the ray ends that meets nothing.
  b2Vec2 end(b2Vec2 eye, std::size_t ray) const {
    return {static_cast<float>(eye.x + across_[ray]), static_cast<float>(eye.y - down_[ray])};
  }

  /// Which part of each ray is free, into `fractions` [kRays].
  void look(b2Vec2 eye, float* fractions) const {
    using box2d::Floats, box2d::Mask, box2d::load, box2d::kLanes;
    // All rays end within 16 edges, the one behind the eye's included.
    static_assert(kSeen == 2 * kLanes);
    const double behind = std::min(std::max(0.0, eye.x / width_ - 1), static_cast<double>(kEdges));
    const auto first = static_cast<std::size_t>(behind);
    const Floats zero = {}, one = zero + 1;
    std::array<Floats, kRays> nearest;
    nearest.fill(one);
    for (std::size_t i = first; i < first + kSeen; i += kLanes) {
      const Floats x = load(&edges_[0][i]), y = load(&edges_[1][i]), along_x = load(&edges_[2][i]),
                   along_y = load(&edges_[3][i]), normal_x = load(&edges_[4][i]), normal_y = load(&edges_[5][i]),
                   length = load(&edges_[6][i]);
      const Floats numerator = normal_x * (x - eye.x) + normal_y * (y - eye.y);
      for (std::size_t ray = 0; ray < kRays; ++ray) {
        const b2Vec2 d = end(eye, ray) - eye;
        const Floats denominator = normal_x * d.x + normal_y * d.y;
        const Floats t = numerator / denominator;
        const Floats s = ((eye.x + t * d.x - x) * along_x + (eye.y + t * d.y - y) * along_y) / length;
        const Mask met =
            (denominator != zero) & (length != zero) & (t >= zero) & (t <= nearest[ray]) & (s >= zero) & (s <= one);
        nearest[ray] = met ? t : nearest[ray];
      }
    }
    for (std::size_t ray = 0; ray < kRays; ++ray) {
      fractions[ray] = nearest[ray][0];
      for (std::size_t lane = 1; lane < kLanes; ++lane) fractions[ray] = std::min(fractions[ray], nearest[ray][lane]);
    }
  }

 private:
  static constexpr std::size_t kSeen = 16;

  double width_;
  std::array<double, kRays> across_, down_;
  /// Start, direction, unit normal and squared length of each edge; beyond the last they have no length.
  std::array<std::array<float, kEdges + kSeen>, 7> edges_{};
};

}  // namespace corvid::walker
