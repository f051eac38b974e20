// Track: the closed road of a CarRacing episode, drawn at random.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/base/canvas.h"
#include "core/base/rng.h"

namespace corvid::box2d {

// Lengths are metres; the drawings they come from have six units to a metre.
inline constexpr double kTrackScale = 6.0;
inline constexpr double kTrackRadius = 900 / kTrackScale;  // of the circle that a track is a distortion of
inline constexpr double kPlayfield = 2000 / kTrackScale;   // from the middle to the end of the world
inline constexpr double kTrackStep = 21 / kTrackScale;     // from one point of a track to the next
inline constexpr double kTrackWidth = 40 / kTrackScale;    // from the middle of the road to its side
inline constexpr double kKerbWidth = 8 / kTrackScale;

struct TrackPoint {
  double alpha;  // rad, where the point is seen from the middle of the world
  double beta;   // rad, direction across the road, to the right of who drives along
  double x, y;   // m
};

using Quad = std::array<Point, 4>;

struct Track {
  std::vector<TrackPoint> points;
  std::vector<std::uint8_t> kerbs;  // [points] 1 where a hard turn has a kerb

  /// A random track. Now and then one does not close; then another is drawn.
  void generate(Rng& rng);

  std::size_t size() const { return points.size(); }
  const TrackPoint& before(std::size_t i) const { return points[(i == 0 ? points.size() : i) - 1]; }

  /// Tile i lies between point i and the one before it: left and right at point i, right and left at the other.
  Quad tile(std::size_t i) const;

  /// The kerb of tile i, on the inside of its turn.
  Quad kerb(std::size_t i) const;

 private:
  bool try_generate(Rng& rng);
  void walk(Rng& rng);
  void find_kerbs();
};

}  // namespace corvid::box2d
