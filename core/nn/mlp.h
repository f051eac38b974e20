// Fully connected networks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/rng.h"
#include "core/nn/torch.h"

namespace corvid {

enum class Activation : std::uint8_t { kTanh, kRelu, kSilu };

/// "tanh", "relu", "silu"; throws Error for another name.
Activation parse_activation(std::string_view name);

/// A matrix [rows, columns] with orthonormal rows or columns, whichever are fewer, times `gain` (Saxe et al. 2014).
at::Tensor orthogonal(std::int64_t rows, std::int64_t columns, double gain, Rng& rng);

/// inputs -> hidden ... -> outputs, the activation between, none at the end. Weights are orthogonal with gain sqrt(2),
/// `output_gain` in the last layer; biases 0.
class Mlp {
 public:
  Mlp() = default;
  Mlp(std::int64_t inputs, const std::vector<std::int64_t>& hidden, std::int64_t outputs, Activation activation,
      double output_gain, Rng& rng);

  at::Tensor forward(at::Tensor x) const;  // [B, inputs] -> [B, outputs]

  /// Handles of weight and bias of each layer, in order.
  std::vector<at::Tensor> parameters() const;

  std::int64_t outputs() const { return layers_.back().weight.size(0); }

 private:
  struct Linear {
    at::Tensor weight;  // [outputs, inputs]
    at::Tensor bias;    // [outputs]
  };
  std::vector<Linear> layers_;
  Activation activation_ = Activation::kTanh;
};

}  // namespace corvid
