// The valley of both mountain-car tasks: its walls, its look.
#pragma once

#include <cmath>
#include <vector>

#include "core/base/canvas.h"
#include "core/base/check.h"
#include "core/base/space.h"

namespace corvid::valley {

inline constexpr double kLeft = -1.2, kRight = 0.6;  // m
inline constexpr double kMaxSpeed = 0.07;            // m/step

inline Space observation_space() { return Space::box({kLeft, -kMaxSpeed}, {kRight, kMaxSpeed}); }

inline void check_bounds(double low, double high) {
  if (low > high) fail(ErrorKind::kUsage, "option low (", low, ") must not exceed option high (", high, ")");
}

/// The slope is drawn as sin(3x), the potential the car moves in.
inline void draw(Canvas& canvas, double position, double goal) {
  const auto height = [](double x) { return 0.45 * std::sin(3 * x) + 0.55; };
  canvas.view({kLeft, 0}, {kRight, 1.2});

  std::vector<Point> hill = {{kLeft, 0}};
  for (int i = 0; i <= 90; ++i) {
    const double x = kLeft + (kRight - kLeft) * i / 90;
    hill.push_back({x, height(x)});
  }
  hill.push_back({kRight, 0});
  canvas.polygon(hill, palette::kGrid);
  canvas.line(std::span(hill).subspan(1, hill.size() - 2), 0.01, palette::kInk);

  // The flag.
  const double foot = height(goal);
  const Point flag[] = {{goal, foot + 0.18}, {goal, foot + 0.11}, {goal + 0.07, foot + 0.145}};
  canvas.line({goal, foot}, {goal, foot + 0.18}, 0.008, palette::kInk);
  canvas.polygon(flag, palette::kYellow);

  // The car, along the slope.
  const double slope = std::atan(1.35 * std::cos(3 * position));
  const double along_x = std::cos(slope), along_y = std::sin(slope);
  const auto place = [&](double along, double up) -> Point {
    return {position + along * along_x - up * along_y, height(position) + along * along_y + up * along_x};
  };
  const Point body[] = {place(-0.07, 0.025), place(0.07, 0.025), place(0.055, 0.075), place(-0.055, 0.075)};
  canvas.polygon(body, palette::kBlue);
  for (double wheel : {-0.042, 0.042}) canvas.circle(place(wheel, 0.022), 0.022, palette::kInk);
}

}  // namespace corvid::valley
