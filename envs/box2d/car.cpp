#include "envs/box2d/car.h"

#include <algorithm>

namespace corvid::box2d {
namespace {

struct Corner {
  int x, y;
};

// In units of the drawing; the nose points along y.
constexpr Corner kFrontWing[] = {{-60, 130}, {60, 130}, {60, 110}, {-60, 110}};
constexpr Corner kNose[] = {{-15, 120}, {15, 120}, {20, 20}, {-20, 20}};
constexpr Corner kCockpit[] = {{25, 20},   {50, -10},  {50, -40},  {20, -90},
                               {-20, -90}, {-50, -40}, {-50, -10}, {-25, 20}};
constexpr Corner kRearWing[] = {{-50, -120}, {50, -120}, {50, -90}, {-50, -90}};
constexpr Corner kTyre[] = {{-14, 27}, {14, 27}, {14, -27}, {-14, -27}};
constexpr Corner kAxles[] = {{-55, 80}, {55, 80}, {-55, -82}, {55, -82}};

constexpr double kEnginePower = 100000000 * kCarSize * kCarSize;
constexpr double kWheelInertia = 4000 * kCarSize * kCarSize;
constexpr double kRoadFriction = 1000000 * kCarSize * kCarSize;  // N, the most a tyre holds
constexpr double kGrassFriction = kRoadFriction * 0.6;
constexpr double kStiffness = 205000 * kCarSize * kCarSize;  // N for each m/s that a tyre slides
constexpr double kMostSteering = 0.4;                        // rad to either side

float metres(double units) { return static_cast<float>(units * kCarSize); }

b2PolygonShape shape_of(std::span<const Corner> corners) {
  std::array<b2Vec2, b2_maxPolygonVertices> vertices;
  for (std::size_t i = 0; i < corners.size(); ++i) vertices[i] = {metres(corners[i].x), metres(corners[i].y)};
  b2PolygonShape shape;
  shape.Set(vertices.data(), static_cast<std::int32_t>(corners.size()));
  return shape;
}

b2Body* create_body(World& world, double angle, double x, double y) {
  b2BodyDef definition;
  definition.type = b2_dynamicBody;
  definition.position = {static_cast<float>(x), static_cast<float>(y)};
  definition.angle = static_cast<float>(angle);
  return world->CreateBody(&definition);
}

void create_wheel(Wheel& wheel, World& world, b2Body* hull, Corner axle, double angle, double x, double y) {
  wheel = {};
  wheel.body = create_body(world, angle, x + axle.x * kCarSize, y + axle.y * kCarSize);
  b2FixtureDef fixture;
  fixture.shape = &tyre_shape();
  fixture.density = 0.1f;
  fixture.filter.categoryBits = 0x0020;
  fixture.filter.maskBits = 0x0001;
  wheel.body->CreateFixture(&fixture);
  b2RevoluteJointDef joint;
  joint.bodyA = hull;
  joint.bodyB = wheel.body;
  joint.localAnchorA = {metres(axle.x), metres(axle.y)};
  joint.enableMotor = true;
  joint.enableLimit = true;
  joint.maxMotorTorque = static_cast<float>(180 * 900 * kCarSize * kCarSize);
  joint.lowerAngle = static_cast<float>(-kMostSteering);
  joint.upperAngle = static_cast<float>(kMostSteering);
  wheel.joint = static_cast<b2RevoluteJoint*>(world->CreateJoint(&joint));
}

double sign(double x) { return (x > 0) - (x < 0); }

/// Speed of the wheel after the engine and the brake have acted on it.
double turned(const Wheel& wheel, double dt) {
  // The engine's power is constant, so its torque falls with speed.
  const double omega = wheel.omega + dt * kEnginePower * wheel.gas / kWheelInertia / (std::fabs(wheel.omega) + 5.0);
  if (wheel.brake >= 0.9) return 0;
  if (wheel.brake <= 0) return omega;
  const double loss = std::min(15 * wheel.brake, std::fabs(omega));  // rad/s
  return omega + -sign(omega) * loss;
}

void step_wheel(Wheel& wheel, double dt) {
  const double missing = wheel.steer - wheel.joint->GetJointAngle();
  wheel.joint->SetMotorSpeed(static_cast<float>(sign(missing) * std::min(50.0 * std::fabs(missing), 3.0)));

  const b2Vec2 forward = wheel.body->GetWorldVector({0, 1}), side = wheel.body->GetWorldVector({1, 0});
  const b2Vec2 v = wheel.body->GetLinearVelocity();
  auto along = [&](b2Vec2 axis) {
    return static_cast<double>(axis.x) * static_cast<double>(v.x) +
           static_cast<double>(axis.y) * static_cast<double>(v.y);
  };
  wheel.omega = turned(wheel, dt);
  wheel.phase += wheel.omega * dt;

  // The ground pushes against the tyre's sliding, up to the friction limit.
  double push = (-along(forward) + wheel.omega * kWheelRadius) * kStiffness, side_push = -along(side) * kStiffness;
  const double force = std::sqrt(push * push + side_push * side_push);
  const double limit = wheel.tiles_below > 0 ? kRoadFriction : kGrassFriction;
  if (force > limit) {
    push = push / force * limit;
    side_push = side_push / force * limit;
  }
  wheel.omega -= dt * push * kWheelRadius / kWheelInertia;
  wheel.body->ApplyForceToCenter(
      {static_cast<float>(side_push * static_cast<double>(side.x) + push * static_cast<double>(forward.x)),
       static_cast<float>(side_push * static_cast<double>(side.y) + push * static_cast<double>(forward.y))},
      true);
}

}  // namespace

const std::array<b2PolygonShape, 4>& hull_shapes() {
  static const std::array<b2PolygonShape, 4> shapes = {shape_of(kFrontWing), shape_of(kNose), shape_of(kCockpit),
                                                       shape_of(kRearWing)};
  return shapes;
}

const b2PolygonShape& tyre_shape() {
  static const b2PolygonShape shape = shape_of(kTyre);
  return shape;
}

void Car::create(World& world, double angle, double x, double y) {
  hull = create_body(world, angle, x, y);
  for (const b2PolygonShape& shape : hull_shapes()) hull->CreateFixture(&shape, 1.0f);
  for (std::size_t k = 0; k < wheels.size(); ++k) create_wheel(wheels[k], world, hull, kAxles[k], angle, x, y);
}

void Car::destroy(World& world) {
  if (hull == nullptr) return;
  world->DestroyBody(hull);
  for (Wheel& wheel : wheels) world->DestroyBody(wheel.body);
  *this = {};
}

void Car::gas(double wanted) {
  wanted = std::clamp(wanted, 0.0, 1.0);
  // The driver presses the pedal gradually, and lets it go at once.
  for (std::size_t k : {2u, 3u}) wheels[k].gas += std::min(wanted - wheels[k].gas, 0.1);
}

void Car::step(double dt) {
  for (Wheel& wheel : wheels) step_wheel(wheel, dt);
}

}  // namespace corvid::box2d
