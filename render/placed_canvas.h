// A picture inside a picture: what is drawn in coordinates of its own appears in a rectangle of another canvas.
#pragma once

#include <algorithm>
#include <vector>

#include "core/base/canvas.h"

namespace corvid {

/// Nothing is cut off at the view's edges: call cover_around, or draw what lies around it afterwards.
class PlacedCanvas final : public Canvas {
 public:
  PlacedCanvas(Canvas& page, Point low, Point high) : page_(page), place_low_(low), place_high_(high) {}

  /// The view keeps its shape and lies in the middle of the rectangle.
  void view(Point low, Point high, Color background = palette::kBackground) override {
    low_ = low;
    high_ = high;
    const double width = place_high_.x - place_low_.x, height = place_high_.y - place_low_.y;
    scale_ = std::min(width / (high.x - low.x), height / (high.y - low.y));
    origin_ = {place_low_.x + 0.5 * (width - scale_ * (high.x - low.x)),
               place_low_.y + 0.5 * (height - scale_ * (high.y - low.y))};
    page_.rectangle(placed(low), placed(high), background);
  }

  void polygon(std::span<const Point> corners, Color fill) override { page_.polygon(placed(corners), fill); }
  void line(std::span<const Point> points, double width, Color color) override {
    page_.line(placed(points), width * scale_, color);
  }
  void circle(Point center, double radius, Color fill) override { page_.circle(placed(center), radius * scale_, fill); }
  void text(Point center, double height, std::string_view text, Color color) override {
    page_.text(placed(center), height * scale_, text, color);
  }
  void text_from(Point at, double height, std::string_view text, Color color) override {
    page_.text_from(placed(at), height * scale_, text, color);
  }
  void text_to(Point at, double height, std::string_view text, Color color) override {
    page_.text_to(placed(at), height * scale_, text, color);
  }
  using Canvas::line;

  /// Paints over everything outside of the view, within a part of the page.
  void cover_around(Point low, Point high, Color color = palette::kBackground) {
    const Point from = placed(low_), to = placed(high_);
    page_.rectangle(low, {from.x, high.y}, color);
    page_.rectangle({to.x, low.y}, high, color);
    page_.rectangle({from.x, low.y}, {to.x, from.y}, color);
    page_.rectangle({from.x, to.y}, {to.x, high.y}, color);
  }

  Point low() const { return low_; }
  Point high() const { return high_; }

 private:
  Point placed(Point p) const { return {origin_.x + scale_ * (p.x - low_.x), origin_.y + scale_ * (p.y - low_.y)}; }
  const std::vector<Point>& placed(std::span<const Point> points) {
    points_.clear();
    for (Point p : points) points_.push_back(placed(p));
    return points_;
  }

  Canvas& page_;
  Point place_low_, place_high_;
  Point low_, high_, origin_;
  double scale_ = 1;
  std::vector<Point> points_;  // scratch
};

}  // namespace corvid
