#include "core/nn/mlp.h"

#include <cmath>

#include "core/base/check.h"
#include "core/base/fields.h"

namespace corvid {

Activation parse_activation(std::string_view name) {
  if (name == "tanh") return Activation::kTanh;
  if (name == "relu") return Activation::kRelu;
  if (name == "silu") return Activation::kSilu;
  fail(ErrorKind::kUsage, "unknown activation '", name, "'", suggestion(name, {"tanh", "relu", "silu"}));
}

at::Tensor orthogonal(std::int64_t rows, std::int64_t columns, double gain, Rng& rng) {
  // Gram-Schmidt on the shorter side, twice, in double: no LAPACK, so the same bits everywhere.
  const std::int64_t count = std::min(rows, columns), length = std::max(rows, columns);
  std::vector<std::vector<double>> basis(static_cast<std::size_t>(count),
                                         std::vector<double>(static_cast<std::size_t>(length)));
  for (std::size_t i = 0; i < basis.size(); ++i) {
    std::vector<double>& v = basis[i];
    for (double& value : v) value = rng.standard_normal();
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t j = 0; j < i; ++j) {
        double dot = 0;
        for (std::size_t k = 0; k < v.size(); ++k) dot += v[k] * basis[j][k];
        for (std::size_t k = 0; k < v.size(); ++k) v[k] -= dot * basis[j][k];
      }
    }
    double norm = 0;
    for (double value : v) norm += value * value;
    norm = std::sqrt(norm);
    for (double& value : v) value /= norm;
  }

  at::Tensor matrix = at::empty({rows, columns}, at::kFloat);
  float* out = matrix.data_ptr<float>();
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) {
      const double value = rows <= columns ? basis[static_cast<std::size_t>(r)][static_cast<std::size_t>(c)]
                                           : basis[static_cast<std::size_t>(c)][static_cast<std::size_t>(r)];
      out[r * columns + c] = static_cast<float>(gain * value);
    }
  }
  return matrix;
}

Mlp::Mlp(std::int64_t inputs, const std::vector<std::int64_t>& hidden, std::int64_t outputs, Activation activation,
         double output_gain, Rng& rng)
    : activation_(activation) {
  for (std::int64_t width : hidden) {
    layers_.push_back({orthogonal(width, inputs, std::sqrt(2.0), rng), at::zeros({width})});
    inputs = width;
  }
  layers_.push_back({orthogonal(outputs, inputs, output_gain, rng), at::zeros({outputs})});
}

at::Tensor Mlp::forward(at::Tensor x) const {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    x = at::linear(x, layers_[i].weight, layers_[i].bias);
    if (i + 1 == layers_.size()) break;
    switch (activation_) {
      case Activation::kTanh: x = at::tanh(x); break;
      case Activation::kRelu: x = at::relu(x); break;
      case Activation::kSilu: x = at::silu(x); break;
    }
  }
  return x;
}

std::vector<at::Tensor> Mlp::parameters() const {
  std::vector<at::Tensor> result;
  for (const Linear& layer : layers_) {
    result.push_back(layer.weight);
    result.push_back(layer.bias);
  }
  return result;
}

}  // namespace corvid
