#include "render/chart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string_view>
#include <tuple>

#include "core/base/check.h"

namespace corvid {
namespace {

// Pixels.
constexpr double kMargin = 18, kGap = 22;
constexpr double kTitle = 18, kChartTitle = 15, kText = 12.5, kSmall = 11;
constexpr double kLeastWidth = 140, kLeastHeight = 130;  // of one chart
constexpr double kLegendRow = 20, kSample = 24;
constexpr Color kSoftInk{0x5b616b}, kPaper{0xffffff};

// At most what the letter takes in DejaVu Sans, a wide font, in heights: the reader's font is not known here.
double width_of(char letter) {
  if ((letter & 0xc0) == 0x80) return 0;  // a further byte of a letter
  if (std::string_view("mMW@%").find(letter) != std::string_view::npos) return 1;
  if (std::string_view("w=+~<>#&").find(letter) != std::string_view::npos) return 0.84;
  if (std::string_view(" ijltfrI.,:;'|!()[]/-").find(letter) != std::string_view::npos) return 0.42;
  return (letter >= 'A' && letter <= 'Z') || (letter & 0x80) ? 0.79 : 0.64;
}

double width_of(std::string_view text, double height) {
  double sum = 0;
  for (const char letter : text) sum += width_of(letter);
  return sum * height;
}

std::string shortened(const std::string& text, double height, double width) {
  if (width_of(text, height) <= width) return text;
  constexpr std::string_view kDots = "...";
  double sum = width_of(kDots, height);
  std::size_t end = 0;
  while (end < text.size() && sum + width_of(text[end]) * height <= width) sum += width_of(text[end++]) * height;
  while (end > 0 && (text[end] & 0xc0) == 0x80) --end;
  return text.substr(0, end).append(kDots);
}

// Lines of whole words.
std::vector<std::string> wrapped(const std::string& text, double height, double width) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    if (!lines.empty() && width_of(lines.back() + " " + word, height) <= width)
      lines.back() += " " + word;
    else
      lines.push_back(shortened(word, height, width));
    at = end + 1;
  }
  return lines;
}

struct Box {
  double left, bottom, right, top;
};

int columns_of(const Figure& figure) {
  const auto count = static_cast<int>(figure.charts.size());
  return count <= 3 ? std::max(1, count) : std::min(4, static_cast<int>(std::ceil(std::sqrt(count))));
}

/// The legend's entries with their left edges, from the upper row down.
using LegendRows = std::vector<std::vector<std::pair<const Series*, double>>>;

LegendRows legend_rows(const Figure& figure, double width) {
  LegendRows rows;
  double x = 0;
  for (const Series* series : legend_of(figure)) {
    const double wide = kSample + 8 + std::min(width_of(series->name, kText), width - kSample - 8);
    if (rows.empty() || x + wide > width) {
      rows.emplace_back();
      x = 0;
    }
    rows.back().emplace_back(series, x);
    x += wide + 20;
  }
  return rows;
}

class Painter {
 public:
  Painter(const Figure& figure, Point size, Canvas& canvas) : figure_(figure), size_(size), canvas_(canvas) {}

  void draw() {
    canvas_.view({0, 0}, size_);
    double top = size_.y - kMargin;
    if (!figure_.title.empty()) {
      canvas_.text_from({kMargin, top - kTitle / 2}, kTitle, shortened(figure_.title, kTitle, size_.x - 2 * kMargin),
                        palette::kInk);
      top -= kTitle + 14;
    }
    const double bottom = draw_note_and_legend();
    const int columns = columns_of(figure_), count = static_cast<int>(figure_.charts.size());
    const int rows = (count + columns - 1) / columns;
    const double width = (size_.x - 2 * kMargin - (columns - 1) * kGap) / columns;
    const double height = (top - bottom - (rows - 1) * kGap) / std::max(1, rows);
    if (height < kLeastHeight || width < kLeastWidth) {
      fail(ErrorKind::kUsage, "a picture of ", size_.x, " x ", size_.y, " pixels is too small for ", count,
           " charts and their legend; expected at least ",
           std::ceil(size_.x + columns * std::max(0.0, kLeastWidth - width)), " x ",
           std::ceil(size_.y + rows * std::max(0.0, kLeastHeight - height)));
    }
    for (int k = 0; k < count; ++k) {
      const int column = k % columns, row = k / columns;
      const double left = kMargin + column * (width + kGap), high = top - row * (height + kGap);
      draw_chart(figure_.charts[static_cast<std::size_t>(k)], {left, high - height, left + width, high});
    }
  }

 private:
  /// Upper edge of both, from the bottom of the picture on.
  double draw_note_and_legend() {
    const double width = size_.x - 2 * kMargin;
    double y = kMargin;
    const auto lines = wrapped(figure_.note, kSmall, width);
    for (auto line = lines.rbegin(); line != lines.rend(); ++line, y += kSmall + 5)
      canvas_.text_from({kMargin, y + kSmall / 2}, kSmall, *line, kSoftInk);
    if (!lines.empty()) y += 5;

    const auto rows = legend_rows(figure_, width);
    for (auto row = rows.rbegin(); row != rows.rend(); ++row, y += kLegendRow) {
      for (const auto& [series, left] : *row) draw_key(*series, kMargin + left, y + kLegendRow / 2, width);
    }
    return y + 12;
  }

  void draw_key(const Series& series, double left, double middle, double width) {
    if (!series.low.empty())
      canvas_.rectangle({left, middle - 6}, {left + kSample, middle + 6}, {series.color.rgb, 0.2});
    canvas_.line({left, middle}, {left + kSample, middle}, 2.2, series.color);
    if (series.dots) canvas_.circle({left + kSample / 2, middle}, 3.5, series.color);
    canvas_.text_from({left + kSample + 8, middle}, kText, shortened(series.name, kText, width - kSample - 8),
                      palette::kInk);
  }

  void draw_chart(const Chart& chart, Box box) {
    const double width = box.right - box.left;
    if (!chart.title.empty()) {
      canvas_.text_from({box.left, box.top - kChartTitle / 2}, kChartTitle, shortened(chart.title, kChartTitle, width),
                        palette::kInk);
      box.top -= kChartTitle + 8;
    }
    canvas_.text_from({box.left, box.top - kText / 2}, kText, shortened(chart.y_title, kText, width), kSoftInk);
    box.top -= kText + 11;
    canvas_.text_to({box.right, box.bottom + kText / 2}, kText, shortened(chart.x_title, kText, width), kSoftInk);
    box.bottom += kText + 6 + kSmall + 10;
    ranges_ = ranges_of(chart);
    const Ticks y =
        nice_ticks(ranges_.y_low, ranges_.y_high, std::max(2, static_cast<int>((box.top - box.bottom) / 38)));
    double labels = 0;
    for (const std::string& label : y.labels) labels = std::max(labels, width_of(label, kSmall));
    box.left += labels + 8;
    box.right -= 10;  // half of the last label below the axis
    plot_ = box;
    draw_axes(y);
    for (const Series& series : chart.series) draw_band(series);
    for (const Series& series : chart.series) draw_line(series);
  }

  void draw_axes(const Ticks& y) {
    canvas_.rectangle({plot_.left, plot_.bottom}, {plot_.right, plot_.top}, kPaper);
    // A label takes the width of the longest, and room.
    int most = std::max(2, static_cast<int>((plot_.right - plot_.left) / 60));
    const Ticks x = nice_ticks(ranges_.x_low, ranges_.x_high, most);
    for (std::size_t k = 0; k < y.at.size(); ++k) {
      const double at = to_y(y.at[k]);
      canvas_.line({plot_.left, at}, {plot_.right, at}, 1, palette::kGrid);
      canvas_.text_to({plot_.left - 6, at}, kSmall, y.labels[k], kSoftInk);
    }
    for (std::size_t k = 0; k < x.at.size(); ++k) {
      const double at = to_x(x.at[k]);
      canvas_.line({at, plot_.bottom}, {at, plot_.top}, 1, palette::kGrid);
      canvas_.line({at, plot_.bottom - 4}, {at, plot_.bottom}, 1, palette::kMuted);
      canvas_.text({at, plot_.bottom - 7 - kSmall / 2}, kSmall, x.labels[k], kSoftInk);
    }
    canvas_.line({plot_.left, plot_.bottom}, {plot_.right, plot_.bottom}, 1.2, palette::kMuted);
  }

  void draw_band(const Series& series) {
    std::vector<Point> edge;
    for (std::size_t k = 0; k < series.low.size(); ++k) edge.push_back({to_x(series.x[k]), to_y(series.low[k])});
    for (std::size_t k = series.high.size(); k-- > 0;) edge.push_back({to_x(series.x[k]), to_y(series.high[k])});
    if (series.x.size() > 1 && !edge.empty()) canvas_.polygon(edge, {series.color.rgb, 0.2});
    if (series.x.size() == 1 && !edge.empty()) canvas_.line(edge[0], edge[1], 6, {series.color.rgb, 0.2});
  }

  void draw_line(const Series& series) {
    std::vector<Point> points;
    for (std::size_t k = 0; k < series.x.size(); ++k) points.push_back({to_x(series.x[k]), to_y(series.y[k])});
    if (points.size() > 1) canvas_.line(points, 2.2, series.color);
    if (points.size() == 1 || series.dots) {
      const std::size_t every = std::max<std::size_t>(1, points.size() / 12);
      for (std::size_t k = 0; k < points.size(); k += every) canvas_.circle(points[k], 3.5, series.color);
    }
  }

  double to_x(double x) const {
    return plot_.left + (x - ranges_.x_low) / (ranges_.x_high - ranges_.x_low) * (plot_.right - plot_.left);
  }
  double to_y(double y) const {
    return plot_.bottom + (y - ranges_.y_low) / (ranges_.y_high - ranges_.y_low) * (plot_.top - plot_.bottom);
  }

  const Figure& figure_;
  Point size_;
  Canvas& canvas_;
  Ranges ranges_;
  Box plot_{};
};

std::string tick_text(double value, double step, double largest) {
  if (step < 1e-4 || largest >= 1e13) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3g", value);
    return value == 0 ? "0" : text;
  }
  double unit = 1;
  const char* suffix = "";
  for (const auto& [from, size, letter] : {std::tuple{1e4, 1e3, "k"}, {1e6, 1e6, "M"}, {1e9, 1e9, "G"}}) {
    if (largest < from) continue;
    unit = size;
    suffix = letter;
  }
  if (value == 0) return "0";
  const int decimals = std::max(0, static_cast<int>(std::ceil(-std::log10(step / unit) - 1e-9)));
  char text[48];
  std::snprintf(text, sizeof text, "%.*f%s", decimals, value / unit, suffix);
  return text;
}

}  // namespace

Color series_color(int index) {
  constexpr Color kColors[kSeriesColors] = {palette::kBlue,   palette::kOrange, palette::kGreen, palette::kRed,
                                            palette::kPurple, palette::kWater,  palette::kWood,  palette::kYellow};
  return kColors[index % kSeriesColors];
}

Ticks nice_ticks(double low, double high, int most) {
  Ticks ticks;
  if (!(high > low) || most < 1) return ticks;
  double step = 0;
  auto count = [&] { return std::floor(high / step + 1e-9) - std::ceil(low / step - 1e-9) + 1; };
  for (double power = std::pow(10, std::floor(std::log10((high - low) / most)) - 1); step == 0 || count() > most;
       power *= 10) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      step = factor * power;
      if (count() <= most) break;
    }
  }
  const auto first = static_cast<std::int64_t>(std::ceil(low / step - 1e-9));
  const auto number = static_cast<std::int64_t>(count());
  for (std::int64_t k = 0; k < number; ++k) ticks.at.push_back(static_cast<double>(first + k) * step);
  const double largest = std::max(std::abs(low), std::abs(high));
  for (const double at : ticks.at) ticks.labels.push_back(tick_text(at, step, largest));
  return ticks;
}

Ranges ranges_of(const Chart& chart) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Ranges range{kInfinity, -kInfinity, kInfinity, -kInfinity};
  for (const Series& series : chart.series) {
    for (const double x : series.x) {
      range.x_low = std::min(range.x_low, x);
      range.x_high = std::max(range.x_high, x);
    }
    for (const auto* values : {&series.y, &series.low, &series.high}) {
      for (const double y : *values) {
        range.y_low = std::min(range.y_low, y);
        range.y_high = std::max(range.y_high, y);
      }
    }
  }
  if (range.x_low > range.x_high) return {};
  if (range.x_low > 0 && range.x_low < 0.3 * range.x_high) range.x_low = 0;
  if (range.x_low == range.x_high) {
    range.x_low -= 0.5 * std::max(1.0, std::abs(range.x_low));
    range.x_high += 0.5 * std::max(1.0, std::abs(range.x_high));
  }
  const double size = std::max(std::abs(range.y_low), std::abs(range.y_high));
  const double span = range.y_high - range.y_low;
  // Rounding alone is no change that a chart should enlarge.
  const double margin = span > 1e-12 * size ? 0.05 * span : size > 0 ? 0.1 * size : 1;
  range.y_low -= margin;
  range.y_high += margin;
  return range;
}

std::vector<const Series*> legend_of(const Figure& figure) {
  std::vector<const Series*> legend;
  for (const Chart& chart : figure.charts) {
    for (const Series& series : chart.series) {
      if (std::none_of(legend.begin(), legend.end(), [&](const Series* one) { return one->name == series.name; }))
        legend.push_back(&series);
    }
  }
  return legend;
}

Point default_size(const Figure& figure) {
  const int columns = columns_of(figure), count = static_cast<int>(figure.charts.size());
  const int rows = (count + columns - 1) / columns;
  Point size = count <= 1 ? Point{760, 460} : Point{40.0 + 380 * columns, 120.0 + 290 * rows};
  const auto legend = static_cast<double>(legend_rows(figure, size.x - 2 * kMargin).size());
  size.y += kLegendRow * std::max(0.0, legend - 2);
  return size;
}

void draw(const Figure& figure, Point size, Canvas& canvas) { Painter(figure, size, canvas).draw(); }

}  // namespace corvid
