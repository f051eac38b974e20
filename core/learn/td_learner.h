// A network that gives a value to every discrete action: its values, and the gradient of its temporal-difference loss.
//
// On the CPU both run as kernels on plain memory, in slices that threads share; otherwise LibTorch does the same. Slices
// depend on the number of rows alone, so results do not depend on the number of threads.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/base/archive.h"
#include "core/base/split_choice.h"
#include "core/nn/compute.h"
#include "core/nn/mlp.h"
#include "core/nn/parameters.h"

namespace corvid {

/// B transitions to learn from, on the device.
struct TdBatch {
  at::Tensor features;  // [B, F]
  at::Tensor actions;   // [B, 1] int64, counted from 0
  at::Tensor targets;   // [B]
};

/// Means over minibatches.
struct TdMeans {
  double loss = 0, q_value = 0;  // q_value: of the actions taken
};

class TdLearner {
 public:
  /// Both must outlive the learner; the parameters of `network` lie in `parameters`.
  TdLearner(const Mlp& network, Parameters& parameters, const Compute& compute);
  ~TdLearner();

  /// Q(s, a) [n, A] for features [n, F], on the host.
  void infer(const float* features, std::int64_t n, float* q);

  /// Writes the gradient of mean((Q(s, a) - target)^2 / 2), over `rows` of the batch or all of it when empty, into the
  /// network's part of the parameters' gradient, and remembers the loss.
  void gradient(const TdBatch& batch, std::span<const std::int64_t> rows);

  /// Gradients taken since `take_means`.
  std::int64_t num_gradients() const { return num_gradients_; }

  /// Means over the gradients since the last call; waits for a GPU.
  TdMeans take_means();

  void visit(Archive& archive);

 private:
  struct Task;

  void infer_with_libtorch(const float* features, std::int64_t n, float* q) const;
  void with_kernels(const TdBatch& batch, std::span<const std::int64_t> rows);
  void with_autograd(const TdBatch& batch);
  void make_tasks(std::int64_t num_slices);
  /// The part of a slice: rows [first, last) of the batch, or of `index`. Writes the gradient.
  void run_slice(const TdBatch& batch, const std::int64_t* index, std::int64_t first, std::int64_t last, float scale,
                 Task& task, float* gradient) const;

  const Mlp& network_;
  Parameters& parameters_;
  Compute compute_;
  std::vector<std::unique_ptr<Task>> tasks_;  // one a slice
  SplitChoice gradient_choice_, infer_choice_;
  at::Tensor sums_;  // [2] doubles on the device, in the order of TdMeans
  std::int64_t num_gradients_ = 0;
};

}  // namespace corvid
