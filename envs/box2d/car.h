// Car: a hull on four wheels that are steered, driven, braked and slide, seen from above.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "envs/box2d/world.h"

namespace corvid::box2d {

inline constexpr double kCarSize = 0.02;  // m in a unit of the car's drawing
inline constexpr double kWheelRadius = 27 * kCarSize, kWheelHalfWidth = 14 * kCarSize;

/// The parts of the hull, and a wheel, in their own coordinates.
const std::array<b2PolygonShape, 4>& hull_shapes();
const b2PolygonShape& tyre_shape();

struct Wheel {
  b2Body* body = nullptr;
  b2RevoluteJoint* joint = nullptr;
  double gas = 0, brake = 0, steer = 0;  // 0..1, 0..1 and rad
  double phase = 0, omega = 0;           // rad and rad/s, about the axle
  std::int32_t tiles_below = 0;          // road tiles it touches
};

struct Car {
  b2Body* hull = nullptr;
  std::array<Wheel, 4> wheels;  // front left, front right, rear left, rear right

  /// Puts a new car at (x, y), with its nose `angle` rad left of the y-axis.
  void create(World& world, double angle, double x, double y);
  void destroy(World& world);

  void steer(double angle) { wheels[0].steer = wheels[1].steer = angle; }
  void gas(double wanted);
  void brake(double strength) {
    for (Wheel& wheel : wheels) wheel.brake = strength;
  }

  /// Turns wheels, and pushes them with the forces between tyre and ground.
  void step(double dt);
};

}  // namespace corvid::box2d
