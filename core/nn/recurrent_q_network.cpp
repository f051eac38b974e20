#include "core/nn/recurrent_q_network.h"

#include "core/base/check.h"

namespace corvid {

RecurrentQNetwork::RecurrentQNetwork(const EnvSpec& spec, const QNetworkConfig& config, std::int64_t hidden,
                                     const Compute& compute, Rng& rng)
    : compute_(compute),
      num_inputs_(Encoder(spec.observation, false).size()),
      num_actions_(spec.action.n),
      dueling_(config.dueling),
      activation_(parse_activation(config.activation)) {
  std::int64_t width = num_inputs_;
  std::vector<at::Tensor> tensors;
  auto add = [&](const Mlp& mlp) {
    std::vector<at::Tensor> layers = mlp.parameters();
    for (std::size_t k = 0; k < layers.size(); ++k) fill_uniform(layers[k], layers[k / 2 * 2].size(1), rng);
    tensors.insert(tensors.end(), layers.begin(), layers.end());
  };
  if (const auto image = image_shape(spec.observation)) {
    body_.emplace(*image, 1, rng);
    tensors = body_->parameters();
    width = body_->size();
  }
  if (!config.net_arch.empty()) {
    dense_.emplace(width, std::vector(config.net_arch.begin(), config.net_arch.end() - 1), config.net_arch.back(),
                   activation_, 1.0, rng);
    add(*dense_);
    width = config.net_arch.back();
  }
  lstm_ = Lstm(width, hidden, rng);
  for (const at::Tensor& tensor : lstm_.parameters()) tensors.push_back(tensor);
  head_ = Mlp(hidden, {}, num_actions_ + dueling_, activation_, 1.0, rng);
  add(head_);
  for (at::Tensor& tensor : tensors) tensor.set_data(tensor.to(compute.device));
  parameters_ = Parameters(std::move(tensors), compute.on_kernels());
  if (!compute.on_kernels()) return;
  if (dense_) dense_->fuse();
  lstm_.fuse();
  head_.fuse();
}

at::Tensor RecurrentQNetwork::embed(const at::Tensor& features) const {
  at::Tensor x = features;
  if (body_) x = body_->forward(x.flatten(0, 1)).view({x.size(0), x.size(1), -1});
  return dense_ ? activated(dense_->forward(x), activation_) : x;
}

at::Tensor RecurrentQNetwork::head(const at::Tensor& h) const {
  const at::Tensor streams = head_.forward(h);
  if (!dueling_) return streams;
  const at::Tensor advantage = streams.narrow(-1, 0, num_actions_), value = streams.narrow(-1, num_actions_, 1);
  return value + advantage - advantage.mean(-1, /*keepdim=*/true);
}

at::Tensor RecurrentQNetwork::forward(const at::Tensor& features, const at::Tensor& state) const {
  return head(lstm_.forward(embed(features), state));
}

at::Tensor RecurrentQNetwork::burn_in(const at::Tensor& features, const at::Tensor& first,
                                      const at::Tensor& state) const {
  at::NoGradGuard no_grad;
  return features.size(0) > 0 ? lstm_.advance(embed(features), first, state) : state;
}

void RecurrentQNetwork::infer(const float* features, std::int64_t n, float* states, float* q) const {
  at::NoGradGuard no_grad;
  // from_blob does not write through the first pointer.
  const std::int64_t hidden = lstm_.hidden();
  const at::Tensor x = at::from_blob(const_cast<float*>(features), {1, n, num_inputs_}, at::kFloat);
  const at::Tensor state = at::from_blob(states, {n, 2 * hidden}, at::kFloat);
  const at::Tensor next = burn_in(x.to(compute_.device), {}, state.to(compute_.device));
  const at::Tensor values = head(next.narrow(1, 0, hidden).contiguous()).cpu().contiguous();
  state.copy_(next);
  std::copy_n(values.const_data_ptr<float>(), n * num_actions_, q);
  check_finite(q, n * num_actions_);
}

}  // namespace corvid
