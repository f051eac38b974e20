// All parameters of an agent in one flat tensor, their gradients in another.
//
// Each parameter stays a leaf tensor of its own for autograd, but its storage and its gradient are views into the flat
// ones: one norm, one optimizer step, one copy and one checkpoint block serve the whole agent. Every parameter begins on a
// line of 64 bytes; the numbers between are 0 and stay 0.
#pragma once

#include <span>
#include <vector>

#include "core/base/archive.h"
#include "core/nn/fused_mlp.h"
#include "core/nn/torch.h"

namespace corvid {

class Parameters {
 public:
  Parameters() = default;

  /// Moves `tensors` into one flat tensor (their values and strides are kept) and turns gradients on. The tensors passed in
  /// remain valid handles of the moved parameters. With `on_kernels` optimizers use Corvid's kernels on the CPU.
  explicit Parameters(std::vector<at::Tensor> tensors, bool on_kernels = true);

  const at::Tensor& flat() const { return flat_; }          // [P] float32
  const at::Tensor& gradient() const { return gradient_; }  // [P] float32
  std::int64_t size() const { return flat_.numel(); }       // P, padding included

  bool on_kernels() const { return on_kernels_; }

  void zero_grad() { gradient_.zero_(); }

  /// Scales the gradient so that its Euclidean norm is at most `max_norm` (Pascanu et al. 2013); never synchronises.
  void clip_grad_norm(double max_norm);

  void visit(Archive& archive);

 private:
  std::vector<at::Tensor> tensors_;
  at::Tensor flat_, gradient_;
  bool on_kernels_ = false;
};

/// Reads or writes a tensor in place; on another device through a copy.
void visit_tensor(Archive& archive, std::string_view name, at::Tensor& tensor);

}  // namespace corvid
