#include "render/png.h"

#include <zlib.h>

#include <optional>

#include "core/base/check.h"
#include "render/color_table.h"
#include "render/output_file.h"

namespace corvid {
namespace png {

void put(Bytes& bytes, std::uint32_t value, int size) {
  while (size-- > 0) bytes.push_back(static_cast<std::byte>(value >> (8 * size)));
}

void put_chunk(Bytes& bytes, std::string_view type, std::span<const std::byte> data) {
  put(bytes, static_cast<std::uint32_t>(data.size()));
  const std::size_t start = bytes.size();
  for (const char letter : type) bytes.push_back(static_cast<std::byte>(letter));
  bytes.insert(bytes.end(), data.begin(), data.end());
  const auto* checked = reinterpret_cast<const Bytef*>(bytes.data() + start);
  put(bytes, static_cast<std::uint32_t>(crc32_z(0, checked, bytes.size() - start)));
}

void put_head(Bytes& bytes, int width, int height, int color_type) {
  put(bytes, 0x89504e47);  // \x89PNG
  put(bytes, 0x0d0a1a0a);
  Bytes head;
  put(head, static_cast<std::uint32_t>(width));
  put(head, static_cast<std::uint32_t>(height));
  put(head, 8, 1);  // bits
  put(head, static_cast<std::uint32_t>(color_type), 1);
  put(head, 0, 3);  // deflate, filters of type 0, not interlaced
  put_chunk(bytes, "IHDR", head);
}

void put_rgb_rows(Bytes& bytes, const Image& image, const Rectangle& part) {
  const std::size_t start = bytes.size();
  bytes.resize(start + static_cast<std::size_t>(part.height) * (3 * static_cast<std::size_t>(part.width) + 1));
  std::byte* out = bytes.data() + start;
  for (int y = part.y; y < part.y + part.height; ++y) {
    *out++ = std::byte{0};  // no filter: drawings have long runs of one colour
    for (const std::uint32_t* pixel = image.row(y) + part.x; pixel < image.row(y) + part.x + part.width; ++pixel) {
      for (const int shift : {16, 8, 0}) *out++ = static_cast<std::byte>(*pixel >> shift);
    }
  }
}

struct Compressor::Stream {
  z_stream z{};
};

Compressor::Compressor(int level) : stream_(std::make_unique<Stream>()) {
  if (deflateInit(&stream_->z, level) != Z_OK) fail(ErrorKind::kFailed, "no memory left to compress a picture");
}
Compressor::~Compressor() { deflateEnd(&stream_->z); }

void Compressor::compress(std::span<const std::byte> data, Bytes& bytes) {
  z_stream& z = stream_->z;
  deflateReset(&z);
  const std::size_t start = bytes.size();
  bytes.resize(start + deflateBound(&z, data.size()));
  z.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(data.data()));
  z.avail_in = static_cast<uInt>(data.size());
  z.next_out = reinterpret_cast<Bytef*>(bytes.data() + start);
  z.avail_out = static_cast<uInt>(bytes.size() - start);
  CORVID_CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END, "zlib's bound is too small");
  bytes.resize(bytes.size() - z.avail_out);
}

}  // namespace png

namespace {

/// Rows of palette numbers, each after its filter byte; nullopt when there are more than 256 colours.
std::optional<png::Bytes> palette_rows(const Image& image, ColorTable& colors) {
  png::Bytes rows(image.pixels.size() + static_cast<std::size_t>(image.height));
  std::byte* out = rows.data();
  for (int y = 0; y < image.height; ++y) {
    *out++ = std::byte{0};  // no filter: drawings have long runs of one colour
    std::uint32_t last = ~0U;
    int number = 0;
    for (int x = 0; x < image.width; ++x) {
      const std::uint32_t rgb = image.row(y)[x] & kRgb;
      if (rgb != last) number = colors.number_of(last = rgb);
      if (number < 0) return std::nullopt;
      *out++ = static_cast<std::byte>(number);
    }
  }
  return rows;
}

}  // namespace

std::vector<std::byte> png_bytes(const Image& image, int level) {
  ColorTable colors;
  auto rows = palette_rows(image, colors);
  png::Bytes bytes, data;
  png::put_head(bytes, image.width, image.height, rows ? 3 : 2);
  if (rows) {
    const std::span<const std::uint8_t> palette(colors.bytes(), static_cast<std::size_t>(3 * colors.size()));
    png::put_chunk(bytes, "PLTE", std::as_bytes(palette));
  } else {
    rows.emplace();
    png::put_rgb_rows(*rows, image, {0, 0, image.width, image.height});
  }
  png::Compressor(level).compress(*rows, data);
  png::put_chunk(bytes, "IDAT", data);
  png::put_chunk(bytes, "IEND", {});
  return bytes;
}

void write_png(const std::filesystem::path& path, const Image& image) {
  OutputFile file(path);
  file.write(png_bytes(image));
  file.commit();
}

}  // namespace corvid
