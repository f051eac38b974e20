// Runs a network over any number of rows, in chunks that stay in a core's cache, on as many threads as pay.
#pragma once

#include <memory>
#include <vector>

#include "core/base/split_choice.h"
#include "core/nn/compute.h"
#include "core/nn/fused_mlp.h"

namespace corvid {

class Inference {
 public:
  explicit Inference(std::shared_ptr<ThreadPool> pool) : pool_(std::move(pool)) {}

  /// Writes outputs [n, outputs] for x [n, inputs]. `parameters` are those of `mlp`.
  void run(const FusedMlp& mlp, const float* parameters, const float* x, std::int64_t n, float* outputs);

 private:
  std::shared_ptr<ThreadPool> pool_;
  std::vector<std::unique_ptr<FusedMlp::Workspace>> work_;  // one a slice of the rows
  SplitChoice choice_;
};

/// The same through LibTorch: `forward` gets chunks [rows, inputs] on the device and gives [rows, outputs].
template <class Forward>
void infer_with_torch(const at::Device& device, const float* x, std::int64_t n, std::int64_t inputs,
                      std::int64_t outputs, float* y, Forward&& forward) {
  constexpr std::int64_t kMostRows = 1 << 16;  // at once, since LibTorch keeps a tensor a layer of them
  at::NoGradGuard no_grad;
  for (std::int64_t first = 0; first < n; first += kMostRows) {
    const std::int64_t count = std::min(kMostRows, n - first);
    // from_blob does not own or write the memory; on the CPU this is a view.
    const at::Tensor rows = at::from_blob(const_cast<float*>(x) + first * inputs, {count, inputs}, at::kFloat);
    const at::Tensor result = at::Tensor(forward(rows.to(device))).cpu().contiguous();
    std::copy_n(result.const_data_ptr<float>(), count * outputs, y + first * outputs);
  }
}

/// Throws Error when one of the n numbers a network gave is not finite.
void check_finite(const float* outputs, std::int64_t n);

}  // namespace corvid
