#include "render/svg_canvas.h"

#include <cstdio>
#include <sstream>

namespace corvid {
namespace {

/// Of the font's size. Not every viewer knows dominant-baseline.
constexpr double kHalfCapital = 0.36;

/// Hundredths of a pixel, without zeros that say nothing.
std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  std::string result = text;
  result.erase(result.find_last_not_of('0') + 1);
  if (result.back() == '.') result.pop_back();
  return result == "-0" ? "0" : result;
}

std::string paint(const char* attribute, Color color) {
  char text[64];
  std::snprintf(text, sizeof text, " %s=\"#%06x\"", attribute, color.rgb & 0xffffffu);
  std::string result = text;
  if (color.alpha < 1) result += std::string(" ") + attribute + "-opacity=\"" + number(color.alpha) + "\"";
  return result;
}

std::string escape(std::string_view text) {
  std::string result;
  for (char c : text) {
    if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else if (c == '&')
      result += "&amp;";
    else if (c == '"')
      result += "&quot;";
    else if (c == '\'')
      result += "&apos;";
    else if (static_cast<unsigned char>(c) < 0x20)
      result += ' ';  // XML knows no control characters
    else
      result += c;
  }
  return result;
}

}  // namespace

void SvgCanvas::view(Point low, Point high, Color background) {
  low_ = low;
  high_ = high;
  scale_ = width_ / (high.x - low.x);
  path_.clear();
  body_ = "<rect width=\"100%\" height=\"100%\"" + paint("fill", background) + "/>\n";
}

void SvgCanvas::polygon(std::span<const Point> corners, Color fill) {
  // Opaque neighbours of one colour share a path: grid worlds consist of hundreds.
  const std::string color = paint("fill", fill);
  if (color != path_color_ || fill.alpha < 1) end_path();
  path_color_ = color;
  char command = 'M';
  for (const Point& p : corners) {
    path_ += command + number(to_x(p.x)) + " " + number(to_y(p.y));
    command = 'L';
  }
  path_ += "z";
}

void SvgCanvas::end_path() {
  if (path_.empty()) return;
  body_ += "<path d=\"" + path_ + "\"" + path_color_ + "/>\n";
  path_.clear();
}

void SvgCanvas::line(std::span<const Point> points, double width, Color color) {
  end_path();
  body_ += "<polyline points=\"";
  for (const Point& p : points) body_ += number(to_x(p.x)) + "," + number(to_y(p.y)) + " ";
  body_ += "\" fill=\"none\" stroke-linecap=\"round\" stroke-linejoin=\"round\" stroke-width=\"" +
           number(width * scale_) + "\"" + paint("stroke", color) + "/>\n";
}

void SvgCanvas::circle(Point center, double radius, Color fill) {
  end_path();
  body_ += "<circle cx=\"" + number(to_x(center.x)) + "\" cy=\"" + number(to_y(center.y)) + "\" r=\"" +
           number(radius * scale_) + "\"" + paint("fill", fill) + "/>\n";
}

void SvgCanvas::text(Point center, double height, std::string_view text, Color color) {
  write(center, height, "middle\" dominant-baseline=\"central", text, color);
}
void SvgCanvas::text_from(Point at, double height, std::string_view text, Color color) {
  write({at.x, at.y - kHalfCapital * height}, height, "start", text, color);
}
void SvgCanvas::text_to(Point at, double height, std::string_view text, Color color) {
  write({at.x, at.y - kHalfCapital * height}, height, "end", text, color);
}

void SvgCanvas::write(Point at, double height, const char* anchor, std::string_view text, Color color) {
  end_path();
  body_ += "<text x=\"" + number(to_x(at.x)) + "\" y=\"" + number(to_y(at.y)) +
           "\" font-family=\"sans-serif\" font-size=\"" + number(height * scale_) + "\" text-anchor=\"" + anchor +
           "\"" + paint("fill", color) + ">" + escape(text) + "</text>\n";
}

std::string SvgCanvas::str() const {
  std::ostringstream document;
  const std::string height = number((high_.y - low_.y) * scale_);
  document << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << number(width_) << "\" height=\"" << height
           << "\" viewBox=\"0 0 " << number(width_) << " " << height << "\">\n"
           << body_ << (path_.empty() ? "" : "<path d=\"" + path_ + "\"" + path_color_ + "/>\n") << "</svg>\n";
  return document.str();
}

}  // namespace corvid
