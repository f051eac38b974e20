#include "core/nn/mlp.h"

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>

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

at::Tensor activated(const at::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::kTanh: return at::tanh(x);
    case Activation::kRelu: return at::relu(x);
    case Activation::kSilu: return at::silu(x);
    case Activation::kNone: break;
  }
  return x;
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
         double output_gain, Rng& rng, bool layer_norm)
    : shape_{inputs, hidden, outputs, activation, layer_norm} {
  auto add_layer = [&](std::int64_t width, double gain) {
    layers_.push_back({orthogonal(width, inputs, gain, rng).t().contiguous().t(), at::zeros({width}), {}, {}});
    inputs = width;
  };
  for (std::int64_t width : hidden) {
    add_layer(width, std::sqrt(2.0));
    if (layer_norm) {
      layers_.back().gain = at::ones({width});
      layers_.back().shift = at::zeros({width});
    }
  }
  add_layer(outputs, output_gain);
}

void Mlp::fuse() {
  auto fused = std::make_shared<FusedMlp>(shape_);
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const auto& [weight, bias, gain, shift] = layers_[l];
    const FusedMlp::Layer& place = fused->layers()[l];
    auto lies_at = [&](const at::Tensor& parameter, std::int64_t offset) {
      return parameter.data_ptr<float>() == data() + offset;
    };
    CORVID_CHECK(weight.device().is_cpu() && weight.t().is_contiguous() && lies_at(weight, place.weight) &&
                     lies_at(bias, place.bias) &&
                     (place.gain < 0 || (lies_at(gain, place.gain) && lies_at(shift, place.shift))),
                 "a network is fused after its parameters have moved into flat memory on the CPU");
  }
  fused_ = std::move(fused);
}

namespace {

namespace ag = torch::autograd;

/// The tape's entry for a whole network. Its inputs are x, then the parameters of each layer.
struct FusedPass final : ag::Node {
  FusedPass(std::shared_ptr<const FusedMlp> network, float* first_parameter, at::Tensor input)
      : mlp(std::move(network)), parameters(first_parameter), x(std::move(input)), work(*mlp, x.size(0)) {}

  ag::variable_list apply(ag::variable_list&& dy) override {
    if (at::GradMode::is_enabled())
      fail(ErrorKind::kUsage, "fused networks have no second derivatives; networks without kernels (--fused off) do");
    const std::int64_t rows = x.size(0), outputs = mlp->shape().outputs;
    const at::Tensor given = dy[0].contiguous();
    kernels().transpose(rows, outputs, given.const_data_ptr<float>(), outputs, work.output_gradients(), work.stride());
    const at::Tensor gradient = at::zeros({mlp->num_parameters()});
    const at::Tensor dx = task_should_compute_output(0) ? at::empty_like(x) : at::Tensor();
    mlp->backward(parameters, x.const_data_ptr<float>(), rows, work, false, gradient.data_ptr<float>(),
                  dx.defined() ? dx.data_ptr<float>() : nullptr);
    ag::variable_list result = {dx};
    for (const FusedMlp::Layer& layer : mlp->layers()) {
      result.push_back(gradient.as_strided({layer.outputs, layer.inputs}, {1, layer.outputs}, layer.weight));
      for (const std::int64_t place : {layer.bias, layer.gain, layer.shift}) {
        if (place >= 0) result.push_back(gradient.as_strided({layer.outputs}, {1}, place));
      }
    }
    return result;
  }

  std::shared_ptr<const FusedMlp> mlp;
  float* parameters;
  at::Tensor x;
  FusedMlp::Workspace work;
};

}  // namespace

at::Tensor Mlp::forward_fused(const at::Tensor& given) const {
  CORVID_CHECK(
      given.is_cpu() && given.scalar_type() == at::kFloat && given.dim() > 0 && given.size(-1) == shape_.inputs,
      "a fused network takes float32 [..., inputs] on the CPU");
  std::vector<std::int64_t> sizes = given.sizes().vec();
  sizes.back() = shape_.outputs;
  const at::Tensor x = given.reshape({-1, shape_.inputs}).contiguous();
  const std::int64_t rows = x.size(0), outputs = shape_.outputs;
  at::Tensor y = at::empty({rows, outputs});
  if (!at::GradMode::is_enabled()) {
    FusedMlp::Workspace work(*fused_, rows);
    fused_->infer(data(), x.const_data_ptr<float>(), rows, y.data_ptr<float>(), work);
    return y.view(sizes);
  }
  const auto pass = c10::make_intrusive<FusedPass>(fused_, data(), x.detach());
  fused_->forward(data(), x.const_data_ptr<float>(), rows, pass->work);
  kernels().transpose(outputs, rows, pass->work.outputs(), pass->work.stride(), y.data_ptr<float>(), outputs);
  ag::variable_list inputs = {x};
  for (const at::Tensor& parameter : parameters()) inputs.push_back(parameter);
  pass->set_next_edges(ag::collect_next_edges(inputs));
  ag::set_history(y, pass);
  return y.view(sizes);
}

at::Tensor Mlp::forward(at::Tensor x) const {
  if (fused_) return forward_fused(x);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const auto& [weight, bias, gain, shift] = layers_[i];
    x = at::linear(x, weight, bias);
    if (i + 1 == layers_.size()) break;
    if (gain.defined()) x = at::layer_norm(x, gain.sizes(), gain, shift, kLayerNormEps);
    x = activated(x, shape_.activation);
  }
  return x;
}

std::vector<at::Tensor> Mlp::parameters() const {
  std::vector<at::Tensor> result;
  for (const Linear& layer : layers_) {
    for (const at::Tensor& parameter : {layer.weight, layer.bias, layer.gain, layer.shift}) {
      if (parameter.defined()) result.push_back(parameter);
    }
  }
  return result;
}

}  // namespace corvid
