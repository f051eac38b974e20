// What an environment is: a plain struct with the rules of one game.
//
//   struct CartPole {
//     struct Options { bool sutton_barto_reward = false; };      // keyword options; fields(Options&) lists them
//     using Obs = float;                                          // element type of one observation; for a dictionary
//                                                                 // std::tuple<uint8_t, int64_t>, one type a leaf
//     using Action = std::int64_t;                                // or std::span<const float, A>, <const int64_t, K>
//
//     explicit CartPole(const Options&);
//     static EnvSpec spec(const Options&);
//     void reset(Rng&);                                           // new episode
//     StepResult step(Action, Rng&);                              // one transition
//     void observe(Obs* out) const;                               // writes one observation; one pointer a leaf, null
//                                                                 // where the options leave that leaf out
//
//     using Random = RandomState;                                 // optional: other random numbers than Rng
//     static constexpr std::size_t kBlock = 4;                    // optional: environments a thread takes at once, fewer
//                                                                 // than kMaxBatch where a step is long
//     void draw(Canvas&) const;                                   // optional
//     void visit(Archive&);                                       // needed unless trivially copyable
//     void action_mask(std::uint8_t* legal) const;                // optional: 1 where an action is legal
//     static TabularModel model(const Options&);                  // optional: transition probabilities
//     double regret() const;                                      // optional: expected reward that the last action lost
//                                                                 // against the best one (pseudo-regret, 0 or more)
//     static void step_batch(std::span<CartPole>, const Action*, std::span<Rng>, StepResult*);
//                                                                 // optional: at most kMaxBatch steps at once, equal to
//                                                                 // `step` to the last bit
//   };
//
// Core counts steps and sets `truncated`; an environment says when an episode terminated, and cuts it off by itself only
// where a game's own limit depends on the episode or enters its rewards. A reset with a seed constructs the environment
// anew, so that the seed decides everything that follows. No virtual call, allocation, lock, string or exception in
// `step`.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "core/base/archive.h"
#include "core/base/canvas.h"
#include "core/base/fields.h"
#include "core/base/rng.h"
#include "core/base/space.h"

namespace corvid {

inline constexpr std::size_t kMaxBatch = 64;  // environments in one call of step_batch

/// What an agent sees of an environment, and what a viewer prints about it.
struct EnvSpec {
  Space observation;
  Space action;
  std::vector<std::string> observation_names;  // one a number; empty when the numbers have no names
  std::vector<std::string> action_names;       // one a discrete action or action dimension
  int max_steps = 0;                           // the game's own step limit, the most where it varies; 0: none
  bool masks_actions = false;                  // not every action is always legal; filled in by core
};

struct StepResult {
  double reward = 0;
  bool terminated = false;
  bool truncated = false;  // by the game's own step limit; core adds its own
};

/// One possible outcome of an action in a state.
struct Transition {
  double probability = 0;
  std::int64_t next_state = 0;
  double reward = 0;
  bool terminated = false;
};

/// The full model of a finite environment, for planning (Sutton and Barto 2018, eq. 3.2).
struct TabularModel {
  std::int64_t num_states = 0;
  std::int64_t num_actions = 0;
  std::vector<std::vector<Transition>> outcomes;  // [num_states * num_actions], row state * num_actions + action
  std::vector<double> initial;                    // [num_states] probability that an episode starts there

  const std::vector<Transition>& at(std::int64_t state, std::int64_t action) const {
    return outcomes[static_cast<std::size_t>(state * num_actions + action)];
  }
};

/// Options for environments that have none.
struct NoOptions {};
inline Fields fields(NoOptions&) { return {}; }

/// The random numbers of an environment: its `Random`, or Rng.
template <class E>
struct RandomNumbers {
  using type = Rng;
};
template <class E>
requires requires { typename E::Random; }
struct RandomNumbers<E> {
  using type = typename E::Random;
};
template <class E>
using RandomOf = typename RandomNumbers<E>::type;

/// Where one observation is written: one pointer a leaf.
template <class Obs>
struct LeafPointers {
  using type = std::tuple<Obs*>;
};
template <class... Leaf>
struct LeafPointers<std::tuple<Leaf...>> {
  using type = std::tuple<Leaf*...>;
};
template <class E>
using ObsPointers = typename LeafPointers<typename E::Obs>::type;

template <class E, class Pointers>
struct Observing;
template <class E, class... Pointer>
struct Observing<E, std::tuple<Pointer...>> {
  static constexpr bool value = requires(const E env, Pointer... leaf) { env.observe(leaf...); };
};

template <class E>
concept Environment = requires(E env, const E seen, const typename E::Options& options, typename E::Action action,
                               RandomOf<E>& rng) {
  E(options);
  { E::spec(options) } -> std::same_as<EnvSpec>;
  { env.reset(rng) } -> std::same_as<void>;
  { env.step(action, rng) } -> std::same_as<StepResult>;
}
&&std::movable<E>&& Observing<E, ObsPointers<E>>::value;

template <class E>
concept Drawable = requires(const E env, Canvas& canvas) {
  env.draw(canvas);
};
template <class E>
concept Visitable = requires(E env, Archive& archive) {
  env.visit(archive);
};
template <class E>
concept Masked = requires(const E env, std::uint8_t* legal) {
  env.action_mask(legal);
};
template <class E>
concept Regretful = requires(const E env) {
  { env.regret() } -> std::same_as<double>;
};
template <class E>
concept Batched = requires(std::span<E> envs, const typename E::Action* actions, std::span<RandomOf<E>> rngs,
                           StepResult* results) {
  { E::step_batch(envs, actions, rngs, results) } -> std::same_as<void>;
};
template <class E>
concept Tabular = requires(const typename E::Options& options) {
  { E::model(options) } -> std::same_as<TabularModel>;
};

/// Environments a thread takes at once: enough that claiming them is cheap, few enough that threads balance.
template <class E>
constexpr std::size_t block_size() {
  if constexpr (requires { E::kBlock; })
    return E::kBlock;
  else
    return kMaxBatch;
}

/// What E says of itself, and what core sees of it.
template <Environment E>
EnvSpec spec_of(const typename E::Options& options) {
  EnvSpec spec = E::spec(options);
  spec.masks_actions = Masked<E>;
  return spec;
}

}  // namespace corvid
