// Raster: fills polygons into a small RGB picture; a pixel that a polygon covers in part takes its colour in part.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>

namespace corvid::box2d {

struct Vec2 {
  float x, y;
};
inline Vec2 operator+(Vec2 a, Vec2 b) { return {a.x + b.x, a.y + b.y}; }
inline Vec2 operator-(Vec2 a, Vec2 b) { return {a.x - b.x, a.y - b.y}; }
inline Vec2 operator*(float s, Vec2 v) { return {s * v.x, s * v.y}; }

using Rgb = std::array<std::uint8_t, 3>;

/// Lengths are pixels: x to the right, y down, (0, 0) the outer corner of the first pixel. Nothing outside is drawn.
template <int kWidth, int kHeight>
class Raster {
 public:
  /// Draws on the first `rows` rows of `pixels` [kHeight, kWidth, 3].
  explicit Raster(std::uint8_t* pixels, int rows = kHeight) : pixels_(pixels), rows_(rows) {}

  void clear(Rgb color) {
    fill(pixels_, kWidth, color);
    for (int y = 1; y < rows_; ++y) std::memcpy(row(y), pixels_, 3 * kWidth);
  }

  /// A convex polygon, its corners in either order. Covered shares are exact along a row, and to 1/4 pixel across.
  void polygon(std::span<const Vec2> corners, Rgb color);

  /// An upright rectangle, exact in both directions.
  void rectangle(Vec2 low, Vec2 high, Rgb color);

 private:
  static constexpr int kLines = 4;               // scan lines a row
  static constexpr int kUnit = 256;              // fixed point: units a pixel
  static constexpr int kWhole = kUnit * kLines;  // cover of a whole pixel
  static constexpr int kShift = std::countr_zero(static_cast<unsigned>(kWhole));

  std::uint8_t* row(int y) { return pixels_ + 3 * kWidth * y; }

  static void fill(std::uint8_t* pixel, int count, Rgb color) {
    // Four bytes at once; the fourth is written over by the next pixel.
    const std::uint32_t packed = color[0] | color[1] << 8 | color[2] << 16;
    for (; count > 1; --count, pixel += 3) std::memcpy(pixel, &packed, 4);
    if (count == 1) std::memcpy(pixel, color.data(), 3);
  }

  static void blend(std::uint8_t* pixel, Rgb color, int cover) {
    for (std::size_t c = 0; c < 3; ++c) {
      const int change = (color[c] - pixel[c]) * cover + kWhole / 2;
      pixel[c] = static_cast<std::uint8_t>(pixel[c] + (change >> kShift));
    }
  }

  /// How many scan lines are above y; a line is where the middle of its strip is.
  int lines_above(float y) const {
    return static_cast<int>(std::ceil(std::clamp(y * kLines - 0.5f, 0.0f, static_cast<float>(rows_ * kLines))));
  }

  void trace(Vec2 a, Vec2 b);
  void fill_row(int y, Rgb color);

  // One lane a scan line of a row. Written as vectors because compilers take many pixels at once otherwise, which is
  // slow for the few pixels at a border.
  using Lines = int __attribute__((vector_size(4 * kLines)));
  using Floats = float __attribute__((vector_size(4 * kLines)));

  static Lines low(Lines a, Lines b) { return a < b ? a : b; }
  static Lines high(Lines a, Lines b) { return a > b ? a : b; }

  /// Borders on the lines of row y, in units.
  Lines units(const std::array<float, kHeight * kLines>& borders, int y) const {
    Floats pixels;
    std::memcpy(&pixels, &borders[static_cast<std::size_t>(y) * kLines], sizeof(pixels));
    return __builtin_convertvector(pixels * kUnit, Lines);
  }

  /// How much of pixel x, of kWhole, lies between the borders.
  static int cover(int x, Lines left, Lines right) {
    const Lines none{}, end = none + (x + 1) * kUnit;
    auto right_of = [&](Lines border) { return high(low(end - border, none + kUnit), none); };
    const Lines each = right_of(left) - right_of(right);
    int sum = 0;
    for (int k = 0; k < kLines; ++k) sum += each[k];
    return sum;
  }

  std::uint8_t* pixels_;
  int rows_;
  std::array<float, kHeight * kLines> left_, right_;  // borders of the polygon on each scan line
};

template <int kWidth, int kHeight>
void Raster<kWidth, kHeight>::polygon(std::span<const Vec2> corners, Rgb color) {
  const auto [top, bottom] =
      std::minmax_element(corners.begin(), corners.end(), [](Vec2 a, Vec2 b) { return a.y < b.y; });
  const int begin = lines_above(top->y), end = lines_above(bottom->y);
  if (begin >= end) return;
  const int first_row = begin / kLines, end_row = (end + kLines - 1) / kLines;
  std::fill(left_.begin() + first_row * kLines, left_.begin() + end_row * kLines, static_cast<float>(kWidth));
  std::fill(right_.begin() + first_row * kLines, right_.begin() + end_row * kLines, 0.0f);
  for (std::size_t i = 0; i + 1 < corners.size(); ++i) trace(corners[i], corners[i + 1]);
  trace(corners.back(), corners.front());
  for (int y = first_row; y < end_row; ++y) fill_row(y, color);
}

/// Takes one side of the polygon into the borders.
template <int kWidth, int kHeight>
void Raster<kWidth, kHeight>::trace(Vec2 a, Vec2 b) {
  if (a.y > b.y) std::swap(a, b);
  const int begin = lines_above(a.y), end = lines_above(b.y);
  if (begin >= end) return;
  const float slope = (b.x - a.x) / ((b.y - a.y) * kLines), start = a.x + slope * (0.5f - a.y * kLines);
  for (int line = begin; line < end; ++line) {
    const float x = std::clamp(start + slope * static_cast<float>(line), 0.0f, static_cast<float>(kWidth));
    float &left = left_[static_cast<std::size_t>(line)], &right = right_[static_cast<std::size_t>(line)];
    left = std::min(left, x);
    right = std::max(right, x);
  }
}

template <int kWidth, int kHeight>
void Raster<kWidth, kHeight>::fill_row(int y, Rgb color) {
  const Lines left = units(left_, y), right = units(right_, y);
  int first = left[0], last = right[0], inner_first = left[0], inner_last = right[0];
  for (int k = 1; k < kLines; ++k) {
    first = std::min(first, left[k]);
    last = std::max(last, right[k]);
    inner_first = std::max(inner_first, left[k]);
    inner_last = std::min(inner_last, right[k]);
  }
  const Lines right_or_none = high(left, right);
  // Pixels in part covered, whole ones, and again ones in part.
  std::uint8_t* pixels = row(y);
  const int end = (last + kUnit - 1) / kUnit, inner_begin = std::min((inner_first + kUnit - 1) / kUnit, end),
            inner_end = std::max(inner_last / kUnit, inner_begin);
  for (int x = first / kUnit; x < inner_begin; ++x) blend(pixels + 3 * x, color, cover(x, left, right_or_none));
  fill(pixels + 3 * inner_begin, inner_end - inner_begin, color);
  for (int x = inner_end; x < end; ++x) blend(pixels + 3 * x, color, cover(x, left, right_or_none));
}

template <int kWidth, int kHeight>
void Raster<kWidth, kHeight>::rectangle(Vec2 low, Vec2 high, Rgb color) {
  auto units = [](float length, int limit) {
    return static_cast<int>(std::lround(std::clamp(length, 0.0f, static_cast<float>(limit)) * kUnit));
  };
  const int left = units(low.x, kWidth), right = units(high.x, kWidth), top = units(low.y, rows_),
            bottom = units(high.y, rows_);
  auto share = [](int pixel, int from, int to) {
    return std::min(to, (pixel + 1) * kUnit) - std::max(from, pixel * kUnit);
  };
  for (int y = top / kUnit; y * kUnit < bottom; ++y) {
    const int height = share(y, top, bottom);
    for (int x = left / kUnit; x * kUnit < right; ++x)
      blend(row(y) + 3 * x, color, share(x, left, right) * height * kLines / kUnit);
  }
}

}  // namespace corvid::box2d
