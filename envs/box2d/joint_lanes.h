// A revolute joint of eight worlds: the velocity iterations of b2RevoluteJoint, one world to a lane.
#pragma once

#include <Box2D/Box2D.h>

#include "envs/box2d/floats.h"

namespace corvid::box2d {

class JointLanes {
 public:
  /// Whether the joint is of the kind that is solved here, between bodies among the first ones.
  static bool fits(const b2RevoluteJoint& from) {
    return from.m_indexA < kMostBodies && from.m_indexB < kMostBodies && from.m_enableMotor && from.m_enableLimit &&
           from.m_limitState != e_equalLimits && from.m_invIA + from.m_invIB != 0;
  }

  /// `seconds`: of a step. All lanes must have the same bodies.
  void load(std::size_t lane, const b2RevoluteJoint& from, float seconds) {
    a_ = from.m_indexA;
    b_ = from.m_indexB;
    masses_.mA[lane] = from.m_invMassA;
    masses_.mB[lane] = from.m_invMassB;
    masses_.iA[lane] = from.m_invIA;
    masses_.iB[lane] = from.m_invIB;
    rA_.x[lane] = from.m_rA.x;
    rA_.y[lane] = from.m_rA.y;
    rB_.x[lane] = from.m_rB.x;
    rB_.y[lane] = from.m_rB.y;
    motor_speed_[lane] = from.m_motorSpeed;
    motor_mass_[lane] = from.m_motorMass;
    most_impulse_[lane] = seconds * from.m_maxMotorTorque;
    k11_[lane] = from.m_mass.ex.x;
    k12_[lane] = from.m_mass.ey.x;
    k13_[lane] = from.m_mass.ez.x;
    k22_[lane] = from.m_mass.ey.y;
    k23_[lane] = from.m_mass.ez.y;
    k33_[lane] = from.m_mass.ez.z;
    at_lower_[lane] = from.m_limitState == e_atLowerLimit ? -1 : 0;
    at_upper_[lane] = from.m_limitState == e_atUpperLimit ? -1 : 0;
    impulse_x_[lane] = from.m_impulse.x;
    impulse_y_[lane] = from.m_impulse.y;
    impulse_z_[lane] = from.m_impulse.z;
    motor_impulse_[lane] = from.m_motorImpulse;
  }

  void store(std::size_t lane, b2RevoluteJoint& to) const {
    to.m_impulse = {impulse_x_[lane], impulse_y_[lane], impulse_z_[lane]};
    to.m_motorImpulse = motor_impulse_[lane];
  }

  /// After load(): what does not change during the iterations.
  void prepare() {
    const Floats zero = {};
    const Floats det_22 = k11_ * k22_ - k12_ * k12_;
    inverse_22_ = det_22 != zero ? 1.0F / det_22 : det_22;
    c_x_ = k22_ * k33_ - k23_ * k23_;
    c_y_ = k23_ * k13_ - k12_ * k33_;
    c_z_ = k12_ * k23_ - k22_ * k13_;
    const Floats det_33 = k11_ * c_x_ + k12_ * c_y_ + k13_ * c_z_;
    inverse_33_ = det_33 != zero ? 1.0F / det_33 : det_33;
    any_limit_ = any(at_lower_ | at_upper_);
  }

  void solve(Motion* motions) {
    Motion A = motions[a_], B = motions[b_];
    const Floats before = motor_impulse_;
    const Floats slip = B.w - A.w - motor_speed_;
    motor_impulse_ = clamp(motor_impulse_ + -motor_mass_ * slip, -most_impulse_, most_impulse_);
    A.w -= masses_.iA * (motor_impulse_ - before);
    B.w += masses_.iB * (motor_impulse_ - before);

    const Vec c = Masses::relative(A, B, rA_, rB_);
    if (any_limit_)
      hold(A, B, c);
    else
      push(A, B, solve_22({-c.x, -c.y}));
    motions[a_] = A;
    motions[b_] = B;
  }

 private:
  void push(Motion& A, Motion& B, const Vec& p) {
    impulse_x_ += p.x;
    impulse_y_ += p.y;
    masses_.push(A, B, p, cross(rA_, p), cross(rB_, p));
  }

  /// Where the angle is at a limit in some lane. `c`: relative velocity of the anchors.
  void hold(Motion& A, Motion& B, const Vec& c) {
    const Floats zero = {};
    const Mask limited = at_lower_ | at_upper_;
    const Floats c3 = B.w - A.w;
    // Cramer's rule.
    const Floats x = -(inverse_33_ * (c.x * c_x_ + c.y * c_y_ + c3 * c_z_));
    const Floats y = -(inverse_33_ * (k11_ * (c.y * k33_ - c3 * k23_) + k12_ * (c3 * k13_ - c.x * k33_) +
                                      k13_ * (c.x * k23_ - c.y * k13_)));
    const Floats z = -(inverse_33_ * (k11_ * (k22_ * c3 - k23_ * c.y) + k12_ * (k23_ * c.x - k12_ * c3) +
                                      k13_ * (k12_ * c.y - k22_ * c.x)));
    const Floats sum = impulse_z_ + z;
    const Mask released = (at_lower_ & (sum < zero)) | (at_upper_ & (sum > zero)), held = limited & ~released;
    const Vec free = solve_22({limited ? -c.x + impulse_z_ * k13_ : -c.x, limited ? -c.y + impulse_z_ * k23_ : -c.y});
    const Vec p = {held ? x : free.x, held ? y : free.y};
    const Floats turn = held ? z : -impulse_z_;
    impulse_x_ += p.x;
    impulse_y_ += p.y;
    impulse_z_ = held ? sum : limited ? zero : impulse_z_;
    const Floats turn_A = cross(rA_, p), turn_B = cross(rB_, p);
    masses_.push(A, B, p, limited ? turn_A + turn : turn_A, limited ? turn_B + turn : turn_B);
  }

  Vec solve_22(const Vec& right) const {
    return {inverse_22_ * (k22_ * right.x - k12_ * right.y), inverse_22_ * (k11_ * right.y - k12_ * right.x)};
  }

  int a_ = 0, b_ = 0;  // bodies
  Masses masses_;
  Vec rA_, rB_;
  Floats motor_speed_, motor_mass_, most_impulse_;
  Floats k11_, k12_, k13_, k22_, k23_, k33_;  // the mass matrix, which is symmetric
  Mask at_lower_, at_upper_;
  Floats inverse_22_, inverse_33_, c_x_, c_y_, c_z_;  // from prepare()
  bool any_limit_ = false;
  Floats impulse_x_, impulse_y_, impulse_z_, motor_impulse_;
};

}  // namespace corvid::box2d
