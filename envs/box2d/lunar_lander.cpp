// LunarLander: set a lander with three engines down between two flags on hilly ground.
// Source: Klimov 2016; Gymnasium 1.4 `LunarLander` (v3), on the same engine.
// Deviation: none for the options it recommends; other values of wind_power and turbulence_power are refused here.
#include <array>
#include <cmath>
#include <numbers>

#include "core/env/env_registry.h"
#include "envs/box2d/lanes.h"
#include "envs/box2d/parts.h"
#include "envs/box2d/world.h"

namespace corvid {
namespace {

using box2d::kFps, box2d::vec;
constexpr double kScale = 30;      // lengths below 100 are given in 1/kScale m
constexpr double kMainPower = 13;  // the engines: impulse for a lever of 1 m
constexpr double kSidePower = 0.6;
constexpr double kInitialForce = 1000;  // N, the most along each axis
constexpr double kLegAway = 20, kLegDown = 18, kLegWidth = 2, kLegHeight = 8;
constexpr double kLegTorque = 40;  // Nm
constexpr double kSideHeight = 14, kSideAway = 12, kMainHeight = 4;
constexpr double kWidth = 600 / kScale, kHeight = 400 / kScale;  // m, the part of the world that counts
constexpr int kHills = 11;                                       // corners of the ground
constexpr double kPadY = kHeight / 4;                            // m
constexpr int kMaxSteps = 1000;

struct LanderOptions {
  double gravity = -10;
  bool enable_wind = false;
  double wind_power = 15;
  double turbulence_power = 1.5;
};

/// Never periodic, in (-1, 1).
double gust(std::int64_t index) {
  const auto i = static_cast<double>(index);
  return std::tanh(std::sin(0.02 * i) + std::sin(std::numbers::pi * 0.01 * i));
}

template <bool kContinuous>
struct LunarLander : box2d::Game {
  using Options = LanderOptions;
  using Obs = float;
  using Action = std::conditional_t<kContinuous, std::span<const float, 2>, std::int64_t>;
  static constexpr std::size_t kBlock = box2d::kLanes;

  explicit LunarLander(const Options& options)
      : Game(vec(0, options.gravity)),
        log(kContinuous ? 2 : 1, kMaxSteps, kContinuous ? 0 : 4),
        enable_wind(options.enable_wind),
        wind_power(options.wind_power),
        turbulence_power(options.turbulence_power) {
    if (!(options.gravity > -12 && options.gravity < 0))
      fail(ErrorKind::kUsage, "option gravity (", options.gravity, ") must lie between -12 and 0, both excluded");
  }

  static EnvSpec spec(const Options&) {
    const double turn = 2 * std::numbers::pi;
    EnvSpec spec = {
        .observation = Space::box({-2.5, -2.5, -10, -10, -turn, -10, -0.0, -0.0}, {2.5, 2.5, 10, 10, turn, 10, 1, 1}),
        .action = Space::discrete(4),
        .observation_names = {"x (10 m)", "y (6.67 m)", "x velocity (5 m/s)", "y velocity (7.5 m/s)", "angle (rad)",
                              "angular velocity (2.5 rad/s)", "left leg touches", "right leg touches"},
        .action_names = {"nothing", "left engine", "main engine", "right engine"}};
    if constexpr (kContinuous) {
      spec.action = Space::box(-1, 1, {2});
      spec.action_names = {"main engine (above 0)", "left or right engine (beyond 0.5)"};
    }
    return spec;
  }

  void clear() {
    world.clear();
    lander = nullptr;
  }

  void reset(Rng& rng) {
    clear();
    world.renew();
    log.begin(rng);
    crashed = false;
    touches = {};
    build_ground(rng);
    build_lander(rng);
    if (enable_wind) {
      wind_index = rng.integers(-9999, 9999);
      turbulence_index = rng.integers(-9999, 9999);
    }
    build_legs();
    // An episode begins with a step without engines.
    steer(0, 0, rng);
    box2d::step_side_by_side(std::span(this, 1));
    look();
  }

  StepResult step(Action action, Rng& rng) {
    StepResult result;
    step_batch(std::span(this, 1), &action, std::span(&rng, 1), &result);
    return result;
  }

  static void step_batch(std::span<LunarLander> games, const Action* actions, std::span<Rng> rngs,
                         StepResult* results) {
    for (std::size_t i = 0; i < games.size(); ++i) games[i].act(actions[i], rngs[i]);
    box2d::step_side_by_side(games);
    for (std::size_t i = 0; i < games.size(); ++i) results[i] = games[i].judge();
  }

  void observe(Obs* out) const { std::copy(state.begin(), state.end(), out); }

  void visit(Archive& archive) {
    log.visit(archive);
    if (archive.loading()) log.replay(*this, world);
  }

  void draw(Canvas& canvas) const;

  /// A leg's or the lander's contact. The end of one of several contacts counts as the end of all.
  void touch(const b2Body* body, bool begins) override {
    if (body == lander && begins) crashed = true;
    for (std::size_t i = 0; i < 2; ++i) {
      if (body == legs[i]) touches[i] = begins;
    }
  }

 private:
  void build_ground(Rng& rng) {
    std::array<double, kHills + 1> raw;
    for (double& height : raw) height = rng.uniform(0, kHeight / 2);
    std::fill_n(raw.begin() + kHills / 2 - 2, 5, kPadY);
    for (std::size_t i = 0; i < kHills; ++i) ground[i] = 0.33 * (raw[i == 0 ? kHills : i - 1] + raw[i] + raw[i + 1]);

    const b2BodyDef still;
    b2Body* moon = world->CreateBody(&still);
    b2EdgeShape edge;
    edge.Set({0, 0}, vec(kWidth, 0));
    moon->CreateFixture(&edge, 0);
    b2FixtureDef slope;
    slope.shape = &edge;
    slope.friction = 0.1F;
    for (std::size_t i = 0; i + 1 < kHills; ++i) {
      edge.Set(vec(corner_x(i), ground[i]), vec(corner_x(i + 1), ground[i + 1]));
      moon->CreateFixture(&slope);
    }
  }

  static double corner_x(std::size_t i) { return kWidth / (kHills - 1) * static_cast<double>(i); }

  void build_lander(Rng& rng) {
    static const b2PolygonShape shape = [] {
      std::vector<Point> corners = {{-14, 17}, {-17, 0}, {-17, -10}, {17, -10}, {17, 0}, {14, 17}};
      for (Point& corner : corners) corner = {corner.x / kScale, corner.y / kScale};
      return box2d::polygon(corners);
    }();
    lander = box2d::make_part(*world, shape, vec(kWidth / 2, kHeight), 0,
                              {.density = 5, .friction = 0.1F, .category = 0x10});
    const double x = rng.uniform(-kInitialForce, kInitialForce);
    lander->ApplyForceToCenter(vec(x, rng.uniform(-kInitialForce, kInitialForce)), true);
  }

  void build_legs() {
    static const b2PolygonShape shape = box2d::box(kLegWidth / kScale, kLegHeight / kScale);
    for (int side : {-1, 1}) {
      b2Body*& leg = legs[side < 0 ? 0 : 1];
      leg = box2d::make_part(*world, shape, vec(kWidth / 2 - side * kLegAway / kScale, kHeight), side * 0.05);
      b2RevoluteJointDef joint = box2d::hinge(lander, leg, {0, 0}, vec(side * kLegAway / kScale, kLegDown / kScale),
                                              side < 0 ? 0.9 - 0.5 : -0.9, side < 0 ? 0.9 : -0.9 + 0.5);
      joint.maxMotorTorque = kLegTorque;
      joint.motorSpeed = static_cast<float>(0.3 * side);
      world->CreateJoint(&joint);
    }
  }

  void act(Action action, Rng& rng) {
    log.add(action);
    double main = 0, side = 0;
    if constexpr (kContinuous) {
      const auto throttle = static_cast<double>(std::clamp(action[0], -1.0F, 1.0F));
      const auto lateral = static_cast<double>(std::clamp(action[1], -1.0F, 1.0F));
      if (throttle > 0) main = (throttle + 1) * 0.5;
      if (std::abs(lateral) > 0.5) side = lateral;
    } else {
      if (action == 2) main = 1;
      if (action == 1 || action == 3) side = static_cast<double>(action - 2);
    }
    steer(main, side, rng);
  }

  /// Wind and engines: `main` 0 or 0.5 to 1, `side` 0 or 0.5 to 1 with its direction as sign.
  void steer(double main, double side, Rng& rng) {
    main_power = main;
    side_power = side;
    if (enable_wind && !touches[0] && !touches[1]) {
      lander->ApplyForceToCenter(vec(gust(wind_index++) * wind_power, 0), true);
      lander->ApplyTorque(static_cast<float>(gust(turbulence_index++) * turbulence_power), true);
    }
    const auto angle = static_cast<double>(lander->GetAngle());
    const double s = std::sin(angle), c = std::cos(angle);
    const double noise_0 = rng.uniform(-1, 1) / kScale, noise_1 = rng.uniform(-1, 1) / kScale;
    if (main > 0) {
      const double x = s * (kMainHeight / kScale + 2 * noise_0) + -c * noise_1;
      const double y = -c * (kMainHeight / kScale + 2 * noise_0) - s * noise_1;
      push({x, y}, {0, 0}, kMainPower, main);
    }
    if (side != 0) {
      const double lever = 3 * noise_1 + std::copysign(1.0, side) * kSideAway / kScale;
      const double x = s * noise_0 + -c * lever, y = -c * noise_0 - s * lever;
      // 17, not kSideHeight: so it has always been.
      push({x, y}, {-(s * 17 / kScale), c * kSideHeight / kScale}, kSidePower, std::abs(side));
    }
  }

  /// After a step of the world.
  void look() {
    const b2Vec2 position = lander->GetPosition(), velocity = lander->GetLinearVelocity();
    state = {(position.x - kWidth / 2) / (kWidth / 2),
             (position.y - (kPadY + kLegDown / kScale)) / (kHeight / 2),
             velocity.x * (kWidth / 2) / kFps,
             velocity.y * (kHeight / 2) / kFps,
             lander->GetAngle(),
             20.0 * lander->GetAngularVelocity() / kFps,
             touches[0] ? 1.0 : 0.0,
             touches[1] ? 1.0 : 0.0};
    shaping = potential();
  }

  StepResult judge() {
    const double before = shaping;
    look();
    if (!lander->IsAwake()) return {100, true};
    if (crashed || std::abs(state[0]) >= 1) return {-100, true};
    return {shaping - before - main_power * 0.30 - std::abs(side_power) * 0.03, false};
  }

  /// An impulse against `lever`, at its end as seen from the lander, shifted by `shift`.
  void push(Point lever, Point shift, double power, double throttle) {
    const b2Vec2 from = lander->GetPosition();
    lander->ApplyLinearImpulse(vec(-lever.x * power * throttle, -lever.y * power * throttle),
                               vec(from.x + lever.x + shift.x, from.y + lever.y + shift.y), true);
  }

  /// How good the state is; rewards are differences of it.
  double potential() const {
    return -100 * std::sqrt(state[0] * state[0] + state[1] * state[1]) -
           100 * std::sqrt(state[2] * state[2] + state[3] * state[3]) - 100 * std::abs(state[4]) + 10 * state[6] +
           10 * state[7];
  }

  box2d::EpisodeLog log;
  b2Body* lander = nullptr;
  std::array<b2Body*, 2> legs{};
  std::array<bool, 2> touches{};          // the legs
  bool crashed = false;                   // the lander itself touched the ground
  std::array<double, kHills> ground{};    // m
  std::array<double, 8> state{};          // as observed, in full precision
  double shaping = 0;                     // potential() after the last step
  double main_power = 0, side_power = 0;  // of the last step, see steer()
  std::int64_t wind_index = 0, turbulence_index = 0;
  bool enable_wind;
  double wind_power, turbulence_power;
};

template <bool kContinuous>
void LunarLander<kContinuous>::draw(Canvas& canvas) const {
  canvas.view({0, 0}, {kWidth, kHeight + 1});  // a lander starts at kHeight
  std::vector<Point> moon = {{kWidth, 0}, {0, 0}};
  for (std::size_t i = 0; i < kHills; ++i) moon.push_back({corner_x(i), ground[i]});
  canvas.polygon(moon, palette::kMuted);
  canvas.line(std::span(moon).subspan(2), 0.08, palette::kInk);
  for (std::size_t i : {kHills / 2 - 1, kHills / 2 + 1}) {
    const double x = corner_x(i), top = kPadY + 50 / kScale;
    const Point flag[] = {{x, top}, {x, top - 0.4}, {x + 0.9, top - 0.2}};
    canvas.line({x, kPadY}, {x, top}, 0.06, palette::kInk);
    canvas.polygon(flag, palette::kYellow);
  }

  auto flame = [&](double x, double y, double to_x, double to_y) {
    const double across_x = (to_y - y) * 0.3, across_y = (to_x - x) * 0.3;
    const b2Vec2 corners[] = {vec((x + across_x) / kScale, (y - across_y) / kScale),
                              vec((x - across_x) / kScale, (y + across_y) / kScale), vec(to_x / kScale, to_y / kScale)};
    box2d::draw_on(canvas, *lander, corners, palette::kOrange);
  };
  if (main_power > 0) flame(0, -10, 0, -10 - 26 * main_power);
  if (side_power != 0) {
    const double out = side_power > 0 ? -1 : 1;
    flame(15 * out, 12, (17 + 14 * std::abs(side_power)) * out, 12);
  }
  for (const b2Body* leg : legs) box2d::draw_part(canvas, *leg, palette::kInk);
  box2d::draw_part(canvas, *lander, palette::kPurple);
}

Fields fields(LanderOptions& options) {
  return {Field("gravity", &options.gravity, "acceleration along y in m/s^2, between -12 and 0"),
          Field("enable_wind", &options.enable_wind, "gusts push and turn the lander while no leg touches the ground"),
          Field("wind_power", &options.wind_power, "force of the strongest gust in N").between(0, 20),
          Field("turbulence_power", &options.turbulence_power, "torque of the strongest gust in Nm").between(0, 2)};
}

CORVID_REGISTER_ENV(
    LunarLander<false>,
    {.id = "LunarLander-v3",
     .family = "box2d",
     .summary = "Set a lander down between two flags",
     .source = "Klimov 2016; Gymnasium LunarLander",
     .reward = "gains in closeness, calm and balance, less fuel; 100 for coming to rest, -100 for a crash",
     .max_episode_steps = kMaxSteps,
     .reward_threshold = 200});
CORVID_REGISTER_ENV(
    LunarLander<true>,
    {.id = "LunarLanderContinuous-v3",
     .family = "box2d",
     .summary = "LunarLander-v3 with engines that are throttled",
     .source = "Klimov 2016; Gymnasium LunarLander",
     .reward = "gains in closeness, calm and balance, less fuel; 100 for coming to rest, -100 for a crash",
     .max_episode_steps = kMaxSteps,
     .reward_threshold = 200});

}  // namespace
}  // namespace corvid
