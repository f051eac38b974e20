// MountainCarContinuous: MountainCar with a force of any size, which costs its square.
// Source: Moore 1990; Gymnasium 1.4 `Continuous_MountainCarEnv`.
// Deviation: none. `low` and `high` are options of the environment, in Gymnasium of reset().
#include <algorithm>
#include <cmath>

#include "core/env/env_registry.h"
#include "envs/classic_control/valley.h"

namespace corvid {
namespace {

constexpr double kPower = 0.0015;
constexpr double kGravity = 0.0025;

struct MountainCarContinuous {
  struct Options {
    double goal_velocity = 0;
    double low = -0.6, high = -0.4;
  };
  using Obs = float;
  using Action = std::span<const float>;

  explicit MountainCarContinuous(const Options& options)
      : goal_velocity(options.goal_velocity), low(options.low), high(options.high) {
    valley::check_bounds(low, high);
  }

  static EnvSpec spec(const Options&) {
    return {.observation = valley::observation_space(),
            .action = Space::box(-1, 1, {1}),
            .observation_names = {"position (m)", "velocity (m/step)"},
            .action_names = {"force"}};
  }

  void reset(Rng& rng) {
    position = rng.uniform(low, high);
    velocity = 0;
    stepped = false;
  }

  StepResult step(Action action, Rng&) {
    const bool terminated = stepped ? move<float>(action[0]) : move<double>(action[0]);
    stepped = true;
    const double force = action[0];
    return {(terminated ? 100.0 : 0.0) - force * force * 0.1, terminated};
  }

  /// The official state is float64 after a reset and float32 after a step; Real is its type before this step.
  template <class Real>
  bool move(float force) {
    Real x = static_cast<Real>(position), v = static_cast<Real>(velocity);
    // A force within bounds is a float32 scalar and keeps the sum in float32; a clipped one is a Python float.
    const double slope = kGravity * std::cos(static_cast<double>(3 * x));
    if (force < -1 || force > 1)
      v += static_cast<Real>(std::clamp<double>(force, -1, 1) * kPower - slope);
    else
      v += force * static_cast<float>(kPower) - static_cast<float>(slope);
    v = std::clamp(v, static_cast<Real>(-valley::kMaxSpeed), static_cast<Real>(valley::kMaxSpeed));
    x = std::clamp(x + v, static_cast<Real>(valley::kLeft), static_cast<Real>(valley::kRight));
    if (x == static_cast<Real>(valley::kLeft) && v < 0) v = 0;  // the left wall stops the car
    position = static_cast<float>(x);
    velocity = static_cast<float>(v);
    return x >= static_cast<Real>(kGoal) && v >= static_cast<Real>(goal_velocity);
  }

  void observe(Obs* out) const {
    out[0] = static_cast<float>(position);
    out[1] = static_cast<float>(velocity);
  }

  void draw(Canvas& canvas) const { valley::draw(canvas, position, kGoal); }

  void visit(Archive& archive) {
    archive.finite("position", position);
    archive.finite("velocity", velocity);
    archive("stepped", stepped);
  }

  static constexpr double kGoal = 0.45;  // m
  double position = 0, velocity = 0;     // m, m/step
  double goal_velocity;                  // m/step, needed at the goal
  double low, high;                      // m, where episodes start
  bool stepped = false;                  // whether the state has become float32
};

Fields fields(MountainCarContinuous::Options& options) {
  return {Field("goal_velocity", &options.goal_velocity, "speed needed at the goal, m/step"),
          Field("low", &options.low, "leftmost start, m"), Field("high", &options.high, "rightmost start, m")};
}

CORVID_REGISTER_ENV(MountainCarContinuous,
                    {.id = "MountainCarContinuous-v0",
                     .family = "classic_control",
                     .summary = "Swing a weak car out of a valley with as little force as possible",
                     .source = "Moore 1990; Gymnasium Continuous_MountainCarEnv",
                     .reward = "100 at the goal, minus a tenth of the squared force in every step",
                     .max_episode_steps = 999,
                     .reward_threshold = 90});

}  // namespace
}  // namespace corvid
