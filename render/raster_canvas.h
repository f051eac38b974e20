// Draws into pixels, with smooth edges, without a display.
#pragma once

#include <memory>
#include <string_view>

#include "core/base/canvas.h"
#include "render/image.h"

namespace corvid {

/// A part of an image in pixels, its top left corner first.
struct Area {
  double x = 0, y = 0, width = 0, height = 0;
};

/// Text is set in DejaVu Sans, which the program carries. One thread at a time for each canvas; any number of canvases.
class RasterCanvas final : public Canvas {
 public:
  /// Draws into `area` of `image`, which must stay where it is; nothing outside the area is touched.
  RasterCanvas(Image& image, Area area);
  explicit RasterCanvas(Image& image);
  ~RasterCanvas() override;
  RasterCanvas(const RasterCanvas&) = delete;
  RasterCanvas& operator=(const RasterCanvas&) = delete;

  /// The view keeps its shape: it lies in the middle of the area, which is `background` all over.
  void view(Point low, Point high, Color background = palette::kBackground) override;

  /// As view, but keeps what was drawn before: for what is laid over a picture.
  void view_over(Point low, Point high);

  void polygon(std::span<const Point> corners, Color fill) override;
  void line(std::span<const Point> points, double width, Color color) override;
  void circle(Point center, double radius, Color fill) override;
  void text(Point center, double height, std::string_view text, Color color) override;
  void text_from(Point at, double height, std::string_view text, Color color) override;
  void text_to(Point at, double height, std::string_view text, Color color) override;
  using Canvas::line;

  /// Width of a text in world units.
  double text_width(double height, std::string_view text);

 private:
  struct Cairo;

  double to_x(double x) const { return left_ + (x - low_.x) * scale_; }
  double to_y(double y) const { return top_ + (high_.y - y) * scale_; }
  void write(Point at, double share, double height, std::string_view text, Color color);

  Area area_;
  Point low_, high_;
  double left_ = 0, top_ = 0, scale_ = 1;  // pixels, pixels a world unit
  std::unique_ptr<Cairo> cairo_;
};

}  // namespace corvid
