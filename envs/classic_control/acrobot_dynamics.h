// The equations of motion of the acrobot, for one and for many.
#pragma once

#include <array>
#include <cmath>
#include <numbers>

#include "core/base/array_math.h"
#include "core/env/environment.h"

namespace corvid::acrobot {

inline constexpr double kPi = std::numbers::pi;
inline constexpr double kMaxVelocity1 = 4 * kPi, kMaxVelocity2 = 9 * kPi;  // rad/s
inline constexpr double kGravity = 9.8;                                    // m/s^2

/// The equations of motion for links of 1 kg, 1 m and moment of inertia 1 kg m^2, centres of mass in the middle.
struct Terms {
  double sin2 = 0, cos2 = 0;        // of theta2
  double cos1 = 0, cos12 = 0;       // of theta1 - pi / 2 and theta1 + theta2 - pi / 2
  double dtheta1 = 0, dtheta2 = 0;  // rad/s
  double square1 = 0, square2 = 0;  // of the velocities
  double square_d2 = 0;
  double torque = 0;  // N m

  double d1() const { return 0.25 + (1.25 + cos2) + 1 + 1; }
  double d2() const { return 0.25 + 0.5 * cos2 + 1; }
  double phi2() const { return 0.5 * kGravity * cos12; }
  double phi1() const { return -0.5 * square2 * sin2 - dtheta2 * dtheta1 * sin2 + 1.5 * kGravity * cos1 + phi2(); }
  double ddtheta2(bool nips) const {
    const double moment = torque + d2() / d1() * phi1();
    const double coupled = moment - 0.5 * square1 * sin2;  // the paper omits this term
    return ((nips ? moment : coupled) - phi2()) / (1.25 - square_d2 / d1());
  }
  double ddtheta1(double ddtheta2) const { return -(d2() * ddtheta2 + phi1()) / d1(); }
};

inline double runge_kutta(double x, double k1, double k2, double k3, double k4, double dt) {
  return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
}

inline double wrap(double angle) {
  while (angle > kPi) angle -= 2 * kPi;
  while (angle < -kPi) angle += 2 * kPi;
  return angle;
}

using Lanes = std::array<double, kMaxBatch>;  // one number an environment

/// The same for n environments at once: theta1, theta2 and their velocities in, their derivatives out.
inline void derivatives(const std::array<Lanes, 4>& s, const Lanes& sin2, const Lanes& cos2, const Lanes& torque,
                        bool nips, std::size_t n, std::array<Lanes, 4>& out) {
  Lanes cos1, cos12, square1, square2, square_d2;
  for (std::size_t i = 0; i < n; ++i) {
    cos1[i] = s[0][i] - kPi / 2;
    cos12[i] = s[0][i] + s[1][i] - kPi / 2;
  }
  const auto first = [n](auto& lanes) { return std::span(lanes).first(n); };
  array_math::cos(first(cos1), first(cos1));
  array_math::cos(first(cos12), first(cos12));
  array_math::square(first(s[2]), first(square1));
  array_math::square(first(s[3]), first(square2));
  for (std::size_t i = 0; i < n; ++i) square_d2[i] = Terms{.cos2 = cos2[i]}.d2();
  array_math::square(first(square_d2), first(square_d2));
  for (std::size_t i = 0; i < n; ++i) {
    const Terms t = {.sin2 = sin2[i],
                     .cos2 = cos2[i],
                     .cos1 = cos1[i],
                     .cos12 = cos12[i],
                     .dtheta1 = s[2][i],
                     .dtheta2 = s[3][i],
                     .square1 = square1[i],
                     .square2 = square2[i],
                     .square_d2 = square_d2[i],
                     .torque = torque[i]};
    const double ddtheta2 = t.ddtheta2(nips);
    out[0][i] = t.dtheta1;
    out[1][i] = t.dtheta2;
    out[2][i] = t.ddtheta1(ddtheta2);
    out[3][i] = ddtheta2;
  }
}

}  // namespace corvid::acrobot
