// Pendulum: swing a pendulum up and hold it there with a motor too weak to lift it at once.
// Source: Gymnasium 1.4 `PendulumEnv`.
// Deviation: none. `x_init` and `y_init` are options of the environment, in Gymnasium of reset().
#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/base/numpy_math.h"
#include "core/env/env_registry.h"

namespace corvid {
namespace {

constexpr double kMaxSpeed = 8;   // rad/s
constexpr double kMaxTorque = 2;  // N m
constexpr double kTau = 0.05;     // s between steps
constexpr double kPi = std::numbers::pi;

/// The angle in [-pi, pi), by Python's remainder.
double angle_normalize(double angle) {
  double x = std::fabs(angle + kPi);
  if (x < 16 * (2 * kPi)) [[likely]] {
    // fmod by long division: each subtraction is exact.
    for (const double turns : {8.0, 4.0, 2.0, 1.0}) x -= x >= turns * (2 * kPi) ? turns * (2 * kPi) : 0.0;
  } else {
    x = std::fmod(x, 2 * kPi);
  }
  if (angle + kPi < 0 && x != 0) x = -x + 2 * kPi;
  return x - kPi;
}

struct Pendulum {
  struct Options {
    double g = 10;
    double x_init = kPi, y_init = 1;
  };
  using Obs = float;
  using Action = std::span<const float>;

  explicit Pendulum(const Options& options) : g(options.g), x_init(options.x_init), y_init(options.y_init) {}

  static EnvSpec spec(const Options&) {
    return {.observation = Space::box({-1, -1, -kMaxSpeed}, {1, 1, kMaxSpeed}),
            .action = Space::box(-kMaxTorque, kMaxTorque, {1}),
            .observation_names = {"cos(angle)", "sin(angle)", "angular velocity (rad/s)"},
            .action_names = {"torque (N m)"}};
  }

  void reset(Rng& rng) {
    theta = rng.uniform(-x_init, x_init);
    theta_dot = rng.uniform(-y_init, y_init);
    torque = 0;
    ::sincos(theta, &sin_theta, &cos_theta);
  }

  StepResult step(Action action, Rng&) {
    torque = std::clamp(action[0], static_cast<float>(-kMaxTorque), static_cast<float>(kMaxTorque));
    const double cost =
        numpy::square(angle_normalize(theta)) + 0.1 * numpy::square(theta_dot) + 0.001f * numpy::square(torque);

    // A rod of 1 kg and 1 m on its end; one semi-implicit Euler step.
    const double acceleration = 3 * g / 2 * sin_theta + 3.0f * torque;
    theta_dot = std::clamp(theta_dot + acceleration * kTau, -kMaxSpeed, kMaxSpeed);
    theta = theta + theta_dot * kTau;
    ::sincos(theta, &sin_theta, &cos_theta);
    return {-cost, false};
  }

  void observe(Obs* out) const {
    out[0] = static_cast<float>(cos_theta);
    out[1] = static_cast<float>(sin_theta);
    out[2] = static_cast<float>(theta_dot);
  }

  void draw(Canvas& canvas) const {
    canvas.view({-1.3, -1.3}, {1.3, 1.3});
    canvas.line({0, 0}, {-sin_theta, cos_theta}, 0.16, palette::kWood);
    canvas.circle({0, 0}, 0.05, palette::kInk);

    // The torque, as an arc from the top around the axle; counter-clockwise is positive.
    if (torque == 0) return;
    Point arc[17];
    for (int i = 0; i <= 16; ++i) {
      const double angle = kPi / 2 + torque / kMaxTorque * kPi * 0.75 * i / 16;
      arc[i] = {0.3 * std::cos(angle), 0.3 * std::sin(angle)};
    }
    canvas.line(arc, 0.03, palette::kOrange);
    canvas.circle(arc[16], 0.04, palette::kOrange);
  }

  void visit(Archive& archive) {
    archive.finite("theta", theta);
    archive.finite("theta_dot", theta_dot);
    archive.between("sin_theta", sin_theta, -1, 1);
    archive.between("cos_theta", cos_theta, -1, 1);
    archive.between("torque", torque, -kMaxTorque, kMaxTorque);
  }

  double theta = 0, theta_dot = 0;      // rad from upright, rad/s
  double sin_theta = 0, cos_theta = 1;  // of theta
  float torque = 0;                     // N m, of the last step
  double g;                             // m/s^2
  double x_init, y_init;                // rad, rad/s: largest start
};

Fields fields(Pendulum::Options& options) {
  return {Field("g", &options.g, "gravity, m/s^2"), Field("x_init", &options.x_init, "largest angle at the start, rad"),
          Field("y_init", &options.y_init, "largest angular velocity at the start, rad/s")};
}

CORVID_REGISTER_ENV(Pendulum, {.id = "Pendulum-v1",
                               .family = "classic_control",
                               .summary = "Swing a pendulum up with a weak motor and hold it there",
                               .source = "Gymnasium PendulumEnv",
                               .reward = "minus the squared angle from upright, with a little for velocity and torque",
                               .max_episode_steps = 200});

}  // namespace
}  // namespace corvid
