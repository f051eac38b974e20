// A picture in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace corvid {

struct Image {
  int width = 0, height = 0;          // pixels
  std::vector<std::uint32_t> pixels;  // [height, width], 0x??RRGGBB, the top row first

  Image() = default;
  Image(int wide, int high) : width(wide), height(high), pixels(static_cast<std::size_t>(wide) * high) {}

  std::uint32_t* row(int y) { return pixels.data() + static_cast<std::ptrdiff_t>(y) * width; }
  const std::uint32_t* row(int y) const { return pixels.data() + static_cast<std::ptrdiff_t>(y) * width; }
};

/// A part of a picture, in pixels.
struct Rectangle {
  int x = 0, y = 0, width = 1, height = 1;
};

}  // namespace corvid
