#include "render/hud.h"

#include <algorithm>
#include <cmath>

namespace corvid {
namespace {

constexpr double kMargin = 12, kLine = 18, kText = 12, kSmall = 10.5;  // points
constexpr Color kPanel{0xf4f2ec}, kTrack{0xe3e1da};

/// Writes a panel from the top down; coordinates are points.
class Column {
 public:
  Column(Image& image, Area area, double density)
      : canvas_(image, area), width_(area.width / density), height_(area.height / density), y_(height_ - kMargin) {
    canvas_.view({0, 0}, {width_, height_}, kPanel);
  }

  bool fits(double height) const { return y_ - height >= bottom_; }
  void keep_free(double height) { bottom_ = height; }
  void gap(double height) { y_ -= height; }

  /// The text without its end where it is too wide.
  std::string cut(std::string text, double height, double width) {
    if (canvas_.text_width(height, text) <= width) return text;
    while (!text.empty() && canvas_.text_width(height, text + "…") > width) {
      text.pop_back();
      // A UTF-8 character goes as a whole.
      while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80) text.pop_back();
      if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xc0) text.pop_back();
    }
    return text + "…";
  }

  void heading(const std::string& text, Color color = palette::kInk) {
    if (!fits(kLine)) return;
    y_ -= kLine;
    canvas_.text_from({kMargin, y_ + kLine / 2}, kText, cut(text, kText, width_ - 2 * kMargin), color);
  }

  void number(const Hud::Number& number) {
    if (!fits(kLine)) return;
    y_ -= kLine;
    const double y = y_ + kLine / 2, value_width = canvas_.text_width(kText, number.value);
    canvas_.text_to({width_ - kMargin, y}, kText, number.value, palette::kInk);
    canvas_.text_from({kMargin, y}, kText, cut(number.name, kText, width_ - 2 * kMargin - value_width - 8),
                      palette::kMuted);
  }

  void bar(const Hud::Bar& bar) {
    constexpr double kThick = 4;
    if (!fits(kLine + kThick)) return;
    number({bar.name, short_number(bar.value)});
    const double left = kMargin, right = width_ - kMargin, span = std::max(bar.high - bar.low, 1e-12);
    auto x = [&](double value) { return left + (right - left) * std::clamp((value - bar.low) / span, 0.0, 1.0); };
    const double zero = x(0), end = x(bar.value), top = y_ + 1, bottom = top - kThick;
    canvas_.rectangle({left, bottom}, {right, top}, kTrack);
    const Color color = bar.chosen ? palette::kOrange : palette::kBlue;
    canvas_.rectangle({std::min(zero, end), bottom}, {std::max(zero, end), top}, color);
    if (bar.spread > 0)
      canvas_.rectangle({x(bar.value - bar.spread), bottom + 1}, {x(bar.value + bar.spread), top - 1},
                        {palette::kInk.rgb, 0.35});
    y_ -= kThick;
  }

  void curve(const std::string& title, const std::vector<double>& values) {
    constexpr double kHigh = 52;
    if (!fits(kLine + kHigh)) return;
    const auto finite = [](double v) { return std::isfinite(v); };
    double low = INFINITY, high = -INFINITY;
    for (double value : values) {
      if (!finite(value)) continue;
      low = std::min(low, value);
      high = std::max(high, value);
    }
    if (low > high) return;
    number({title, finite(values.back()) ? short_number(values.back()) : ""});
    y_ -= kHigh;
    const double left = kMargin, right = width_ - kMargin, bottom = y_ + 4, top = y_ + kHigh - 2;
    canvas_.rectangle({left, bottom}, {right, top}, palette::kBackground);
    const double span = high > low ? high - low : 1, middle = high > low ? low : low - 0.5;
    std::vector<Point> points;
    const auto count = static_cast<double>(std::max<std::size_t>(values.size() - 1, 1));
    auto add = [&](std::size_t i) {
      if (!finite(values[i])) return;
      points.push_back({left + 3 + (right - left - 6) * static_cast<double>(i) / count,
                        bottom + 3 + (top - bottom - 6) * (values[i] - middle) / span});
    };
    // More points than half pixels cannot be seen.
    const std::size_t stride = values.size() / 600 + 1;
    for (std::size_t i = 0; i + 1 < values.size(); i += stride) add(i);
    add(values.size() - 1);
    if (points.size() > 1) canvas_.line(points, 1.5, palette::kBlue);
    canvas_.circle(points.back(), 2.5, palette::kOrange);
  }

  void footer(const std::vector<std::string>& lines) {
    double y = kMargin + kSmall / 2 + 15 * static_cast<double>(lines.size() - (lines.empty() ? 0 : 1));
    for (const std::string& line : lines) {
      canvas_.text_from({kMargin, y}, kSmall, cut(line, kSmall, width_ - 2 * kMargin), palette::kMuted);
      y -= 15;
    }
  }

 private:
  RasterCanvas canvas_;
  double width_, height_, y_, bottom_ = 0;
};

}  // namespace

void draw_hud(const Hud& hud, Image& image, Area area, double density) {
  Column column(image, area, density);
  column.keep_free(kMargin + 15 * static_cast<double>(hud.footer.size()));
  column.heading(hud.title);
  column.gap(4);
  for (const Hud::Number& number : hud.episode) column.number(number);
  if (!hud.curve.empty()) {
    column.gap(8);
    column.curve(hud.curve_title, hud.curve);
  }
  if (!hud.bars.empty()) {
    column.gap(8);
    column.heading(hud.bars_title);
    for (const Hud::Bar& bar : hud.bars) column.bar(bar);
  }
  if (!hud.observation.empty()) {
    column.gap(8);
    column.heading("observation");
    for (const Hud::Number& number : hud.observation) column.number(number);
  }
  column.footer(hud.footer);
}

void draw_box(const std::vector<std::string>& lines, Image& image, Area area, double density) {
  RasterCanvas canvas(image, area);
  const double width = area.width / density, height = area.height / density;
  canvas.view_over({0, 0}, {width, height});
  double widest = 0;
  for (const std::string& line : lines) widest = std::max(widest, canvas.text_width(kText, line));
  const double high = kLine * static_cast<double>(lines.size()) + 2 * kMargin, wide = widest + 2 * kMargin;
  const Point low{(width - wide) / 2, (height - high) / 2};
  canvas.rectangle(low, {low.x + wide, low.y + high}, {palette::kInk.rgb, 0.88});
  double y = low.y + high - kMargin - kLine / 2;
  for (const std::string& line : lines) {
    canvas.text_from({low.x + kMargin, y}, kText, line, palette::kBackground);
    y -= kLine;
  }
}

void draw_note(const std::string& text, Image& image, Area area, double density) {
  RasterCanvas canvas(image, area);
  const double width = area.width / density, height = area.height / density;
  canvas.view_over({0, 0}, {width, height});
  canvas.rectangle({0, 0}, {width, kLine + 6}, {palette::kInk.rgb, 0.85});
  canvas.text_from({kMargin, kLine / 2 + 3}, kText, text, palette::kBackground);
}

}  // namespace corvid
