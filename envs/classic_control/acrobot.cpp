// Acrobot: swing the tip of a two-link pendulum above a line with a motor at the joint between the links.
// Source: Sutton 1996; Sutton and Barto 2018; Gymnasium 1.4 `AcrobotEnv`.
// Deviation: none. `low` and `high` are options of the environment, in Gymnasium of reset(); `book_or_nips`,
// `torque_noise_max` and `dt` are attributes there.
#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/numpy_math.h"
#include "core/env/env_registry.h"
#include "envs/classic_control/acrobot_dynamics.h"

namespace corvid {
namespace {

using namespace acrobot;  // NOLINT(google-build-using-namespace): the other half of this file

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
      : nips(options.book_or_nips == "nips"),
        torque_noise_max(options.torque_noise_max),
        dt(options.dt),
        low(options.low),
        high(options.high) {
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
    for (std::size_t k : {0, 1}) ::sincos(state[k], &sine[k], &cosine[k]);
    stepped = false;
  }

  StepResult step(Action action, Rng& rng) {
    const double torque = draw_torque(action, rng);

    // One step of the classical Runge-Kutta method.
    const State k1 = derivative(state, torque);
    const State k2 = derivative(advance(k1, dt / 2), torque);
    const State k3 = derivative(advance(k2, dt / 2), torque);
    const State k4 = derivative(advance(k3, dt), torque);
    for (std::size_t k = 0; k < 4; ++k) state[k] = runge_kutta(state[k], k1[k], k2[k], k3[k], k4[k], dt);

    state = {wrap(state[0]), wrap(state[1]), std::clamp(state[2], -kMaxVelocity1, kMaxVelocity1),
             std::clamp(state[3], -kMaxVelocity2, kMaxVelocity2)};
    for (std::size_t k : {0, 1}) ::sincos(state[k], &sine[k], &cosine[k]);
    stepped = true;
    const bool terminated = -cosine[0] - std::cos(state[1] + state[0]) > 1;
    return {terminated ? 0.0 : -1.0, terminated};
  }

  double draw_torque(Action action, Rng& rng) const {
    const double torque = static_cast<double>(action - 1);  // N m
    return torque_noise_max > 0 ? torque + rng.uniform(-torque_noise_max, torque_noise_max) : torque;
  }

  State advance(const State& k, double time) const {
    return {state[0] + time * k[0], state[1] + time * k[1], state[2] + time * k[2], state[3] + time * k[3]};
  }

  State derivative(const State& s, double torque) const {
    const auto& [theta1, theta2, dtheta1, dtheta2] = s;
    Terms t = {.sin2 = std::sin(theta2),
               .cos2 = std::cos(theta2),
               .cos1 = std::cos(theta1 - kPi / 2),
               .cos12 = std::cos(theta1 + theta2 - kPi / 2),
               .dtheta1 = dtheta1,
               .dtheta2 = dtheta2,
               .square1 = numpy::square(dtheta1),
               .square2 = numpy::square(dtheta2),
               .torque = torque};
    t.square_d2 = numpy::square(t.d2());
    const double ddtheta2 = t.ddtheta2(nips);
    return {dtheta1, dtheta2, t.ddtheta1(ddtheta2), ddtheta2};
  }

  /// The same for many at once: arrays of one number an environment, worked through term by term.
  static void step_batch(std::span<Acrobot> envs, const Action* actions, std::span<Rng> rngs, StepResult* results) {
    const std::size_t n = envs.size();
    const bool nips = envs[0].nips;
    const double dt = envs[0].dt;
    const auto first = [n](Lanes& lanes) { return std::span(lanes).first(n); };
    Lanes torque, sin2, cos2;
    std::array<Lanes, 4> s, at, total;
    std::array<std::array<Lanes, 4>, 4> k;
    for (std::size_t i = 0; i < n; ++i) {
      torque[i] = envs[i].draw_torque(actions[i], rngs[i]);
      for (std::size_t j = 0; j < 4; ++j) s[j][i] = envs[i].state[j];
    }
    for (std::size_t i = 0; i < n; ++i) {
      sin2[i] = envs[i].sine[1];
      cos2[i] = envs[i].cosine[1];
    }
    derivatives(s, sin2, cos2, torque, nips, n, k[0]);
    for (std::size_t stage = 1; stage < 4; ++stage) {
      const double time = stage < 3 ? dt / 2 : dt;
      for (std::size_t j = 0; j < 4; ++j) {
        for (std::size_t i = 0; i < n; ++i) at[j][i] = s[j][i] + time * k[stage - 1][j][i];
      }
      array_math::sin(first(at[1]), first(sin2));
      array_math::cos(first(at[1]), first(cos2));
      derivatives(at, sin2, cos2, torque, nips, n, k[stage]);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      for (std::size_t i = 0; i < n; ++i)
        s[j][i] = runge_kutta(s[j][i], k[0][j][i], k[1][j][i], k[2][j][i], k[3][j][i], dt);
    }

    for (std::size_t i = 0; i < n; ++i) {
      s[0][i] = wrap(s[0][i]);
      s[1][i] = wrap(s[1][i]);
      s[2][i] = std::clamp(s[2][i], -kMaxVelocity1, kMaxVelocity1);
      s[3][i] = std::clamp(s[3][i], -kMaxVelocity2, kMaxVelocity2);
      at[0][i] = s[1][i] + s[0][i];
    }
    array_math::cos(first(at[0]), first(at[0]));
    for (std::size_t j : {0, 1}) {
      array_math::sin(first(s[j]), first(total[2 * j]));
      array_math::cos(first(s[j]), first(total[2 * j + 1]));
    }
    for (std::size_t i = 0; i < n; ++i) {
      envs[i].state = {s[0][i], s[1][i], s[2][i], s[3][i]};
      envs[i].sine = {total[0][i], total[2][i]};
      envs[i].cosine = {total[1][i], total[3][i]};
      envs[i].stepped = true;
      const bool terminated = -total[1][i] - at[0][i] > 1;
      results[i] = {terminated ? 0.0 : -1.0, terminated};
    }
  }

  void observe(Obs* out) const {
    for (std::size_t k : {0, 1}) {
      // The official state is float32 until the first step, and so are its sine and cosine.
      const auto angle = static_cast<float>(state[k]);
      out[2 * k] = stepped ? static_cast<float>(cosine[k]) : numpy::cos(angle);
      out[2 * k + 1] = stepped ? static_cast<float>(sine[k]) : numpy::sin(angle);
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

  void visit(Archive& archive) {
    archive("stepped", stepped);
    const double most = std::max({kMaxVelocity2, std::abs(low), std::abs(high)}) + 1;  // float32 may round it up
    for (double& value : state) archive.between("state", value, -most, most);
    for (double* number : {&sine[0], &sine[1], &cosine[0], &cosine[1]}) archive.between("sine", *number, -1, 1);
  }

  State state{};
  std::array<double, 2> sine{}, cosine{};  // of both angles
  bool stepped = false;                    // whether the official state has become float64
  bool nips;
  double torque_noise_max;  // N m
  double dt;                // s
  double low, high;         // rad, rad/s: bounds of the first state
};

Fields fields(Acrobot::Options& options) {
  return {Field("book_or_nips", &options.book_or_nips, "equations of motion of the book or of the paper")
              .one_of({"book", "nips"}),
          Field("torque_noise_max", &options.torque_noise_max, "largest uniform noise on the torque, N m").at_least(0),
          Field("dt", &options.dt, "time of one step, s").more_than(0).at_most(1),
          Field("low", &options.low, "smallest first value of angles and velocities"),
          Field("high", &options.high, "largest first value of angles and velocities")};
}

CORVID_REGISTER_ENV(Acrobot, {.id = "Acrobot-v1",
                              .family = "classic_control",
                              .summary = "Swing the tip of a two-link pendulum above a line",
                              .source = "Sutton 1996; Gymnasium AcrobotEnv",
                              .reward = "-1 a step until the tip is above the line",
                              .max_episode_steps = 500,
                              .reward_threshold = -100});

}  // namespace
}  // namespace corvid
