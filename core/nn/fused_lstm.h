// An LSTM without a tape: explicit forward pass and backpropagation through time over flat parameters. No LibTorch;
// `Lstm` gives the same layer to LibTorch's autograd.
#pragma once

#include <cstdint>

#include "core/base/aligned.h"
#include "core/nn/kernels.h"

namespace corvid {

/// H cells with forget gates (Gers et al. 2000) over F inputs; sequences are [T, B, F]. Both products of a step are
/// one: weights [F + H, 4 H] times inputs beside the last outputs, gates in the order input, forget, candidate, output.
/// A row's state is its H outputs h, then its H cells c.
class FusedLstm {
 public:
  FusedLstm(std::int64_t inputs, std::int64_t hidden, const Kernels& kernels = corvid::kernels());

  std::int64_t inputs() const { return inputs_; }
  std::int64_t hidden() const { return hidden_; }
  std::int64_t num_parameters() const {
    return bias_ + 4 * hidden_;
  }  // floats, padding between weight and bias included

  /// What `backward` needs of a forward pass.
  class Workspace {
   public:
    /// h [T, B, H] of every step.
    const float* outputs() const { return outputs_.data(); }

   private:
    friend class FusedLstm;
    AlignedVector<float> x_and_h_, gates_, cells_,
        outputs_;  // [T + 1, B, F + H], [T, B, 4 H], [T + 1, B, H], [T, B, H]
  };

  /// Plays T steps of B rows from `state` [B, 2 H], which becomes the one after them; outputs are in `work`.
  void forward(const float* parameters, const float* x, std::int64_t steps, std::int64_t rows, float* state,
               Workspace& work) const;

  /// The state alone. Steps before `first[b]` are padding, which leaves the state of row b as it is; null: no padding.
  void advance(const float* parameters, const float* x, std::int64_t steps, std::int64_t rows,
               const std::int64_t* first, float* state) const;

  /// From derivatives `dh` [T, B, H] by the outputs to the gradient of the parameters, written, and, where `dx` is not
  /// null, of the inputs [T, B, F]; the first state is a constant. `parameters` and `work` are those of `forward`.
  void backward(const float* parameters, std::int64_t steps, std::int64_t rows, const float* dh, const Workspace& work,
                float* gradient, float* dx = nullptr) const;

 private:
  std::int64_t inputs_, hidden_, width_, bias_;  // width: F + H; bias: where it begins
  const Kernels& kernels_;
};

}  // namespace corvid
