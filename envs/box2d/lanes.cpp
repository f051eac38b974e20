#include "envs/box2d/lanes.h"

#include <Box2D/Dynamics/Contacts/b2ContactSolver.h>
#include <Box2D/Dynamics/b2Island.h>

#include <algorithm>
#include <optional>

#include "envs/box2d/contact_lanes.h"
#include "envs/box2d/joint_lanes.h"

namespace corvid::box2d {
namespace {

constexpr int kMostJoints = 8, kMostContacts = 16;  // of one world

b2RevoluteJoint& revolute(const b2Island& island, int j) { return *static_cast<b2RevoluteJoint*>(island.m_joints[j]); }

}  // namespace

bool Game::SolveVelocities(b2Island* island, b2ContactSolver* contacts) { return group_->join(island, contacts); }

void SideBySide::step() {
  for (std::size_t i = 0; i < num_members_; ++i) {
    Game& game = *members_[i].game;
    game.group_ = this;
    game.world->SetContactListener(&game);
  }
  begin_next();
  for (std::size_t i = 0; i < num_members_; ++i) members_[i].game->world->SetContactListener(nullptr);
}

void SideBySide::begin_next() {
  if (num_begun_ == num_members_) {
    if (num_lanes_ > 0) iterate();
    iterated_ = true;
    return;
  }
  Member& member = members_[num_begun_++];
  member.game->world->Step(kSeconds, kVelocityIterations, kPositionIterations);
  if (!member.joined) begin_next();
}

bool SideBySide::join(b2Island* island, b2ContactSolver* contacts) {
  // A second island of a world finds no one waiting any more.
  if (iterated_ || !fits(*island, *contacts)) return false;
  members_[num_begun_ - 1].joined = true;
  lanes_[num_lanes_++] = {island, contacts};
  begin_next();
  return true;
}

bool SideBySide::fits(const b2Island& island, const b2ContactSolver& contacts) const {
  const b2Island& first = num_lanes_ == 0 ? island : *lanes_[0].island;
  if (island.m_jointCount > kMostJoints || island.m_jointCount != first.m_jointCount) return false;
  if (contacts.m_count > kMostContacts) return false;
  for (int j = 0; j < island.m_jointCount; ++j) {
    if (island.m_joints[j]->GetType() != e_revoluteJoint) return false;
    const b2RevoluteJoint &joint = revolute(island, j), &model = revolute(first, j);
    if (joint.m_indexA != model.m_indexA || joint.m_indexB != model.m_indexB) return false;
    if (!JointLanes::fits(joint)) return false;
  }
  return std::all_of(contacts.m_velocityConstraints, contacts.m_velocityConstraints + contacts.m_count,
                     ContactLanes::fits);
}

void SideBySide::iterate() {
  std::array<JointLanes, kMostJoints> joints{};
  std::array<std::optional<ContactLanes>, kMostContacts> contacts;
  std::array<Motion, kMostBodies> motions{};
  const auto num_joints = static_cast<std::size_t>(lanes_[0].island->m_jointCount);
  std::size_t num_contacts = 0;  // the most of any world
  auto each = [&](auto joint, auto contact, auto motion) {
    for (std::size_t lane = 0; lane < num_lanes_; ++lane) {
      const auto& [island, solver] = lanes_[lane];
      for (std::size_t j = 0; j < num_joints; ++j) joint(lane, joints[j], revolute(*island, static_cast<int>(j)));
      const auto count = static_cast<std::size_t>(solver->m_count);
      for (; num_contacts < count; ++num_contacts) contacts[num_contacts].emplace();
      for (std::size_t c = 0; c < count; ++c) contact(lane, *contacts[c], solver->m_velocityConstraints[c]);
      for (int k = 0; k < std::min(kMostBodies, island->m_bodyCount); ++k)
        motion(lane, motions[static_cast<std::size_t>(k)], island->m_velocities[k]);
    }
  };
  each([](std::size_t lane, JointLanes& to, const b2RevoluteJoint& from) { to.load(lane, from, kSeconds); },
       [](std::size_t lane, ContactLanes& to, const b2ContactVelocityConstraint& from) { to.load(lane, from); },
       [](std::size_t lane, Motion& to, const b2Velocity& from) {
         to.x[lane] = from.v.x;
         to.y[lane] = from.v.y;
         to.w[lane] = from.w;
       });
  for (JointLanes& joint : joints) joint.prepare();
  for (int i = 0; i < kVelocityIterations; ++i) {
    for (std::size_t j = 0; j < num_joints; ++j) joints[j].solve(motions.data());
    for (std::size_t c = 0; c < num_contacts; ++c) contacts[c]->solve(motions.data());
  }
  each([](std::size_t lane, const JointLanes& from, b2RevoluteJoint& to) { from.store(lane, to); },
       [](std::size_t lane, const ContactLanes& from, b2ContactVelocityConstraint& to) { from.store(lane, to); },
       [](std::size_t lane, const Motion& from, b2Velocity& to) {
         to = {{from.x[lane], from.y[lane]}, from.w[lane]};
       });
}

}  // namespace corvid::box2d
