// Storage of one rollout of T steps in N environments. It hands out its own rows for the environment to write into; the
// agent adds what it knows of each step (features, actions, values).
#pragma once

#include <cstdint>
#include <vector>

#include "core/env/vector_env.h"
#include "core/nn/torch.h"

namespace corvid {

class RolloutBuffer {
 public:
  /// `features` numbers a network input, actions of `action_size` numbers of `action_type`.
  RolloutBuffer(const EnvSpec& spec, std::int64_t steps, int num_envs, std::int64_t features, std::int64_t action_size,
                at::ScalarType action_type);

  std::int64_t steps() const { return steps_; }  // T
  std::int64_t num_envs() const { return n_; }   // N
  std::int64_t size() const { return t_; }       // steps filled
  bool full() const { return t_ == steps_; }

  /// The observations to act on now: row t.
  ObsView obs(std::int64_t t) const;
  ObsView obs() const { return obs(t_); }

  /// Where the next environment step goes: observations into row t + 1, the rest into row t.
  StepView sink() const;

  /// The last observation of the episode that ended in environment i in the step at hand.
  ObsView final_obs(std::int64_t i) const;

  // Rows of step t, written by the agent.
  float* features(std::int64_t t) { return row(features_, t); }        // [N, F], T + 1 rows
  void* actions(std::int64_t t);                                       // [N, A]
  float* values(std::int64_t t) { return row(values_, t); }            // [N], T + 1 rows
  float* log_probs(std::int64_t t) { return row(log_probs_, t); }      // [N]
  float* rewards(std::int64_t t) { return row(rewards_, t); }          // [N] as learned from, perhaps normalised
  float* next_values(std::int64_t t) { return row(next_values_, t); }  // [N]

  /// Step t is complete.
  void advance() { ++t_; }

  /// Keeps the last observations as the first of the next rollout.
  void clear();

  /// Fills discounts, traces and next values and computes advantages and returns (core/learn/returns.h). Values of row
  /// T and next values where episodes were truncated must have been written before.
  void compute_advantages(double gamma, double gae_lambda);

  /// The same for lambda-returns, which need no advantages.
  void compute_lambda_returns(double gamma, double lambda);

  // The filled rollout, flattened: [T * N, ...] views of the storage.
  at::Tensor flat_features() const { return features_.narrow(0, 0, t_).view({t_ * n_, -1}); }
  at::Tensor flat_actions() const { return actions_.narrow(0, 0, t_).view({t_ * n_, -1}); }
  at::Tensor flat_values() const { return flat(values_); }
  at::Tensor flat_log_probs() const { return flat(log_probs_); }
  at::Tensor flat_advantages() const { return flat(advantages_); }
  at::Tensor flat_returns() const { return flat(returns_); }

  void visit(Archive& archive);

 private:
  void fill_successors(double gamma, double lambda);  // discounts, traces and next values
  std::size_t mask_bytes() const { return static_cast<std::size_t>(n_ * num_masked_); }
  static float* row(at::Tensor& tensor, std::int64_t t) { return tensor.data_ptr<float>() + t * tensor.stride(0); }
  at::Tensor flat(const at::Tensor& tensor) const { return tensor.narrow(0, 0, t_).view({t_ * n_}); }

  std::int64_t steps_, n_;
  std::int64_t t_ = 0;
  std::vector<std::vector<std::byte>> leaves_;        // raw observations [T + 1, N, ...], one a leaf
  std::vector<std::vector<std::byte>> final_leaves_;  // [N, ...] of the step at hand
  std::vector<std::size_t> leaf_bytes_;               // bytes of N observations of a leaf
  std::int64_t num_masked_ = 0;                       // actions that masks tell of; 0: all are always legal
  std::vector<std::uint8_t> masks_, final_masks_;     // [T + 1, N, num_masked], [N, num_masked] as the leaves
  std::vector<double> raw_rewards_;                   // [T, N]
  std::vector<std::uint8_t> terminated_, truncated_;  // [T, N]
  at::Tensor features_, actions_, values_, log_probs_, rewards_, next_values_, discounts_, traces_, advantages_,
      returns_;
};

}  // namespace corvid
