// Acrobot: swing the tip of a two-link pendulum above a line with a motor at the joint between the links.
// Source: Sutton 1996; Sutton and Barto 2018; Gymnasium 1.4 `AcrobotEnv`.
// Deviation: none. `low` and `high` are options of the environment, in Gymnasium of reset(); `book_or_nips`,
// `torque_noise_max` and `dt` are attributes there.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "core/base/numpy_math.h"
#include "core/env/env_registry.h"

namespace corvid {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr double kMaxVelocity1 = 4 * kPi, kMaxVelocity2 = 9 * kPi;  // rad/s
constexpr double kGravity = 9.8;                                    // m/s^2

double wrap(double angle) {
  while (angle > kPi) angle -= 2 * kPi;
  while (angle < -kPi) angle += 2 * kPi;
  return angle;
}

struct Acrobot {
  struct Options {
    std::string book_or_nips = "book";
    double torque_noise_max = 0;
    double dt = 0.2;
    double low = -0.1, high = 0.1;
  };
  using Obs = float;
  using Action = std::int64_t;
  using State = std::array<double, 4>;  // theta1, theta2 (relative to link 1), and their velocities: rad, rad/s

  explicit Acrobot(const Options& options)
      : nips(options.book_or_nips == "nips"), torque_noise_max(options.torque_noise_max), dt(options.dt),
        low(options.low), high(options.high) {
    if (low > high) fail(ErrorKind::kUsage, "option low (", low, ") must not exceed option high (", high, ")");
  }

  static EnvSpec spec(const Options&) {
    const std::vector<double> bound = {1, 1, 1, 1, kMaxVelocity1, kMaxVelocity2};
    return {.observation = Space::box({-1, -1, -1, -1, -kMaxVelocity1, -kMaxVelocity2}, bound),
            .action = Space::discrete(3),
            .observation_names = {"cos(theta1)", "sin(theta1)", "cos(theta2)", "sin(theta2)", "velocity 1 (rad/s)",
                                  "velocity 2 (rad/s)"},
            .action_names = {"torque -1", "torque 0", "torque +1"}};
  }

  void reset(Rng& rng) {
    for (double& value : state) value = static_cast<float>(rng.uniform(low, high));
    stepped = false;
  }

  StepResult step(Action action, Rng& rng) {
    double torque = static_cast<double>(action - 1);  // N m
    if (torque_noise_max > 0) torque += rng.uniform(-torque_noise_max, torque_noise_max);

    // One step of the classical Runge-Kutta method.
    const State k1 = derivative(state, torque);
    const State k2 = derivative(advance(k1, dt / 2), torque);
    const State k3 = derivative(advance(k2, dt / 2), torque);
    const State k4 = derivative(advance(k3, dt), torque);
    for (std::size_t k = 0; k < 4; ++k) state[k] += dt / 6 * (k1[k] + 2 * k2[k] + 2 * k3[k] + k4[k]);

    state = {wrap(state[0]), wrap(state[1]), std::clamp(state[2], -kMaxVelocity1, kMaxVelocity1),
             std::clamp(state[3], -kMaxVelocity2, kMaxVelocity2)};
    stepped = true;
    const bool terminated = -std::cos(state[0]) - std::cos(state[1] + state[0]) > 1;
    return {terminated ? 0.0 : -1.0, terminated};
  }

  State advance(const State& k, double time) const {
    return {state[0] + time * k[0], state[1] + time * k[1], state[2] + time * k[2], state[3] + time * k[3]};
  }

  /// The equations of motion for links of 1 kg, 1 m and moment of inertia 1 kg m^2, centres of mass in the middle.
  State derivative(const State& s, double torque) const {
    const auto& [theta1, theta2, dtheta1, dtheta2] = s;
    const double sin2 = std::sin(theta2), cos2 = std::cos(theta2);
    const double d1 = 0.25 + (1.25 + cos2) + 1 + 1;
    const double d2 = 0.25 + 0.5 * cos2 + 1;
    const double phi2 = 0.5 * kGravity * std::cos(theta1 + theta2 - kPi / 2);
    const double phi1 = -0.5 * numpy::square(dtheta2) * sin2 - dtheta2 * dtheta1 * sin2 +
                        1.5 * kGravity * std::cos(theta1 - kPi / 2) + phi2;
    double moment = torque + d2 / d1 * phi1;
    if (!nips) moment -= 0.5 * numpy::square(dtheta1) * sin2;  // the term that the paper omits
    const double ddtheta2 = (moment - phi2) / (1.25 - numpy::square(d2) / d1);
    const double ddtheta1 = -(d2 * ddtheta2 + phi1) / d1;
    return {dtheta1, dtheta2, ddtheta1, ddtheta2};
  }

  void observe(Obs* out) const {
    for (std::size_t k : {0, 1}) {
      // The official state is float32 until the first step, and so are its sine and cosine.
      const auto angle = static_cast<float>(state[k]);
      out[2 * k] = stepped ? static_cast<float>(std::cos(state[k])) : numpy::cos(angle);
      out[2 * k + 1] = stepped ? static_cast<float>(std::sin(state[k])) : numpy::sin(angle);
    }
    out[4] = static_cast<float>(state[2]);
    out[5] = static_cast<float>(state[3]);
  }

  void draw(Canvas& canvas) const {
    canvas.view({-2.2, -2.2}, {2.2, 2.2});
    canvas.line({-2.2, 1}, {2.2, 1}, 0.02, palette::kMuted);
    const Point elbow = {std::sin(state[0]), -std::cos(state[0])};
    const Point tip = {elbow.x + std::sin(state[0] + state[1]), elbow.y - std::cos(state[0] + state[1])};
    canvas.line({0, 0}, elbow, 0.18, palette::kBlue);
    canvas.line(elbow, tip, 0.18, palette::kWater);
    for (const Point joint : {Point{0, 0}, elbow}) canvas.circle(joint, 0.1, palette::kYellow);
  }

  State state{};
  bool stepped = false;  // whether the official state has become float64
  bool nips;
  double torque_noise_max;  // N m
  double dt;                // s
  double low, high;         // rad, rad/s: bounds of the first state
};

Fields fields(Acrobot::Options& options) {
  return {Field("book_or_nips", &options.book_or_nips, "equations of motion of the book or of the paper").one_of({"book", "nips"}),
          Field("torque_noise_max", &options.torque_noise_max, "largest uniform noise on the torque, N m").at_least(0),
          Field("dt", &options.dt, "time of one step, s").more_than(0).at_most(1),
          Field("low", &options.low, "smallest first value of angles and velocities"),
          Field("high", &options.high, "largest first value of angles and velocities")};
}

CORVID_REGISTER_ENV(Acrobot, {.id = "Acrobot-v1",
                              .family = "classic_control",
                              .summary = "Swing the tip of a two-link pendulum above a line",
                              .source = "Sutton 1996; Gymnasium AcrobotEnv",
                              .max_episode_steps = 500,
                              .reward_threshold = -100});

}  // namespace
}  // namespace corvid
