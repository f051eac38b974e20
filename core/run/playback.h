// One episode, played by a policy or a person, and looked at from any of its steps.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/env/vector_env.h"
#include "core/nn/policy.h"

namespace corvid {

/// Going back plays the same actions from the same seed again, so it needs nothing of the environment.
class Playback {
 public:
  /// What is known of a step of the episode.
  struct Moment {
    Insight insight;                // the policy's, of the observation at this step; empty without a policy
    std::vector<std::byte> action;  // taken here, as the environment takes it; empty at the newest step
    double reward = 0;              // of that action
    double return_before = 0;       // sum of the rewards so far
    bool ended = false;             // no action is possible here
    bool terminated = false;        // where it ended: by the rules of the game, not a limit
  };

  /// `env` holds one environment, made with AutoReset::kDisabled; it and `policy`, which may be null, must outlive the
  /// playback. Begins an episode.
  Playback(VectorEnv& env, Policy* policy, std::uint64_t seed, bool deterministic = true);

  /// Another episode.
  void begin(std::uint64_t seed);

  /// One step: the one that is known, or else the policy's. False where the episode has ended, or nobody acts.
  bool step();

  /// One step with this action, of the environment's action space; what came after this step is forgotten.
  bool step(std::span<const std::byte> action);

  /// To step `time` of those known, 0 to newest().
  void go_to(std::int64_t time);

  /// Somebody else asked the policy in between: before its next action here it lives through the episode once more.
  void policy_acted_elsewhere() { stale_ = true; }

  /// For all steps that have not been played yet.
  void set_deterministic(bool deterministic);
  bool deterministic() const { return deterministic_; }

  std::uint64_t seed() const { return seed_; }
  std::int64_t time() const { return time_; }
  std::int64_t newest() const { return static_cast<std::int64_t>(moments_.size()) - 1; }
  const Moment& now() const { return moments_[static_cast<std::size_t>(time_)]; }
  const Moment& at(std::int64_t time) const { return moments_[static_cast<std::size_t>(time)]; }

  /// The action of this step, or the one the policy is about to take; empty where there is none.
  std::span<const std::byte> action() const { return time_ < newest() ? std::span(now().action) : next_action_; }

  /// The observation at this step, one row a leaf.
  const ObsView& obs() const { return buffer_.view().obs; }
  const VectorEnv& env() const { return env_; }

 private:
  void play(std::span<const std::byte> action);
  void append(std::vector<std::byte> action);
  void think();
  void relive();

  VectorEnv& env_;
  Policy* policy_;
  StepBuffer buffer_;
  Rng rng_;
  std::uint64_t seed_ = 0;
  bool deterministic_;
  bool stale_ = false;  // the policy remembers something else than the steps so far
  std::int64_t time_ = 0;
  std::vector<Moment> moments_;
  std::vector<std::byte> next_action_;  // the policy's, at the newest step; empty: it has not been asked
};

}  // namespace corvid
