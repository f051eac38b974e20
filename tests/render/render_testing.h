// What tests of pictures share: PNG files read by libpng, test pictures, distances.
#pragma once

#include <png.h>

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "core/base/rng.h"
#include "render/image.h"
#include "render/raster_canvas.h"

namespace corvid::render_testing {

inline Image read_png(const std::filesystem::path& path) {
  png_image reader{};
  reader.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_file(&reader, path.c_str()))
    throw std::runtime_error(path.string() + ": " + reader.message);
  reader.format = PNG_FORMAT_BGRA;
  Image image(static_cast<int>(reader.width), static_cast<int>(reader.height));
  if (!png_image_finish_read(&reader, nullptr, image.pixels.data(), 0, nullptr))
    throw std::runtime_error(path.string() + ": " + reader.message);
  return image;
}

/// Every pixel a colour of its own chance: more colours than a palette holds.
inline Image noise(int width, int height, std::uint64_t seed, std::uint32_t mask = 0xffffff) {
  Image image(width, height);
  Rng rng(seed);
  for (std::uint32_t& pixel : image.pixels) pixel = static_cast<std::uint32_t>(rng.integers(0, 0x1000000)) & mask;
  return image;
}

/// A disc that moves over a drawing; few colours.
inline Image moving_disc(int width, int height, int step) {
  Image image(width, height);
  RasterCanvas canvas(image);
  canvas.view({0, 0}, {10, 10});
  canvas.line({1, 1}, {9, 3}, 0.4, palette::kInk);
  canvas.circle({2 + 0.3 * step, 5}, 1.3, palette::kRed);
  return image;
}

inline int channel(std::uint32_t pixel, int index) { return static_cast<int>(pixel >> (16 - 8 * index) & 0xff); }

/// How far apart two pictures of one size are.
struct Distance {
  double mean = 0;       // grey levels, over all channels
  double share_far = 0;  // of pixels with a channel that is more than 32 grey levels off
  int largest = 0;       // grey levels
};

inline Distance distance(const Image& a, const Image& b) {
  Distance result;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) {
    int worst = 0;
    for (int c = 0; c < 3; ++c) {
      const int off = std::abs(channel(a.pixels[i], c) - channel(b.pixels[i], c));
      result.mean += off;
      worst = std::max(worst, off);
    }
    result.share_far += worst > 32;
    result.largest = std::max(result.largest, worst);
  }
  result.mean /= 3.0 * static_cast<double>(a.pixels.size());
  result.share_far /= static_cast<double>(a.pixels.size());
  return result;
}

}  // namespace corvid::render_testing
