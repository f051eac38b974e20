// Bodies of the games on Box2D. Lengths are computed in double precision and then rounded, as pybox2d does.
#pragma once

#include <Box2D/Box2D.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/canvas.h"

namespace corvid::box2d {

inline b2Vec2 vec(double x, double y) { return {static_cast<float>(x), static_cast<float>(y)}; }

inline b2PolygonShape polygon(std::span<const Point> corners) {
  std::array<b2Vec2, b2_maxPolygonVertices> vertices;
  std::transform(corners.begin(), corners.end(), vertices.begin(), [](Point p) { return vec(p.x, p.y); });
  b2PolygonShape shape;
  shape.Set(vertices.data(), static_cast<int>(corners.size()));
  return shape;
}

inline b2PolygonShape box(double half_width, double half_height) {
  b2PolygonShape shape;
  shape.SetAsBox(static_cast<float>(half_width), static_cast<float>(half_height));
  return shape;
}

struct Material {
  float density = 1, friction = 0.2F;
  std::uint16_t category = 0x20;
};

/// A moving body of one shape, which collides with what stands still alone.
inline b2Body* make_part(b2World& world, const b2Shape& shape, b2Vec2 place, double angle,
                         const Material& material = {}) {
  b2BodyDef body;
  body.type = b2_dynamicBody;
  body.position = place;
  body.angle = static_cast<float>(angle);
  b2FixtureDef fixture;
  fixture.shape = &shape;
  fixture.density = material.density;
  fixture.friction = material.friction;
  fixture.filter.categoryBits = material.category;
  fixture.filter.maskBits = 1;
  b2Body* part = world.CreateBody(&body);
  part->CreateFixture(&fixture);
  return part;
}

/// A joint with a motor, which turns between two angles, seen from how the bodies stand now.
inline b2RevoluteJointDef hinge(b2Body* a, b2Body* b, b2Vec2 anchor_a, b2Vec2 anchor_b, double low, double high) {
  b2RevoluteJointDef joint;
  joint.bodyA = a;
  joint.bodyB = b;
  joint.localAnchorA = anchor_a;
  joint.localAnchorB = anchor_b;
  joint.referenceAngle = b->GetAngle() - a->GetAngle();
  joint.enableMotor = joint.enableLimit = true;
  joint.lowerAngle = static_cast<float>(low);
  joint.upperAngle = static_cast<float>(high);
  return joint;
}

/// A polygon in the body's own coordinates.
inline void draw_on(Canvas& canvas, const b2Body& body, std::span<const b2Vec2> corners, Color fill) {
  std::vector<Point> points;
  for (const b2Vec2& corner : corners) {
    const b2Vec2 place = body.GetWorldPoint(corner);
    points.push_back({place.x, place.y});
  }
  canvas.polygon(points, fill);
}

/// A body of one polygon.
inline void draw_part(Canvas& canvas, const b2Body& body, Color fill) {
  const auto& shape = static_cast<const b2PolygonShape&>(*body.GetFixtureList()->GetShape());
  draw_on(canvas, body, {shape.m_vertices, static_cast<std::size_t>(shape.m_count)}, fill);
}

}  // namespace corvid::box2d
