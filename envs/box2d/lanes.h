// One step of up to eight worlds side by side, to the same bits as one after another.
//
// The engine spends most of a step in iterations over velocities, where every number waits for the one before. Worlds do
// not wait for each other: in the middle of one world's step, where its iterations would run, the next world's step
// begins; when the last has come that far, the iterations of all run with one world in each lane of a vector, and then
// the steps end in turn.
#pragma once

#include <array>

#include "envs/box2d/floats.h"
#include "envs/box2d/world.h"

namespace corvid::box2d {

// A step of every official game on this engine.
inline constexpr int kFps = 50;
inline constexpr float kSeconds = static_cast<float>(1.0 / kFps);
inline constexpr int kVelocityIterations = 6 * 30, kPositionIterations = 2 * 30;

class SideBySide;

/// A game with a world, which hears which bodies begin and end to touch.
class Game : public b2ContactListener {
 public:
  explicit Game(b2Vec2 gravity) : world(gravity) {}

  virtual void touch(const b2Body* body, bool begins) = 0;

 protected:
  World world;

 private:
  friend class SideBySide;
  void BeginContact(b2Contact* contact) final { touch_both(contact, true); }
  void EndContact(b2Contact* contact) final { touch_both(contact, false); }
  bool SolveVelocities(b2Island* island, b2ContactSolver* contacts) final;
  void touch_both(b2Contact* contact, bool begins) {
    touch(contact->GetFixtureA()->GetBody(), begins);
    touch(contact->GetFixtureB()->GetBody(), begins);
  }

  SideBySide* group_ = nullptr;  // during a step
};

/// Some games, at most kLanes, that make one step together.
class SideBySide {
 public:
  void add(Game& game) { members_[num_members_++] = {&game, false}; }

  /// One step of every world added. To be called once.
  void step();

 private:
  friend class Game;

  struct Member {
    Game* game;
    bool joined;
  };
  struct Lane {
    b2Island* island;
    b2ContactSolver* contacts;
  };

  /// Begins the next world's step; after the last one, runs the iterations of all that wait.
  void begin_next();

  /// A world waits at its iterations, unless it must go on by itself.
  bool join(b2Island* island, b2ContactSolver* contacts);

  /// Whether a world has the same joints as those that wait, and not too many contacts.
  bool fits(const b2Island& island, const b2ContactSolver& contacts) const;

  /// The iterations over velocities of all that wait.
  void iterate();

  std::array<Member, kLanes> members_;
  std::array<Lane, kLanes> lanes_;
  std::size_t num_members_ = 0, num_begun_ = 0, num_lanes_ = 0;
  bool iterated_ = false;
};

template <class G>
void step_side_by_side(std::span<G> games) {
  SideBySide group;
  for (G& game : games) group.add(game);
  group.step();
}

}  // namespace corvid::box2d
