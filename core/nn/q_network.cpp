#include "core/nn/q_network.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"

namespace corvid {

Fields fields(QNetworkConfig& c) {
  return {
      Field("net_arch", &c.net_arch,
            "widths of the hidden layers; [] takes 120, 84, and 128 or 512 behind convolutions")
          .at_least(1),
      Field("activation", &c.activation, "between the layers").one_of({"tanh", "relu", "silu"}),
      Field("layer_norm", &c.layer_norm, "normalise the sums of each hidden layer before the activation"),
      Field("dueling", &c.dueling, "a stream for the state's value beside the advantages"),
      Field("noisy", &c.noisy, "learned noise on the weights explores instead of epsilon"),
      Field("noisy_std", &c.noisy_std, "first standard deviation of that noise, over the root of a layer's inputs")
          .at_least(0),
      Field("frame_stack", &c.frame_stack, "observations seen at once").between(1, 64),
      Field("normalize_observations", &c.normalize_observations, "scale observations by their running mean and std")
          .alias("norm_obs"),
      Field("clip_observations", &c.clip_observations, "bound of scaled observations").more_than(0).alias("clip_obs"),
  };
}

void check_discrete_actions(const EnvSpec& spec, std::string_view agent) {
  if (spec.action.kind == Space::Kind::kDiscrete) return;
  fail(ErrorKind::kUsage, agent, " chooses among discrete actions, and the actions here are ", spec.action.to_string(),
       "; ppo and a2c learn continuous ones");
}

std::vector<std::int64_t> hidden_layers(const QNetworkConfig& config, const std::optional<ConvBody>& body) {
  if (!config.net_arch.empty()) return config.net_arch;
  if (!body) return {120, 84};
  return {body->is_large() ? 512 : 128};
}

namespace {

/// sign(x) sqrt(|x|) of a standard normal x (Fortunato et al. 2018, section 3.2).
float scaled_normal(Rng& rng) {
  const double x = rng.standard_normal();
  return static_cast<float>(std::copysign(std::sqrt(std::abs(x)), x));
}

}  // namespace

QNetwork::QNetwork(const EnvSpec& spec, const QNetworkConfig& config, std::int64_t num_outputs, const Compute& compute,
                   Rng& rng)
    : compute_(compute),
      num_actions_(spec.action.n),
      num_outputs_(num_outputs),
      dueling_(config.dueling),
      noisy_(config.noisy),
      inference_(compute.pool) {
  num_inputs_ = config.frame_stack * Encoder(spec.observation, false).size();
  const auto image = image_shape(spec.observation, config.normalize_observations);
  if (image) body_.emplace(*image, config.frame_stack, rng);
  const std::int64_t width = body_ ? body_->size() : num_inputs_;
  mlp_ = Mlp(width, hidden_layers(config, body_), (num_actions_ + dueling_) * num_outputs,
             parse_activation(config.activation), 1.0, rng, config.layer_norm);
  std::vector<at::Tensor> tensors = body_ ? body_->parameters() : std::vector<at::Tensor>();
  const std::size_t first_layer = tensors.size();
  for (const at::Tensor& tensor : mlp_.parameters()) tensors.push_back(tensor);

  // sigma starts at noisy_std / sqrt(inputs), and is 0 where no noise goes.
  std::vector<double> stds(tensors.size(), 0.0);
  std::int64_t inputs = 0;
  for (std::size_t k = first_layer; k < tensors.size(); ++k) {
    if (tensors[k].dim() == 2) inputs = tensors[k].size(1);
    const bool is_bias = tensors[k].dim() == 1 && tensors[k - 1].dim() == 2;
    if (tensors[k].dim() == 1 && !is_bias) continue;  // gain or shift
    if (!config.layer_norm) fill_uniform(tensors[k], inputs, rng);
    stds[k] = config.noisy_std / std::sqrt(static_cast<double>(inputs));
  }
  std::vector<std::int64_t> sizes;
  for (at::Tensor& tensor : tensors) {
    sizes.push_back(tensor.numel());
    tensor.set_data(tensor.to(compute.device));
  }
  for (std::size_t k = 0; k < first_layer; ++k) mlp_offset_ += padded(sizes[k]);
  places_ = FusedMlp(mlp_.shape()).layers();
  effective_ = Parameters(std::move(tensors), compute.on_kernels());
  if (compute.on_kernels()) mlp_.fuse();
  if (!noisy_) return;

  mu_ = effective_.flat().clone();
  sigma_ = at::zeros_like(mu_);
  noise_ = at::zeros_like(mu_);
  std::int64_t offset = 0;
  for (std::size_t k = 0; k < sizes.size(); ++k) {
    sigma_.narrow(0, offset, sizes[k]).fill_(stds[k]);
    offset += padded(sizes[k]);
  }
  learned_ = Parameters({mu_, sigma_}, compute.on_kernels());
  draw_noise(rng);
}

at::Tensor QNetwork::apply_dueling(const at::Tensor& outputs) const {
  const std::int64_t rows = outputs.size(0);
  const at::Tensor streams = outputs.view({rows, num_actions_ + dueling_, num_outputs_});
  if (!dueling_) return streams;
  const at::Tensor advantage = streams.narrow(1, 0, num_actions_), value = streams.narrow(1, num_actions_, 1);
  return value + advantage - advantage.mean(1, /*keepdim=*/true);
}

at::Tensor QNetwork::forward(const at::Tensor& features) const {
  return apply_dueling(mlp_.forward(body_ ? body_->forward(features) : features));
}

void QNetwork::infer(const float* features, std::int64_t n, float* outputs) {
  const std::int64_t width = num_actions_ * num_outputs_;
  if (body_ || !mlp_.fused()) {
    infer_with_torch(compute_.device, features, n, num_inputs_, width, outputs, [&](const at::Tensor& x) {
      return forward(x).reshape({x.size(0), width});
    });
  } else if (!dueling_) {
    inference_.run(*mlp_.fused(), weights(), features, n, outputs);
  } else {
    std::vector<float> streams(static_cast<std::size_t>(n * (width + num_outputs_)));
    inference_.run(*mlp_.fused(), weights(), features, n, streams.data());
    for (std::int64_t i = 0; i < n; ++i) {
      float* row = streams.data() + i * (width + num_outputs_);
      join_streams(1, 1, num_actions_, num_outputs_, row);
      std::copy_n(row, width, outputs + i * width);
    }
  }
  check_finite(outputs, n * width);
}

void QNetwork::draw_noise(Rng& rng) {
  if (!noisy_) return;
  at::Tensor host = at::zeros({effective_.size()});
  float* noise = host.data_ptr<float>() + mlp_offset_;
  std::vector<float> in, out;
  for (const FusedMlp::Layer& layer : places_) {
    in.resize(static_cast<std::size_t>(layer.inputs));
    out.resize(static_cast<std::size_t>(layer.outputs));
    for (float& x : in) x = scaled_normal(rng);
    for (float& x : out) x = scaled_normal(rng);
    for (std::size_t i = 0; i < in.size(); ++i) {
      float* row = noise + layer.weight + static_cast<std::int64_t>(i * out.size());
      for (std::size_t o = 0; o < out.size(); ++o) row[o] = in[i] * out[o];
    }
    std::copy(out.begin(), out.end(), noise + layer.bias);
  }
  noise_.copy_(host, /*non_blocking=*/false);
  noise_in_use_ = true;
  update_weights();
}

void QNetwork::update_weights() {
  if (!noisy_) return;
  at::NoGradGuard no_grad;
  at::Tensor weights = effective_.flat();
  if (noise_in_use_)
    at::addcmul_out(weights, mu_, sigma_, noise_);
  else
    weights.copy_(mu_);
}

void QNetwork::use_mean() {
  if (!noisy_ || !noise_in_use_) return;
  noise_in_use_ = false;
  update_weights();
}

void QNetwork::use_noise() {
  if (!noisy_ || noise_in_use_) return;
  noise_in_use_ = true;
  update_weights();
}

void QNetwork::pull_gradient() {
  if (!noisy_) return;
  // w = mu + sigma eps: dL/dmu = dL/dw, dL/dsigma = dL/dw eps
  at::NoGradGuard no_grad;
  const std::int64_t size = effective_.size();
  at::Tensor d_mu = learned_.gradient().narrow(0, 0, size), d_sigma = learned_.gradient().narrow(0, size, size);
  d_mu.copy_(effective_.gradient());
  at::mul_out(d_sigma, effective_.gradient(), noise_);
}

void QNetwork::visit(Archive& archive) {
  archive("parameters", parameters());
  if (!noisy_) return;
  visit_tensor(archive, "noise", noise_);
  if (!archive.loading()) return;
  noise_in_use_ = true;
  update_weights();
}

void join_streams(std::int64_t rows, std::int64_t stride, std::int64_t num_actions, std::int64_t num_outputs,
                  float* columns) {
  const float share = 1.0f / static_cast<float>(num_actions);
  for (std::int64_t k = 0; k < num_outputs; ++k) {
    float* value = columns + (num_actions * num_outputs + k) * stride;
    for (std::int64_t b = 0; b < rows; ++b) {
      float mean = 0;
      for (std::int64_t a = 0; a < num_actions; ++a) mean += columns[(a * num_outputs + k) * stride + b];
      const float rest = value[b] - mean * share;
      for (std::int64_t a = 0; a < num_actions; ++a) columns[(a * num_outputs + k) * stride + b] += rest;
    }
  }
}

void split_streams(std::int64_t rows, std::int64_t stride, std::int64_t num_actions, std::int64_t num_outputs,
                   float* columns) {
  const float share = 1.0f / static_cast<float>(num_actions);
  for (std::int64_t k = 0; k < num_outputs; ++k) {
    float* d_value = columns + (num_actions * num_outputs + k) * stride;
    for (std::int64_t b = 0; b < rows; ++b) {
      float sum = 0;
      for (std::int64_t a = 0; a < num_actions; ++a) sum += columns[(a * num_outputs + k) * stride + b];
      d_value[b] = sum;
      for (std::int64_t a = 0; a < num_actions; ++a) columns[(a * num_outputs + k) * stride + b] -= sum * share;
    }
  }
}

}  // namespace corvid
