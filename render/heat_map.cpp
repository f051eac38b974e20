#include "render/heat_map.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "render/numbers.h"

namespace corvid {
namespace {

constexpr double kLetterWidth = 0.51;  // of the height, on average in DejaVu Sans and its like

double width_of(std::string_view text, double height) {
  // Bytes that go on with a UTF-8 letter have no width.
  const auto letters = std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
  return kLetterWidth * height * static_cast<double>(letters);
}

std::uint32_t mixed(std::uint32_t from, std::uint32_t to, double share) {
  std::uint32_t result = 0;
  for (int shift : {16, 8, 0}) {
    const double a = (from >> shift) & 0xFF, b = (to >> shift) & 0xFF;
    result |= static_cast<std::uint32_t>(std::lround(a + share * (b - a))) << shift;
  }
  return result;
}

}  // namespace

Color sequential_color(double share) {
  constexpr std::uint32_t kStops[] = {0x440154, 0x3b528b, 0x21918c, 0x5ec962, 0xfde725};
  const double place = 4 * std::clamp(share, 0.0, 1.0);
  const int stop = std::min(3, static_cast<int>(place));
  return {mixed(kStops[stop], kStops[stop + 1], place - stop)};
}

void draw_cells(Canvas& canvas, const Frame& frame, std::int64_t rows, std::int64_t columns,
                std::span<const Color> colors) {
  const double width = frame.width() / static_cast<double>(columns);
  const double height = frame.height() / static_cast<double>(rows);
  // Smooth edges would let the ground through between opaque cells; others would show twice where they overlap.
  const double opaque_overlap = 0.004 * frame.width();
  for (std::int64_t j = 0; j < rows && !colors.empty(); ++j) {
    const double bottom = frame.low.y + height * static_cast<double>(j);
    const Color* const row = colors.data() + j * columns;
    for (std::int64_t i = 0, end = 0; i < columns; i = end) {
      while (end < columns && row[end].rgb == row[i].rgb && row[end].alpha == row[i].alpha) ++end;
      if (row[i].alpha < 0.02) continue;
      const double overlap = row[i].alpha == 1 ? opaque_overlap : 0;
      canvas.rectangle({frame.low.x + width * static_cast<double>(i), bottom},
                       {std::min(frame.high.x, frame.low.x + width * static_cast<double>(end) + overlap),
                        std::min(frame.high.y, bottom + height + overlap)},
                       row[i]);
    }
  }
}

void draw_color_bar(Canvas& canvas, const Frame& frame, double low, double high, double text_height) {
  std::vector<Color> colors;
  for (int k = 0; k < 64; ++k) colors.push_back(sequential_color((k + 0.5) / 64));
  draw_cells(canvas, frame, 64, 1, colors);
  const double x = frame.high.x + 0.4 * text_height;
  canvas.text_from({x, frame.low.y + 0.5 * text_height}, text_height, short_number(low), palette::kInk);
  canvas.text_from({x, frame.high.y - 0.5 * text_height}, text_height, short_number(high), palette::kInk);
}

void draw_heat_map(Canvas& canvas, const Frame& frame, const HeatMap& map, double text_height) {
  const double range = map.high > map.low ? map.high - map.low : 1;
  std::vector<Color> colors(map.values.size(), Color{0, 0});
  for (std::size_t k = 0; k < colors.size(); ++k) {
    // Steps of a hundredth, so that neighbours become one.
    const double share = std::round(100 * (map.values[k] - map.low) / range) / 100;
    if (!std::isnan(share)) colors[k] = sequential_color(share);
  }
  canvas.rectangle(frame.low, frame.high, palette::kGrid);
  draw_cells(canvas, frame, map.rows, map.columns, colors);
  const double below = frame.low.y - 0.9 * text_height;
  canvas.text_from({frame.low.x, below}, text_height, short_number(map.x.low), palette::kInk);
  canvas.text_to({frame.high.x, below}, text_height, short_number(map.x.high), palette::kInk);
  canvas.text({0.5 * (frame.low.x + frame.high.x), below}, text_height, map.x.name, palette::kInk);
  const double left = frame.low.x - 0.4 * text_height;
  canvas.text_to({left, frame.low.y + 0.5 * text_height}, text_height, short_number(map.y.low), palette::kInk);
  canvas.text_to({left, frame.high.y - 0.5 * text_height}, text_height, short_number(map.y.high), palette::kInk);
  // Letters cannot be turned, so the name stands above its axis.
  canvas.text_from({frame.low.x, frame.high.y + 0.8 * text_height}, text_height, map.y.name + " (upwards)",
                   palette::kInk);
}

Point chart_point(const Frame& frame, const ChartAxis& x, const ChartAxis& y, double at_x, double at_y) {
  auto share = [](const ChartAxis& axis, double at) {
    return axis.high > axis.low ? std::clamp((at - axis.low) / (axis.high - axis.low), 0.0, 1.0) : 0.5;
  };
  return {frame.low.x + frame.width() * share(x, at_x), frame.low.y + frame.height() * share(y, at_y)};
}

void draw_bars(Canvas& canvas, const Frame& frame, std::span<const std::string> names, std::span<const double> values) {
  double largest = 0, widest = 0;
  const double row = frame.height() / static_cast<double>(std::max<std::size_t>(1, names.size()));
  const double text_height = std::min(0.45 * row, 0.03 * frame.width());
  for (std::size_t k = 0; k < names.size(); ++k) {
    if (std::isfinite(values[k])) largest = std::max(largest, std::fabs(values[k]));
    widest = std::max(widest, width_of(names[k], text_height));
  }
  const double left = frame.low.x + std::min(widest + text_height, 0.5 * frame.width());
  const double numbers = 6 * text_height;  // beside either end of the bars
  const double zero = 0.5 * (left + frame.high.x), reach = std::max(0.0, 0.5 * (frame.high.x - left) - numbers);
  for (std::size_t k = 0; k < names.size(); ++k) {
    const double middle = frame.high.y - (static_cast<double>(k) + 0.5) * row;
    canvas.text_to({left - 0.5 * text_height, middle}, text_height, names[k], palette::kInk);
    const double share = largest > 0 && std::isfinite(values[k]) ? values[k] / largest : 0;
    const double end = zero + share * reach;
    canvas.rectangle({std::min(zero, end), middle - 0.32 * row}, {std::max(zero, end), middle + 0.32 * row},
                     share < 0 ? palette::kOrange : palette::kBlue);
    const Point beside{end + (share < 0 ? -0.4 : 0.4) * text_height, middle};
    if (share < 0)
      canvas.text_to(beside, text_height, short_number(values[k]), palette::kInk);
    else
      canvas.text_from(beside, text_height, short_number(values[k]), palette::kInk);
  }
  canvas.line({zero, frame.low.y}, {zero, frame.high.y}, 0.08 * text_height, palette::kMuted);
}

void draw_arrow(Canvas& canvas, Point middle, double length, double dx, double dy, double width, Color color) {
  const Point tail{middle.x - 0.5 * length * dx, middle.y - 0.5 * length * dy};
  const Point tip{middle.x + 0.5 * length * dx, middle.y + 0.5 * length * dy};
  const double head = 0.4 * length;
  const Point neck{tip.x - head * dx, tip.y - head * dy};
  canvas.line(tail, neck, width, color);
  const Point corners[] = {
      tip, {neck.x - 0.5 * head * dy, neck.y + 0.5 * head * dx}, {neck.x + 0.5 * head * dy, neck.y - 0.5 * head * dx}};
  canvas.polygon(corners, color);
}

}  // namespace corvid
