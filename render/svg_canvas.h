// Draws an environment as an SVG picture.
#pragma once

#include <string>

#include "core/base/canvas.h"

namespace corvid {

class SvgCanvas : public Canvas {
 public:
  /// Width in pixels; the height follows from the view.
  explicit SvgCanvas(double width = 600) : width_(width) {}

  void view(Point low, Point high, Color background) override;
  void polygon(std::span<const Point> corners, Color fill) override;
  void line(std::span<const Point> points, double width, Color color) override;
  void circle(Point center, double radius, Color fill) override;
  void text(Point center, double height, std::string_view text, Color color) override;
  void text_from(Point at, double height, std::string_view text, Color color) override;
  void text_to(Point at, double height, std::string_view text, Color color) override;
  using Canvas::line;

  /// The whole document.
  std::string str() const;

 private:
  void end_path();
  void write(Point at, double height, const char* anchor, std::string_view text, Color color);
  double to_x(double x) const { return (x - low_.x) * scale_; }
  double to_y(double y) const { return (high_.y - y) * scale_; }

  double width_;
  Point low_, high_;
  double scale_ = 1;  // pixels a world unit
  std::string body_;
  std::string path_, path_color_;  // polygons of one colour that are not in the body yet
};

}  // namespace corvid
