// MountainCar: an engine too weak for the hill must swing up from the opposite slope.
// Source: Moore 1990; Sutton and Barto 2018, example 10.1; Gymnasium 1.4 `MountainCarEnv`.
// Deviation: none. `low` and `high` are options of the environment, in Gymnasium of reset().
#include <algorithm>
#include <cmath>

#include "core/env/env_registry.h"
#include "envs/classic_control/valley.h"

namespace corvid {
namespace {

constexpr double kForce = 0.001;
constexpr double kGravity = 0.0025;

struct MountainCar {
  struct Options {
    double goal_velocity = 0;
    double low = -0.6, high = -0.4;
  };
  using Obs = float;
  using Action = std::int64_t;

  explicit MountainCar(const Options& options)
      : goal_velocity(options.goal_velocity), low(options.low), high(options.high) {
    valley::check_bounds(low, high);
  }

  static EnvSpec spec(const Options&) {
    return {.observation = valley::observation_space(),
            .action = Space::discrete(3),
            .observation_names = {"position (m)", "velocity (m/step)"},
            .action_names = {"push left", "coast", "push right"}};
  }

  void reset(Rng& rng) {
    position = rng.uniform(low, high);
    velocity = 0;
  }

  StepResult step(Action action, Rng&) {
    velocity += static_cast<double>(action - 1) * kForce + std::cos(3 * position) * -kGravity;
    velocity = std::clamp(velocity, -valley::kMaxSpeed, valley::kMaxSpeed);
    position = std::clamp(position + velocity, valley::kLeft, valley::kRight);
    if (position == valley::kLeft && velocity < 0) velocity = 0;  // the left wall stops the car
    return {-1.0, position >= kGoal && velocity >= goal_velocity};
  }

  void observe(Obs* out) const {
    out[0] = static_cast<float>(position);
    out[1] = static_cast<float>(velocity);
  }

  void draw(Canvas& canvas) const { valley::draw(canvas, position, kGoal); }

  void visit(Archive& archive) {
    archive.finite("position", position);
    archive.finite("velocity", velocity);
  }

  static constexpr double kGoal = 0.5;  // m
  double position = 0, velocity = 0;    // m, m/step
  double goal_velocity;                 // m/step, needed at the goal
  double low, high;                     // m, where episodes start
};

Fields fields(MountainCar::Options& options) {
  return {Field("goal_velocity", &options.goal_velocity, "speed needed at the goal, m/step"),
          Field("low", &options.low, "leftmost start, m"), Field("high", &options.high, "rightmost start, m")};
}

CORVID_REGISTER_ENV(MountainCar, {.id = "MountainCar-v0",
                                  .family = "classic_control",
                                  .summary = "Swing a weak car out of a valley with three pushes",
                                  .source = "Moore 1990; Gymnasium MountainCarEnv",
                                  .reward = "-1 a step until the car is at the goal",
                                  .max_episode_steps = 200,
                                  .reward_threshold = -110});

}  // namespace
}  // namespace corvid
