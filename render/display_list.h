// A picture as the list of what was drawn: quick to make in one thread, to be painted in another.
#pragma once

#include <string>
#include <vector>

#include "core/base/canvas.h"

namespace corvid {

class DisplayList final : public Canvas {
 public:
  void view(Point low, Point high, Color background = palette::kBackground) override;
  void polygon(std::span<const Point> corners, Color fill) override;
  void line(std::span<const Point> points, double width, Color color) override;
  void circle(Point center, double radius, Color fill) override;
  void text(Point center, double height, std::string_view text, Color color) override;
  void text_from(Point at, double height, std::string_view text, Color color) override;
  void text_to(Point at, double height, std::string_view text, Color color) override;
  using Canvas::line;

  /// The same calls on another canvas.
  void play(Canvas& canvas) const;

  /// Empty again, with its memory.
  void clear();

 private:
  enum class Kind : unsigned char { kView, kPolygon, kLine, kCircle, kText, kTextFrom, kTextTo };
  struct Item {
    Kind kind;
    std::size_t points;   // how many of points_
    std::size_t letters;  // how many of letters_
    double size;          // width, radius or height
    Color color;
  };
  void add(Kind kind, std::span<const Point> points, double size, Color color, std::string_view text = {});

  std::vector<Item> items_;
  std::vector<Point> points_;
  std::string letters_;
};

}  // namespace corvid
