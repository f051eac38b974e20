// Gradients of policy-gradient objectives: one function for every agent with an actor and a critic.
//
// With fully connected networks on the CPU, forward pass, losses and backward pass run as kernels on plain memory, the actor
// beside the critic and large batches in slices, on as many threads as there are. Otherwise LibTorch's autograd does the
// same. Slices depend on the batch alone, so results do not depend on the number of threads.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/base/archive.h"
#include "core/base/split_choice.h"
#include "core/learn/loss_kernels.h"
#include "core/nn/actor_critic.h"

namespace corvid {

/// L = L_policy + vf_coef L_value - ent_coef H, means over the batch.
struct PolicyObjective {
  PolicyLoss loss = PolicyLoss::kClippedSurrogate;
  double clip_range = 0.2;
  double clip_range_vf = 0;  // 0: values are not clipped
  double vf_coef = 0.5;
  double ent_coef = 0;
  bool normalize_advantage = true;
};

/// What a rollout offers to learn from, B transitions.
struct PolicyBatch {
  at::Tensor features;      // [B, F]
  at::Tensor actions;       // [B, A]
  at::Tensor old_log_prob;  // [B]
  at::Tensor old_value;     // [B]
  at::Tensor advantage;     // [B]
  at::Tensor returns;       // [B]
};

/// Means over minibatches.
struct PolicyMeans {
  double policy_loss = 0, value_loss = 0, entropy = 0, approx_kl = 0, clip_fraction = 0;
};

class PolicyLearner {
 public:
  PolicyLearner(ActorCritic& networks, const Compute& compute);
  ~PolicyLearner();

  /// Writes the gradient of the objective, over `rows` of the batch or all of it when empty, into the parameters of the
  /// networks, and remembers the losses.
  void gradient(const PolicyBatch& batch, std::span<const std::int64_t> rows, const PolicyObjective& objective);

  /// mean((rho - 1) - log rho) of the last gradient; waits for a GPU.
  double last_approx_kl() const;

  /// Gradients taken since `take_means`.
  std::int64_t num_gradients() const { return num_gradients_; }

  /// Means over the gradients since the last call; waits for a GPU.
  PolicyMeans take_means();

  void visit(Archive& archive);

 private:
  struct Task;

  void with_kernels(const PolicyBatch& batch, std::span<const std::int64_t> rows, const PolicyObjective& objective);
  void with_autograd(const PolicyBatch& batch, const PolicyObjective& objective);

  ActorCritic& networks_;
  Compute compute_;
  std::vector<std::unique_ptr<Task>> tasks_;  // slice by slice, the actor's and the critic's
  SplitChoice choice_;
  at::Tensor sums_, last_;  // [5] doubles on the device, in the order of PolicyMeans
  std::int64_t num_gradients_ = 0;
};

}  // namespace corvid
