// PNG files (W3C, Portable Network Graphics, third edition), and what animated ones are made of.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "render/image.h"

namespace corvid {

/// With a palette where at most 256 colours are in the picture, else with three bytes a pixel; exact in any case.
/// `level` is zlib's: 1 to 9, the smallest.
std::vector<std::byte> png_bytes(const Image& image, int level = 9);
void write_png(const std::filesystem::path& path, const Image& image);

namespace png {

inline constexpr int kFast = 3;  // zlib's level for many frames: about as fast as 1, and a fifth smaller

using Bytes = std::vector<std::byte>;

/// Appends a number, its highest byte first.
void put(Bytes& bytes, std::uint32_t value, int size = 4);

/// Appends a chunk: length, type, data, checksum.
void put_chunk(Bytes& bytes, std::string_view type, std::span<const std::byte> data);

/// The first bytes of a file and its IHDR. `color_type`: 2 for RGB, 3 for a palette; 8 bits either way.
void put_head(Bytes& bytes, int width, int height, int color_type);

/// Appends the rows of a part, three bytes a pixel, each row after its filter byte.
void put_rgb_rows(Bytes& bytes, const Image& image, const Rectangle& part);

/// zlib with its working memory kept from picture to picture.
class Compressor {
 public:
  explicit Compressor(int level);
  ~Compressor();
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  /// A zlib stream of `data`, appended to `bytes`.
  void compress(std::span<const std::byte> data, Bytes& bytes);

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
};

}  // namespace png
}  // namespace corvid
