// CartPole: keep a pole upright on a cart that is pushed left or right.
// Source: Barto, Sutton and Anderson 1983; Gymnasium 1.4 `CartPoleEnv`.
// Deviation: none. `low` and `high` are options of the environment, in Gymnasium of reset(); `kinematics_integrator` is
// an attribute there. CartPoleNoVel-v1 leaves the velocities out, as RLlib's StatelessCartPole; RL Baselines3 Zoo's
// environment of that name shows zeros in their place.
#include <cmath>
#include <numbers>

#include "core/env/env_registry.h"

namespace corvid {
namespace {

constexpr double kGravity = 9.8;   // m/s^2
constexpr double kMassCart = 1.0;  // kg
constexpr double kMassPole = 0.1;  // kg
constexpr double kTotalMass = kMassPole + kMassCart;
constexpr double kLength = 0.5;  // m, half the pole's length
constexpr double kPoleMassLength = kMassPole * kLength;
constexpr double kForce = 10.0;                                  // N
constexpr double kTau = 0.02;                                    // s between steps
constexpr double kThetaLimit = 12 * 2 * std::numbers::pi / 360;  // rad
constexpr double kXLimit = 2.4;                                  // m

struct CartPole {
  struct Options {
    bool sutton_barto_reward = false;
    std::string kinematics_integrator = "euler";
    double low = -0.05, high = 0.05;
  };
  using Obs = float;
  using Action = std::int64_t;

  explicit CartPole(const Options& options)
      : sutton_barto_reward(options.sutton_barto_reward),
        semi_implicit(options.kinematics_integrator != "euler"),
        low(options.low),
        high(options.high) {
    if (low > high) fail(ErrorKind::kUsage, "option low (", low, ") must not exceed option high (", high, ")");
  }

  static EnvSpec spec(const Options&) {
    const double inf = std::numeric_limits<double>::infinity();
    return {
        .observation =
            Space::box({-2 * kXLimit, -inf, -2 * kThetaLimit, -inf}, {2 * kXLimit, inf, 2 * kThetaLimit, inf}),
        .action = Space::discrete(2),
        .observation_names = {"cart position (m)", "cart velocity (m/s)", "pole angle (rad)", "pole velocity (rad/s)"},
        .action_names = {"push left", "push right"}};
  }

  void reset(Rng& rng) {
    for (double* value : {&x, &x_dot, &theta, &theta_dot}) *value = rng.uniform(low, high);
  }

  StepResult step(Action action, Rng&) {
    // Equations of motion (Florian 2007), then one Euler step.
    const double force = action == 1 ? kForce : -kForce;
    double sin_theta, cos_theta;
    ::sincos(theta, &sin_theta, &cos_theta);
    const double temp = (force + kPoleMassLength * (theta_dot * theta_dot) * sin_theta) / kTotalMass;
    const double theta_acc = (kGravity * sin_theta - cos_theta * temp) /
                             (kLength * (4.0 / 3.0 - kMassPole * (cos_theta * cos_theta) / kTotalMass));
    const double x_acc = temp - kPoleMassLength * theta_acc * cos_theta / kTotalMass;
    const double new_x_dot = x_dot + kTau * x_acc;
    const double new_theta_dot = theta_dot + kTau * theta_acc;
    x = x + kTau * (semi_implicit ? new_x_dot : x_dot);
    theta = theta + kTau * (semi_implicit ? new_theta_dot : theta_dot);
    x_dot = new_x_dot;
    theta_dot = new_theta_dot;

    const bool terminated = x < -kXLimit || x > kXLimit || theta < -kThetaLimit || theta > kThetaLimit;
    if (sutton_barto_reward) return {terminated ? -1.0 : 0.0, terminated};
    return {1.0, terminated};
  }

  void observe(Obs* out) const {
    out[0] = static_cast<float>(x);
    out[1] = static_cast<float>(x_dot);
    out[2] = static_cast<float>(theta);
    out[3] = static_cast<float>(theta_dot);
  }

  void draw(Canvas& canvas) const {
    canvas.view({-kXLimit, -0.6}, {kXLimit, 1.6});
    canvas.line({-kXLimit, 0}, {kXLimit, 0}, 0.01, palette::kInk);
    canvas.rectangle({x - 0.2, -0.12}, {x + 0.2, 0.12}, palette::kInk);
    canvas.line({x, 0}, {x + 2 * kLength * std::sin(theta), 2 * kLength * std::cos(theta)}, 0.08, palette::kWood);
    canvas.circle({x, 0}, 0.04, palette::kBlue);
  }

  void visit(Archive& archive) {
    for (double* value : {&x, &x_dot, &theta, &theta_dot}) archive.finite("state", *value);
  }

  double x = 0, x_dot = 0, theta = 0, theta_dot = 0;  // m, m/s, rad, rad/s
  bool sutton_barto_reward;
  bool semi_implicit;  // positions move with the new velocities
  double low, high;    // bounds of the first state
};

/// CartPole without velocities: one observation does not tell where the pole is going.
struct CartPoleNoVel : CartPole {
  using CartPole::CartPole;

  static EnvSpec spec(const Options&) {
    return {.observation = Space::box({-2 * kXLimit, -2 * kThetaLimit}, {2 * kXLimit, 2 * kThetaLimit}),
            .action = Space::discrete(2),
            .observation_names = {"cart position (m)", "pole angle (rad)"},
            .action_names = {"push left", "push right"}};
  }

  void observe(Obs* out) const {
    out[0] = static_cast<float>(x);
    out[1] = static_cast<float>(theta);
  }
};

Fields fields(CartPole::Options& options) {
  return {Field("sutton_barto_reward", &options.sutton_barto_reward, "0 a step and -1 at the end, instead of 1 a step"),
          Field("kinematics_integrator", &options.kinematics_integrator, "Euler's method: explicit or semi-implicit")
              .one_of({"euler", "semi-implicit euler"}),
          Field("low", &options.low, "smallest first value of every number"),
          Field("high", &options.high, "largest first value of every number")};
}

CORVID_REGISTER_ENV(CartPole, {.id = "CartPole-v0",
                               .family = "classic_control",
                               .summary = "Keep a pole upright on a cart that is pushed left or right",
                               .source = "Barto, Sutton and Anderson 1983; Gymnasium CartPoleEnv",
                               .reward = "1 a step",
                               .max_episode_steps = 200,
                               .reward_threshold = 195});
CORVID_REGISTER_ENV(CartPole, {.id = "CartPole-v1",
                               .family = "classic_control",
                               .summary = "CartPole-v0 with longer episodes",
                               .source = "Barto, Sutton and Anderson 1983; Gymnasium CartPoleEnv",
                               .reward = "1 a step",
                               .max_episode_steps = 500,
                               .reward_threshold = 475});
CORVID_REGISTER_ENV(CartPoleNoVel, {.id = "CartPoleNoVel-v1",
                                    .family = "classic_control",
                                    .summary = "CartPole-v1 without velocities in the observation: needs memory",
                                    .source = "RLlib StatelessCartPole; RL Baselines3 Zoo CartPoleNoVel-v1",
                                    .reward = "1 a step",
                                    .max_episode_steps = 500,
                                    .reward_threshold = 475});

}  // namespace
}  // namespace corvid
