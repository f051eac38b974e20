// Gradients of value-function objectives: one function for every agent that regresses Q(s, a), or its distribution, on
// targets from a second network.
//
// With fully connected networks on the CPU, both networks, targets, losses and the backward pass run as kernels on
// plain memory, slices of the batch on as many threads as there are. Otherwise LibTorch's autograd does the same.
// Slices depend on the batch alone, so results do not depend on the number of threads.
#pragma once

#include <memory>
#include <vector>

#include "core/base/archive.h"
#include "core/base/split_choice.h"
#include "core/nn/q_network.h"

namespace corvid {

enum class ValueLoss : std::uint8_t {
  kTd,           // Q-values; squared or Huber's loss of the TD error
  kCategorical,  // logits of K atoms; cross-entropy
  kQuantile,     // K quantiles; quantile Huber loss
};

struct ValueObjective {
  ValueLoss loss = ValueLoss::kTd;
  bool double_q = false;  // the online network chooses the next action, the target network judges it
  double delta = 1;       // where Huber's loss turns linear; 0: squared loss
  double kappa = 1;       // the same for quantiles
  double v_min = -10, v_max = 10;

  // Munchausen (kTd only): soft values, and a part of log pi(a | s) in the reward.
  bool munchausen = false;
  double alpha = 0.9, temperature = 0.03, log_policy_low = -1;
};

/// B transitions on the host.
struct TransitionBatch {
  std::int64_t size = 0;
  const float *features = nullptr, *next_features = nullptr;  // [B, F]
  const std::int64_t* actions = nullptr;                      // [B], from 0 on
  const float *rewards = nullptr,
              *discounts = nullptr;  // [B]; discounts are gamma^n, or 0 where the episode terminated
  const float* weights = nullptr;    // [B] of the losses; null: 1
  const float* targets = nullptr;    // [B] of Q(s, a), for kTd; null: made from rewards and the target network
  const std::uint8_t *legal = nullptr, *next_legal = nullptr;  // [B, A] masks; null: all legal
};

/// The same as tensors on a device; what is null there is undefined here.
struct ValueTensors {
  at::Tensor features, next_features;   // [B, F]
  at::Tensor action;                    // [B] int64
  at::Tensor reward, discount, weight;  // [B]
  at::Tensor legal, next_legal;         // [B, A] uint8
  at::Tensor target;                    // [B]
};
ValueTensors to_tensors(const TransitionBatch& batch, std::int64_t num_inputs, std::int64_t num_actions,
                        const at::Device& device);

/// Means over batches since they were taken last.
struct ValueMeans {
  double loss = 0, q_value = 0;  // q_value: Q(s, a) of the actions taken
};

class ValueLearner {
 public:
  ValueLearner(QNetwork& online, QNetwork& target, const Compute& compute);
  ~ValueLearner();

  /// Writes the gradient of the objective, a mean over the batch, into the parameters of the online network.
  void gradient(const TransitionBatch& batch, const ValueObjective& objective);

  /// What priorities are made of, [B] of the last batch: |TD error|, or the loss of a distribution. Waits for a GPU.
  const float* errors();

  std::int64_t num_gradients() const { return num_gradients_; }  // since `take_means`
  ValueMeans take_means();                                       // waits for a GPU

  void visit(Archive& archive);

 private:
  struct Task;

  void with_kernels(const TransitionBatch& batch, const ValueObjective& objective);
  void add_sums(std::int64_t n, std::int64_t num_slices);
  void with_autograd(const ValueTensors& batch, const ValueObjective& objective);
  at::Tensor make_target(const ValueTensors& batch, const ValueObjective& objective);

  QNetwork &online_, &target_;
  Compute compute_;
  std::vector<std::unique_ptr<Task>> tasks_;  // one a slice
  SplitChoice choice_;
  std::vector<float> host_errors_;
  at::Tensor errors_;  // [B] on the device, of the autograd path
  at::Tensor sums_;    // [2] doubles on the device, in the order of ValueMeans
  std::int64_t num_gradients_ = 0;
};

/// Mean over the K numbers of every action: Q(s, a) from probabilities of atoms, [rows, A] from [rows, A, K].
void expected_values(const float* outputs, std::int64_t rows, std::int64_t num_actions, std::int64_t num_outputs,
                     const ValueObjective& objective, float* q);

}  // namespace corvid
