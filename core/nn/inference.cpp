#include "core/nn/inference.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"

namespace corvid {

void Inference::run(const FusedMlp& mlp, const float* parameters, const float* x, std::int64_t n, float* outputs) {
  constexpr std::int64_t kChunk = 256, kMostSlices = 8;
  const std::int64_t inputs = mlp.shape().inputs, width = mlp.shape().outputs;
  const std::int64_t rows = std::min(n, kChunk), num_chunks = (n + kChunk - 1) / kChunk;
  const std::int64_t num_slices = std::min(num_chunks, kMostSlices);
  if (!work_.empty() && work_.front()->rows() < rows) work_.clear();
  while (static_cast<std::int64_t>(work_.size()) < num_slices)
    work_.push_back(std::make_unique<FusedMlp::Workspace>(mlp, rows));
  auto run = [&](int slice) {
    for (std::int64_t chunk = slice; chunk < num_chunks; chunk += num_slices) {
      const std::int64_t first = chunk * kChunk;
      mlp.infer(parameters, x + first * inputs, std::min(kChunk, n - first), outputs + first * width,
                *work_[static_cast<std::size_t>(slice)]);
    }
  };
  choice_.run(pool_.get(), static_cast<int>(num_slices), run);
}

void check_finite(const float* outputs, std::int64_t n) {
  double sum = 0;
  for (std::int64_t k = 0; k < n; ++k) sum += outputs[k];
  if (std::isfinite(sum)) return;
  fail(ErrorKind::kFailed,
       "a network gave NaN or infinity: training diverged; lower learning_rate or max_grad_norm, or look for "
       "unbounded observations or rewards");
}

}  // namespace corvid
