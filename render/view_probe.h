// Finds out which part of its world an environment shows, and draws nothing.
#pragma once

#include "core/base/canvas.h"

namespace corvid {

class ViewProbe final : public Canvas {
 public:
  Point low, high;  // of the view; equal before one is drawn

  void view(Point from, Point to, Color) override {
    low = from;
    high = to;
  }
  void polygon(std::span<const Point>, Color) override {}
  void line(std::span<const Point>, double, Color) override {}
  void circle(Point, double, Color) override {}
  void text(Point, double, std::string_view, Color) override {}
  void text_from(Point, double, std::string_view, Color) override {}
  void text_to(Point, double, std::string_view, Color) override {}
};

}  // namespace corvid
