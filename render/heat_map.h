// Drawn on a canvas: heat maps with axes and a colour bar, bars with names, curves. All sizes are units of the page.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/base/canvas.h"

namespace corvid {

/// A rectangle of the page.
struct Frame {
  Point low, high;
  double width() const { return high.x - low.x; }
  double height() const { return high.y - low.y; }
};

struct ChartAxis {
  std::string name;
  double low = 0, high = 1;
};

/// A colour for a share in [0, 1], from dark to bright (after viridis of Smith and van der Walt).
Color sequential_color(double share);

/// Cells [rows, columns] of a frame, row 0 at the bottom; `colors` without opacity stay empty. Cells of one colour side
/// by side become one rectangle.
void draw_cells(Canvas& canvas, const Frame& frame, std::int64_t rows, std::int64_t columns,
                std::span<const Color> colors);

/// Colours from `low` at the bottom to `high`.
void draw_color_bar(Canvas& canvas, const Frame& frame, double low, double high, double text_height);

/// Cells [rows, columns], row 0 at the bottom, in colours from `low` to `high`; axes with names, and their ends as
/// numbers. NaN stays empty.
struct HeatMap {
  std::int64_t rows = 0, columns = 0;
  std::span<const double> values;
  double low = 0, high = 1;
  ChartAxis x, y;
};
void draw_heat_map(Canvas& canvas, const Frame& frame, const HeatMap& map, double text_height);

/// A place on such a chart, kept inside of it.
Point chart_point(const Frame& frame, const ChartAxis& x, const ChartAxis& y, double at_x, double at_y);

/// One bar a name, to the right where its value is positive, and the value as a number.
void draw_bars(Canvas& canvas, const Frame& frame, std::span<const std::string> names, std::span<const double> values);

/// An arrow of a length around a middle, in direction (dx, dy) of length 1.
void draw_arrow(Canvas& canvas, Point middle, double length, double dx, double dy, double width, Color color);

}  // namespace corvid
