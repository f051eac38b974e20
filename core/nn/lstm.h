// Long short-term memory (Hochreiter and Schmidhuber 1997), with forget gates (Gers et al. 2000).
#pragma once

#include <memory>
#include <vector>

#include "core/base/rng.h"
#include "core/nn/fused_lstm.h"
#include "core/nn/torch.h"

namespace corvid {

/// F inputs, H cells; sequences are [T, B, F], a state [B, 2 H] is the outputs h beside the cells c. Weights and biases
/// start uniformly within +-1 / sqrt(H), as LibTorch's; the forget gates' bias is 1 more (Jozefowicz et al. 2015,
/// section 2.2).
class Lstm {
 public:
  Lstm() = default;
  Lstm(std::int64_t inputs, std::int64_t hidden, Rng& rng);

  /// h [T, B, H] of every step. After `fuse` one node of the tape does all steps, forward and backward. The state is a
  /// constant.
  at::Tensor forward(const at::Tensor& x, const at::Tensor& state) const;

  /// The state after T steps, without a tape. Steps before first[b] are padding, which leaves the state of row b as it
  /// is; an undefined `first` [B] (int64, on the CPU): no padding.
  at::Tensor advance(const at::Tensor& x, const at::Tensor& first, const at::Tensor& state) const;

  /// Handles of the weight [4 H, F + H], stored transposed, and the bias [4 H].
  std::vector<at::Tensor> parameters() const { return {weight_, bias_}; }

  /// Turns to Corvid's kernels, once the parameters lie in the flat memory of a Parameters, on the CPU.
  void fuse();

  std::int64_t hidden() const { return bias_.size(0) / 4; }

 private:
  const float* data() const { return weight_.const_data_ptr<float>(); }
  /// LibTorch's layer: h [T, B, H] and the last state.
  std::pair<at::Tensor, at::Tensor> run(const at::Tensor& x, const at::Tensor& state) const;

  at::Tensor weight_, bias_;
  std::shared_ptr<const FusedLstm> fused_;
};

}  // namespace corvid
