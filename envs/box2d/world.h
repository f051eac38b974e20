// World: the Box2D world of one environment, made once for all its episodes; EpisodeLog: how such an episode is saved.
//
// Which places the engine's collision tree has free, and in what order, decides the order in which contacts are solved,
// and so the last bits of everything that moves. A game that makes a new world for every episode calls renew(); one that
// only destroys its bodies inherits the order from the episode before.
#pragma once

#include <Box2D/Box2D.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/base/archive.h"
#include "core/base/check.h"
#include "core/base/rng.h"

namespace corvid::box2d {

class World {
 public:
  explicit World(b2Vec2 gravity);

  b2World& operator*() { return *world_; }
  b2World* operator->() { return world_.get(); }
  const b2World* operator->() const { return world_.get(); }

  /// Destroys every body; no listener hears of it.
  void clear();

  /// After clear(): as a new world, but with its memory.
  void renew();

  /// Free places of the collision tree, the next one first. Only for a world without bodies.
  std::vector<std::int32_t> free_places() const;

  /// After clear(): gives the tree these places. Throws Error where they are not 0 .. n-1 in some order.
  void set_free_places(std::span<const std::int32_t> places);

 private:
  b2DynamicTree& tree() const;

  std::unique_ptr<b2World> world_;
};

/// What an episode is played again from. A world cannot be written to a file, but the same first state, random numbers
/// and actions lead to the same world.
class EpisodeLog {
 public:
  /// `longest`: steps of the longest episode expected, up to which add() takes no memory. `num_actions`: 0 unless the
  /// actions are 0 .. num_actions - 1.
  EpisodeLog(std::size_t action_size, std::size_t longest, int num_actions = 0)
      : action_size_(action_size), longest_(longest), num_actions_(num_actions) {}

  /// Before anything is drawn or built. `places`: World::free_places() where a game inherits them, or none.
  void begin(const Rng& rng, std::vector<std::int32_t> places = {});

  void add(std::span<const float> action) { actions_.insert(actions_.end(), action.begin(), action.end()); }
  void add(std::int64_t action) { actions_.push_back(static_cast<float>(action)); }

  /// Saves or loads; what is loaded is checked, and has no effect before replay().
  void visit(Archive& archive);

  /// After loading: puts `env` where the saved one was. Its clear() must destroy every body and forget them; its
  /// reset(rng) must begin this log, and its step(action, rng) must add to it.
  template <class Env>
  void replay(Env& env, World& world);

 private:
  std::size_t action_size_, longest_;
  int num_actions_;
  std::uint8_t begun_ = 0;
  Rng rng_;                           // as the episode found it
  std::vector<std::int32_t> places_;  // as the episode found them
  std::vector<float> actions_;        // [steps * action_size]
};

template <class Env>
void EpisodeLog::replay(Env& env, World& world) {
  env.clear();
  if (places_.empty())
    world.renew();
  else
    world.set_free_places(places_);
  const std::vector<float> actions = std::move(actions_);
  Rng rng = rng_;
  env.reset(rng);
  for (std::size_t i = 0; i < actions.size(); i += action_size_) {
    bool terminated;
    if constexpr (std::is_integral_v<typename Env::Action>) {
      terminated = env.step(static_cast<std::int64_t>(actions[i]), rng).terminated;
    } else {
      terminated = env.step(typename Env::Action(&actions[i], action_size_), rng).terminated;
    }
    if (terminated && i + action_size_ != actions.size()) {
      fail(ErrorKind::kBadFile, "the saved episode goes on after its end");
    }
  }
}

}  // namespace corvid::box2d
