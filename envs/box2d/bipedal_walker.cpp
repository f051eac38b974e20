// BipedalWalker: walk a two-legged robot to the end of rough ground, which it sees with ten rays.
// Source: Klimov 2016; Gymnasium 1.4 `BipedalWalker` (v3), on the same engine.
// Deviation: none. The clouds there only take random numbers here.
#include <array>
#include <cmath>
#include <numbers>

#include "core/env/env_registry.h"
#include "envs/box2d/lanes.h"
#include "envs/box2d/parts.h"
#include "envs/box2d/walker_lidar.h"
#include "envs/box2d/walker_terrain.h"
#include "envs/box2d/world.h"

namespace corvid {
namespace {

using box2d::kFps, box2d::vec;
using walker::kCorners, walker::kGrass, walker::kGroundHeight, walker::kRays, walker::kScale, walker::kStartPad,
    walker::kStep;

constexpr int kTorque = 80;                                           // Nm, of each motor at most
constexpr std::array<float, 4> kSpeed = {4, 6, 4, 6};                 // rad/s, of hip and knee motors
constexpr float kTorqueCost = static_cast<float>(0.00035 * kTorque);  // reward at full torque
constexpr double kRange = 160 / kScale;                               // m, of the rays
constexpr double kInitialForce = 5;                                   // N
constexpr double kHipBelow = -8 / kScale;                             // m, from the hull's origin
constexpr double kLegWidth = 8 / kScale, kLegLength = 34 / kScale;    // m
constexpr double kWidth = 600 / kScale, kHeight = 400 / kScale;       // m, of the picture
constexpr float kFriction = 2.5F;

template <bool kHardcore>
struct BipedalWalker : box2d::Game {
  using Options = NoOptions;
  using Obs = float;
  using Action = std::span<const float, 4>;
  static constexpr std::size_t kBlock = box2d::kLanes;

  explicit BipedalWalker(const Options&) : Game({0, -10}), log(4, kHardcore ? 2000 : 1600) {}

  static EnvSpec spec(const Options&) {
    const double turn = std::numbers::pi;
    std::vector<double> low = {-turn, -5, -5, -5}, high = {turn, 5, 5, 5};
    std::vector<std::string> names = {"hull angle (rad)", "hull angular velocity (25 rad/s)", "x velocity (8.33 m/s)",
                                      "y velocity (12.5 m/s)"};
    for (const std::string leg : {"first ", "second "}) {
      low.insert(low.end(), {-turn, -5, -turn, -5, -0.0});
      high.insert(high.end(), {turn, 5, turn, 5, 5});
      for (const char* name :
           {"hip angle (rad)", "hip speed (4 rad/s)", "knee angle + 1 (rad)", "knee speed (6 rad/s)", "foot touches"})
        names.push_back(leg + name);
    }
    for (std::size_t ray = 0; ray < kRays; ++ray) {
      low.push_back(-1);
      high.push_back(1);
      names.push_back("ray " + std::to_string(ray) + " (5.33 m)");
    }
    return {.observation = Space::box(low, high),
            .action = Space::box(-1, 1, {4}),
            .observation_names = names,
            .action_names = {"first hip torque", "first knee torque", "second hip torque", "second knee torque"}};
  }

  void clear() {
    world.clear();
    hull = nullptr;
  }

  void reset(Rng& rng) {
    leave();
    log.begin(rng, world.free_places());
    fallen = false;
    touches = {};
    terrain.generate(kHardcore, rng);
    for (int i = 0; i < kCorners / 20 * 11; ++i) rng.random();  // a place and five corners for each cloud
    build_ground();
    build_robot(rng);
    // An episode begins with a step without torque.
    push(std::array<float, 4>{});
    box2d::step_side_by_side(std::span(this, 1));
    look();
  }

  StepResult step(Action action, Rng& rng) {
    StepResult result;
    step_batch(std::span(this, 1), &action, std::span(&rng, 1), &result);
    return result;
  }

  static void step_batch(std::span<BipedalWalker> games, const Action* actions, std::span<Rng>, StepResult* results) {
    for (std::size_t i = 0; i < games.size(); ++i) games[i].act(actions[i]);
    box2d::step_side_by_side(games);
    for (std::size_t i = 0; i < games.size(); ++i) results[i] = games[i].judge(actions[i]);
  }

  void observe(Obs* out) const { std::copy(state.begin(), state.end(), out); }

  void visit(Archive& archive) {
    log.visit(archive);
    if (archive.loading()) log.replay(*this, world);
  }

  void draw(Canvas& canvas) const;

  /// A foot's or the hull's contact. The end of one of several contacts counts as the end of all.
  void touch(const b2Body* body, bool begins) override {
    if (body == hull && begins) fallen = true;
    for (std::size_t i = 0; i < 2; ++i) {
      if (body == legs[2 * i + 1]) touches[i] = begins;
    }
  }

 private:
  /// Destroys the bodies of the last episode, in the order that decides on the free places of the next one.
  void leave() {
    if (hull == nullptr) return;
    for (auto body = ground.rbegin(); body != ground.rend(); ++body) world->DestroyBody(*body);
    world->DestroyBody(hull);
    for (b2Body* leg : legs) world->DestroyBody(leg);
    hull = nullptr;
  }

  void build_ground() {
    ground.clear();
    const b2BodyDef still;
    auto build = [&](const b2Shape& shape) {
      b2FixtureDef fixture;
      fixture.shape = &shape;
      fixture.friction = kFriction;
      ground.push_back(world->CreateBody(&still));
      ground.back()->CreateFixture(&fixture);
    };
    for (const walker::Block& block : terrain.blocks) build(box2d::polygon(block));
    b2EdgeShape edge;
    for (std::size_t i = 0; i + 1 < kCorners; ++i) {
      edge.Set(vec(terrain.x(i), terrain.height[i]), vec(terrain.x(i + 1), terrain.height[i + 1]));
      build(edge);
      lidar.set_edge(i, edge.m_vertex1, edge.m_vertex2);
    }
  }

  void build_robot(Rng& rng) {
    static const b2PolygonShape hull_shape = [] {
      std::vector<Point> corners = {{-30, 9}, {6, 9}, {34, 1}, {34, -8}, {-30, -8}};
      for (Point& corner : corners) corner = {corner.x / kScale, corner.y / kScale};
      return box2d::polygon(corners);
    }();
    static const b2PolygonShape upper = box2d::box(kLegWidth / 2, kLegLength / 2),
                                lower = box2d::box(0.8 * kLegWidth / 2, kLegLength / 2);
    const double x = kStep * kStartPad / 2, y = kGroundHeight + 2 * kLegLength;
    hull = box2d::make_part(*world, hull_shape, vec(x, y), 0, {.density = 5, .friction = 0.1F});
    hull->ApplyForceToCenter(vec(rng.uniform(-kInitialForce, kInitialForce), 0), true);
    auto connect = [&](b2Body* above, b2Body* below, double anchor_y, double low, double high) {
      const b2RevoluteJointDef joint = box2d::hinge(above, below, vec(0, anchor_y), vec(0, kLegLength / 2), low, high);
      return static_cast<b2RevoluteJoint*>(world->CreateJoint(&joint));
    };
    for (std::size_t i = 0; i < 4; i += 2) {
      const double angle = i == 0 ? -0.05 : 0.05;
      legs[i] = box2d::make_part(*world, upper, vec(x, y - kLegLength / 2 - kHipBelow), angle);
      joints[i] = connect(hull, legs[i], kHipBelow, -0.8, 1.1);
      legs[i + 1] = box2d::make_part(*world, lower, vec(x, y - kLegLength * 3 / 2 - kHipBelow), angle);
      joints[i + 1] = connect(legs[i], legs[i + 1], -kLegLength / 2, -1.6, -0.1);
    }
  }

  /// The sign of a number is the direction of its motor, the size its torque.
  void push(Action action) {
    for (std::size_t i = 0; i < 4; ++i) {
      joints[i]->SetMotorSpeed(action[i] == 0 ? 0 : std::copysign(kSpeed[i], action[i]));
      joints[i]->SetMaxMotorTorque(kTorque * std::min(std::abs(action[i]), 1.0F));
    }
  }

  void act(Action action) {
    log.add(action);
    push(action);
  }

  StepResult judge(Action action) {
    const double before = progress;
    look();
    // NumPy's promotion: from here on in single precision.
    auto reward = static_cast<float>(progress - before);
    for (float torque : action) reward -= kTorqueCost * std::min(std::abs(torque), 1.0F);
    const float x = hull->GetPosition().x;
    const bool failed = fallen || x < 0;
    return {failed ? -100.0 : reward, failed || x > (kCorners - kGrass) * kStep};
  }

  /// After a step of the world.
  void look() {
    const b2Vec2 eye = hull->GetPosition(), velocity = hull->GetLinearVelocity();
    float* out = state.data();
    *out++ = hull->GetAngle();
    *out++ = static_cast<float>(2.0 * hull->GetAngularVelocity() / kFps);
    *out++ = static_cast<float>(0.3 * velocity.x * kWidth / kFps);
    *out++ = static_cast<float>(0.3 * velocity.y * kHeight / kFps);
    for (std::size_t i = 0; i < 4; ++i) {
      const float angle = joints[i]->GetJointAngle();
      *out++ = i % 2 == 0 ? angle : static_cast<float>(angle + 1.0);
      *out++ = static_cast<float>(joints[i]->GetJointSpeed() / static_cast<double>(kSpeed[i]));
      if (i % 2 == 1) *out++ = touches[i / 2] ? 1.0F : 0.0F;
    }
    lidar.look(eye, out);
    for (std::size_t i = 0; i < terrain.blocks.size(); ++i) {
      if (terrain.blocks[i][0].x > eye.x + kRange || terrain.blocks[i][1].x < eye.x) continue;
      for (std::size_t ray = 0; ray < kRays; ++ray) {
        b2RayCastOutput met;
        if (ground[i]->GetFixtureList()->RayCast(&met, {eye, lidar.end(eye, ray), out[ray]}, 0))
          out[ray] = met.fraction;
      }
    }
    // How far the robot came, with its head up; rewards are differences of it.
    progress = 130 * static_cast<double>(eye.x) / kScale - 5.0 * std::abs(static_cast<double>(hull->GetAngle()));
  }

  box2d::EpisodeLog log;
  walker::Terrain terrain;
  walker::Lidar<kCorners - 1> lidar{kStep, kRange};
  std::vector<b2Body*> ground;  // in the order of building
  b2Body* hull = nullptr;
  std::array<b2Body*, 4> legs{};             // upper and lower of the first, then of the second
  std::array<b2RevoluteJoint*, 4> joints{};  // hip and knee of the first, then of the second
  std::array<bool, 2> touches{};             // the feet
  bool fallen = false;                       // the hull touched the ground
  std::array<float, 14 + kRays> state{};     // as observed
  double progress = 0;                       // see look()
};

template <bool kHardcore>
void BipedalWalker<kHardcore>::draw(Canvas& canvas) const {
  const double left = hull->GetPosition().x - kWidth / 5, right = left + kWidth;
  canvas.view({left, 0}, {right, kHeight}, palette::kWater);
  for (std::size_t i = 0; i + 1 < kCorners; ++i) {
    const double x = terrain.x(i), next_x = terrain.x(i + 1);
    if (next_x < left || x > right) continue;
    const Point strip[] = {{x, 0}, {next_x, 0}, {next_x, terrain.height[i + 1]}, {x, terrain.height[i]}};
    canvas.polygon(strip, palette::kGreen);
    canvas.line(strip[3], strip[2], 0.08, palette::kInk);
  }
  for (const walker::Block& block : terrain.blocks) {
    if (block[1].x >= left && block[0].x <= right) canvas.polygon(block, palette::kMuted);
  }
  for (double x : {kStep * 3, (kCorners - kGrass) * kStep}) {
    const double foot = terrain.height[static_cast<std::size_t>(x / kStep)], top = foot + 50 / kScale;
    const Point flag[] = {{x, top}, {x, top - 0.33}, {x + 0.83, top - 0.17}};
    canvas.line({x, foot}, {x, top}, 0.05, palette::kInk);
    canvas.polygon(flag, palette::kRed);
  }
  const b2Vec2 eye = hull->GetPosition();
  for (std::size_t i = 0; i < kRays; ++i) {
    const b2Vec2 end = eye + state[14 + i] * (lidar.end(eye, i) - eye);
    canvas.line({eye.x, eye.y}, {end.x, end.y}, 0.03, {palette::kRed.rgb, 0.5});
  }
  for (std::size_t i : {0, 1}) box2d::draw_part(canvas, *legs[i], palette::kOrange);
  box2d::draw_part(canvas, *hull, palette::kPurple);
  for (std::size_t i : {2, 3}) box2d::draw_part(canvas, *legs[i], palette::kYellow);
}

CORVID_REGISTER_ENV(BipedalWalker<false>,
                    {.id = "BipedalWalker-v3",
                     .family = "box2d",
                     .summary = "Walk a two-legged robot across rough ground",
                     .source = "Klimov 2016; Gymnasium BipedalWalker",
                     .reward = "the way a step makes forward, less torque and tilt; -100 for a fall",
                     .max_episode_steps = 1600,
                     .reward_threshold = 300});
CORVID_REGISTER_ENV(BipedalWalker<true>,
                    {.id = "BipedalWalkerHardcore-v3",
                     .family = "box2d",
                     .summary = "BipedalWalker-v3 with stumps, stairs and pits in the way",
                     .source = "Klimov 2016; Gymnasium BipedalWalker",
                     .reward = "the way a step makes forward, less torque and tilt; -100 for a fall",
                     .max_episode_steps = 2000,
                     .reward_threshold = 300});

}  // namespace
}  // namespace corvid
