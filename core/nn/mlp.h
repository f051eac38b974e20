// Fully connected networks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/rng.h"
#include "core/nn/fused_mlp.h"
#include "core/nn/torch.h"

namespace corvid {

/// "tanh", "relu", "silu"; throws Error for another name.
Activation parse_activation(std::string_view name);

at::Tensor activated(const at::Tensor& x, Activation activation);

/// A matrix [rows, columns] with orthonormal rows or columns, whichever are fewer, times `gain` (Saxe et al. 2014).
at::Tensor orthogonal(std::int64_t rows, std::int64_t columns, double gain, Rng& rng);

/// inputs -> hidden ... -> outputs, the activation between, none at the end. Weights are orthogonal with gain sqrt(2),
/// `output_gain` in the last layer; biases 0. With `layer_norm` the sums of each hidden layer are normalised before the
/// activation (Ba et al. 2016), with a learned gain, first 1, and shift, first 0. Weights are stored [inputs, outputs]
/// and seen as their transposes, as LibTorch wants them.
class Mlp {
 public:
  Mlp() = default;
  Mlp(std::int64_t inputs, const std::vector<std::int64_t>& hidden, std::int64_t outputs, Activation activation,
      double output_gain, Rng& rng, bool layer_norm = false);

  /// [..., inputs] -> [..., outputs]. After `fuse` one node of the tape does the whole network, forward and backward.
  at::Tensor forward(at::Tensor x) const;

  /// Handles of weight and bias, and where there is one of gain and shift, of each layer, in order.
  std::vector<at::Tensor> parameters() const;

  /// Turns to Corvid's kernels, once the parameters lie in the flat memory of a Parameters, on the CPU.
  void fuse();

  /// Null before `fuse`.
  const FusedMlp* fused() const { return fused_.get(); }

  /// The first of this network's parameters in flat memory; [fused()->num_parameters()] after `fuse`.
  float* data() const { return layers_.front().weight.data_ptr<float>(); }

  std::int64_t inputs() const { return shape_.inputs; }
  std::int64_t outputs() const { return shape_.outputs; }
  const MlpShape& shape() const { return shape_; }

 private:
  at::Tensor forward_fused(const at::Tensor& x) const;

  struct Linear {
    at::Tensor weight;       // [outputs, inputs]
    at::Tensor bias;         // [outputs]
    at::Tensor gain, shift;  // [outputs]; undefined without layer normalisation
  };
  std::vector<Linear> layers_;
  MlpShape shape_;
  std::shared_ptr<const FusedMlp> fused_;
};

}  // namespace corvid
