// Line charts with bands, on any canvas.
#pragma once

#include <string>
#include <vector>

#include "core/base/canvas.h"

namespace corvid {

struct Series {
  std::string name;
  std::vector<double> x, y;       // x ascends; all finite
  std::vector<double> low, high;  // the band; empty for none
  Color color;
  bool dots = false;  // marks that tell it from another series of this colour
};

struct Chart {
  std::string title, x_title, y_title;
  std::vector<Series> series;
};

/// Charts side by side, with one legend for all: series of one name look alike in every chart.
struct Figure {
  std::string title;
  std::vector<Chart> charts;
  std::string note;  // small, below the legend
};

/// Colour of the `index`-th series; they repeat after kSeriesColors.
inline constexpr int kSeriesColors = 8;
Color series_color(int index);

/// Round numbers (1, 2 or 5 times a power of ten apart) in [low, high], at most `most` of them, and how they are
/// written: 0, 20k, 40k or 0.5M where they are large.
struct Ticks {
  std::vector<double> at;
  std::vector<std::string> labels;
};
Ticks nice_ticks(double low, double high, int most);

/// What a chart's axes show: from zero on where the data begin near it, and a margin above and below.
struct Ranges {
  double x_low = 0, x_high = 1, y_low = 0, y_high = 1;
};
Ranges ranges_of(const Chart& chart);

/// The first series of every name, in the order of the charts.
std::vector<const Series*> legend_of(const Figure& figure);

/// Width and height in pixels that suit the number of charts.
Point default_size(const Figure& figure);

/// One world unit of the canvas is a pixel. Throws Error kUsage when the charts do not fit.
void draw(const Figure& figure, Point size, Canvas& canvas);

}  // namespace corvid
