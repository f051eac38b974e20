#include "render/display_list.h"

namespace corvid {

void DisplayList::add(Kind kind, std::span<const Point> points, double size, Color color, std::string_view text) {
  items_.push_back({kind, points.size(), text.size(), size, color});
  points_.insert(points_.end(), points.begin(), points.end());
  letters_ += text;
}

void DisplayList::view(Point low, Point high, Color background) {
  const Point corners[] = {low, high};
  add(Kind::kView, corners, 0, background);
}
void DisplayList::polygon(std::span<const Point> corners, Color fill) { add(Kind::kPolygon, corners, 0, fill); }
void DisplayList::line(std::span<const Point> points, double width, Color color) {
  add(Kind::kLine, points, width, color);
}
void DisplayList::circle(Point center, double radius, Color fill) { add(Kind::kCircle, {&center, 1}, radius, fill); }
void DisplayList::text(Point center, double height, std::string_view text, Color color) {
  add(Kind::kText, {&center, 1}, height, color, text);
}

void DisplayList::text_from(Point at, double height, std::string_view text, Color color) {
  add(Kind::kTextFrom, {&at, 1}, height, color, text);
}
void DisplayList::text_to(Point at, double height, std::string_view text, Color color) {
  add(Kind::kTextTo, {&at, 1}, height, color, text);
}

void DisplayList::play(Canvas& canvas) const {
  const Point* next_point = points_.data();
  const char* next_letter = letters_.data();
  for (const Item& item : items_) {
    const std::span points(next_point, item.points);
    const std::string_view letters(next_letter, item.letters);
    next_point += item.points;
    next_letter += item.letters;
    switch (item.kind) {
      case Kind::kView: canvas.view(points[0], points[1], item.color); break;
      case Kind::kPolygon: canvas.polygon(points, item.color); break;
      case Kind::kLine: canvas.line(points, item.size, item.color); break;
      case Kind::kCircle: canvas.circle(points[0], item.size, item.color); break;
      case Kind::kText: canvas.text(points[0], item.size, letters, item.color); break;
      case Kind::kTextFrom: canvas.text_from(points[0], item.size, letters, item.color); break;
      case Kind::kTextTo: canvas.text_to(points[0], item.size, letters, item.color); break;
    }
  }
}

void DisplayList::clear() {
  items_.clear();
  points_.clear();
  letters_.clear();
}

}  // namespace corvid
