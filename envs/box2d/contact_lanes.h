// A contact of eight worlds: the velocity iterations of b2ContactSolver, one world to a lane.
#pragma once

#include <Box2D/Box2D.h>
#include <Box2D/Dynamics/Contacts/b2ContactSolver.h>

#include <array>
#include <bit>

#include "envs/box2d/floats.h"

namespace corvid::box2d {

class ContactLanes {
 public:
  /// Whether the moving bodies are among the first ones.
  static bool fits(const b2ContactVelocityConstraint& from) {
    const bool a_stands = from.invMassA == 0 && from.invIA == 0, b_stands = from.invMassB == 0 && from.invIB == 0;
    return (a_stands || from.indexA < kMostBodies) && (b_stands || from.indexB < kMostBodies);
  }

  void load(std::size_t lane, const b2ContactVelocityConstraint& from) {
    if (from.invMassA != 0 || from.invIA != 0) bodies_a_.add(from.indexA, lane);
    if (from.invMassB != 0 || from.invIB != 0) bodies_b_.add(from.indexB, lane);
    masses_.mA[lane] = from.invMassA;
    masses_.mB[lane] = from.invMassB;
    masses_.iA[lane] = from.invIA;
    masses_.iB[lane] = from.invIB;
    normal_.x[lane] = from.normal.x;
    normal_.y[lane] = from.normal.y;
    friction_[lane] = from.friction;
    tangent_speed_[lane] = from.tangentSpeed;
    for (int k = 0; k < from.pointCount; ++k) points_[k].load(lane, from.points[k]);
    if (from.pointCount == 1) {
      one_[lane] = -1;
      any_one_ = true;
    } else {
      two_[lane] = -1;
      any_two_ = true;
      k11_[lane] = from.K.ex.x;
      k12_[lane] = from.K.ex.y;
      k22_[lane] = from.K.ey.y;
      n11_[lane] = from.normalMass.ex.x;
      n12_[lane] = from.normalMass.ex.y;
      n22_[lane] = from.normalMass.ey.y;
    }
  }

  void store(std::size_t lane, b2ContactVelocityConstraint& to) const {
    for (int k = 0; k < to.pointCount; ++k) {
      to.points[k].normalImpulse = points_[k].normal_impulse[lane];
      to.points[k].tangentImpulse = points_[k].tangent_impulse[lane];
    }
  }

  void solve(Motion* motions) {
    Motion A = bodies_a_.gather(motions), B = bodies_b_.gather(motions);
    rub(points_[0], A, B, one_ | two_);
    if (any_two_) rub(points_[1], A, B, two_);
    if (any_one_) press_one(A, B);
    if (any_two_) press_two(A, B);
    bodies_a_.scatter(A, motions);
    bodies_b_.scatter(B, motions);
  }

 private:
  struct ContactPoint {
    Vec rA, rB;
    Floats normal_mass, tangent_mass, bias, normal_impulse, tangent_impulse;

    void load(std::size_t lane, const b2VelocityConstraintPoint& from) {
      rA.x[lane] = from.rA.x;
      rA.y[lane] = from.rA.y;
      rB.x[lane] = from.rB.x;
      rB.y[lane] = from.rB.y;
      normal_mass[lane] = from.normalMass;
      tangent_mass[lane] = from.tangentMass;
      bias[lane] = from.velocityBias;
      normal_impulse[lane] = from.normalImpulse;
      tangent_impulse[lane] = from.tangentImpulse;
    }
  };

  /// Which moving body a contact belongs to, in each lane; none where it stands still.
  struct Choice {
    std::array<Mask, kMostBodies> is;
    unsigned any = 0;  // bit k: body k in some lane

    void add(int body, std::size_t lane) {
      is[static_cast<std::size_t>(body)][lane] = -1;
      any |= 1U << body;
    }
    Motion gather(const Motion* motions) const {
      Motion result{};
      for (unsigned rest = any; rest != 0; rest &= rest - 1) {
        const int k = std::countr_zero(rest);
        blend(result, is[static_cast<std::size_t>(k)], motions[k]);
      }
      return result;
    }
    void scatter(const Motion& motion, Motion* motions) const {
      for (unsigned rest = any; rest != 0; rest &= rest - 1) {
        const int k = std::countr_zero(rest);
        blend(motions[k], is[static_cast<std::size_t>(k)], motion);
      }
    }
  };

  static void blend(Motion& into, Mask where, const Motion& from) {
    into.x = where ? from.x : into.x;
    into.y = where ? from.y : into.y;
    into.w = where ? from.w : into.w;
  }

  void push(Motion& A, Motion& B, Mask where, const Vec& p, Floats turn_A, Floats turn_B) const {
    Motion new_A = A, new_B = B;
    masses_.push(new_A, new_B, p, turn_A, turn_B);
    blend(A, where, new_A);
    blend(B, where, new_B);
  }

  /// Friction at a point.
  void rub(ContactPoint& point, Motion& A, Motion& B, Mask where) const {
    const Vec tangent = {normal_.y, -normal_.x};
    const Floats speed = dot(Masses::relative(A, B, point.rA, point.rB), tangent) - tangent_speed_;
    const Floats most = friction_ * point.normal_impulse;
    const Floats sum = clamp(point.tangent_impulse + point.tangent_mass * -speed, -most, most);
    const Floats change = sum - point.tangent_impulse;
    point.tangent_impulse = where ? sum : point.tangent_impulse;
    const Vec p = {change * tangent.x, change * tangent.y};
    push(A, B, where, p, cross(point.rA, p), cross(point.rB, p));
  }

  /// Pressure at the only point.
  void press_one(Motion& A, Motion& B) {
    ContactPoint& point = points_[0];
    const Floats zero = {};
    const Floats speed = dot(Masses::relative(A, B, point.rA, point.rB), normal_);
    const Floats sum = max(point.normal_impulse + -point.normal_mass * (speed - point.bias), zero);
    const Floats change = sum - point.normal_impulse;
    point.normal_impulse = one_ ? sum : point.normal_impulse;
    const Vec p = {change * normal_.x, change * normal_.y};
    push(A, B, one_, p, cross(point.rA, p), cross(point.rB, p));
  }

  /// Pressure at both points: the first of four possible solutions that is consistent.
  void press_two(Motion& A, Motion& B) {
    ContactPoint &first = points_[0], &second = points_[1];
    const Floats zero = {};
    const Vec a = {first.normal_impulse, second.normal_impulse};
    Vec b = {dot(Masses::relative(A, B, first.rA, first.rB), normal_) - first.bias,
             dot(Masses::relative(A, B, second.rA, second.rB), normal_) - second.bias};
    b.x -= k11_ * a.x + k12_ * a.y;
    b.y -= k12_ * a.x + k22_ * a.y;

    const Vec both = {-(n11_ * b.x + n12_ * b.y), -(n12_ * b.x + n22_ * b.y)};
    const Mask both_hold = (both.x >= zero) & (both.y >= zero);
    const Floats first_alone = -first.normal_mass * b.x;
    const Mask first_holds = (first_alone >= zero) & (k12_ * first_alone + b.y >= zero);
    const Floats second_alone = -second.normal_mass * b.y;
    const Mask second_holds = (second_alone >= zero) & (k12_ * second_alone + b.x >= zero);
    const Mask none_holds = (b.x >= zero) & (b.y >= zero);
    const Vec x = {both_hold     ? both.x
                   : first_holds ? first_alone
                                 : zero,
                   both_hold      ? both.y
                   : first_holds  ? zero
                   : second_holds ? second_alone
                                  : zero};

    const Mask where = two_ & (both_hold | first_holds | second_holds | none_holds);
    const Vec d = {x.x - a.x, x.y - a.y};
    first.normal_impulse = where ? x.x : a.x;
    second.normal_impulse = where ? x.y : a.y;
    const Vec p1 = {d.x * normal_.x, d.x * normal_.y}, p2 = {d.y * normal_.x, d.y * normal_.y};
    push(A, B, where, {p1.x + p2.x, p1.y + p2.y}, cross(first.rA, p1) + cross(second.rA, p2),
         cross(first.rB, p1) + cross(second.rB, p2));
  }

  Choice bodies_a_, bodies_b_;
  Masses masses_;
  Vec normal_;
  Floats friction_, tangent_speed_;
  Floats k11_, k12_, k22_;  // masses of both points together, a symmetric matrix
  Floats n11_, n12_, n22_;  // its inverse
  ContactPoint points_[2];
  Mask one_, two_;  // lanes with one point, with two
  bool any_one_ = false, any_two_ = false;
};

}  // namespace corvid::box2d
