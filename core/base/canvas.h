// What an environment draws on. Environments describe a picture in their own coordinates; who shows it (a window, a
// file, a test) implements these few calls. Colours are 0xRRGGBB.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace corvid {

struct Point {
  double x = 0, y = 0;
};

struct Color {
  std::uint32_t rgb = 0;
  double alpha = 1;  // 0 transparent, 1 opaque
};

/// The palette every environment uses, so that all pictures look alike.
namespace palette {
inline constexpr Color kBackground{0xfdfcf9}, kInk{0x22262e}, kMuted{0x9aa1ab}, kGrid{0xe3e1da};
inline constexpr Color kBlue{0x3b6ea5}, kOrange{0xd9822b}, kGreen{0x4f8a5b}, kRed{0xc0453a}, kYellow{0xe3b63c};
inline constexpr Color kWater{0xa9cfe5}, kWood{0xb98d5e}, kPurple{0x7b5ea7};
}  // namespace palette

class Canvas {
 public:
  virtual ~Canvas() = default;

  /// The part of the world that is visible; y points up. Clears to `background`. Called once, first.
  virtual void view(Point low, Point high, Color background = palette::kBackground) = 0;

  /// All lengths below, line widths and text heights included, are in world units.
  virtual void polygon(std::span<const Point> corners, Color fill) = 0;
  virtual void line(std::span<const Point> points, double width, Color color) = 0;
  virtual void circle(Point center, double radius, Color fill) = 0;

  /// Text centred on `center`, `height` tall.
  virtual void text(Point center, double height, std::string_view text, Color color) = 0;

  /// The same, beginning or ending at `at`.
  virtual void text_from(Point at, double height, std::string_view text, Color color) = 0;
  virtual void text_to(Point at, double height, std::string_view text, Color color) = 0;

  void rectangle(Point low, Point high, Color fill) {
    const Point corners[] = {low, {high.x, low.y}, high, {low.x, high.y}};
    polygon(corners, fill);
  }
  void line(Point from, Point to, double width, Color color) {
    const Point points[] = {from, to};
    line(points, width, color);
  }
};

}  // namespace corvid
