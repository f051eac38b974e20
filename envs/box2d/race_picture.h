// RacePicture: what CarRacing shows of a race in 96 x 96 pixels: the road ahead of the car, instruments, and the score.
#pragma once

#include <cstdint>
#include <vector>

#include "envs/box2d/race.h"
#include "envs/box2d/raster.h"

namespace corvid::box2d {

inline constexpr int kPictureSize = 96;  // pixels, width and height

/// Across the road at a point of the track.
struct RoadLine {
  Vec2 middle, across;  // m, and a direction to the right
  float kerb_side;      // of the tile that ends here: -1 left, 0 none, 1 right
};

class RacePicture {
 public:
  /// Takes the track of a race that begins.
  void begin(const Track& track);

  /// Writes [96, 96, 3].
  void draw(const Race& race, std::uint8_t* pixels) const;

 private:
  std::vector<RoadLine> road_;
};

}  // namespace corvid::box2d
