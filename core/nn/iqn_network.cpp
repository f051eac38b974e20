#include "core/nn/iqn_network.h"

#include <numbers>

#include "core/base/check.h"

namespace corvid {

IqnNetwork::IqnNetwork(const EnvSpec& spec, const QNetworkConfig& config, std::int64_t n_cosines,
                       const Compute& compute, Rng& rng)
    : num_actions_(spec.action.n), n_cosines_(n_cosines), activation_(parse_activation(config.activation)) {
  const std::int64_t features = config.frame_stack * Encoder(spec.observation, false).size();
  if (const auto image = image_shape(spec.observation, config.normalize_observations))
    body_.emplace(*image, config.frame_stack, rng);
  std::vector<std::int64_t> hidden = hidden_layers(config, body_), rest = hidden;
  std::int64_t width = body_ ? body_->size() : hidden.front();
  if (!body_) {
    if (hidden.size() > 1) hidden.pop_back();
    width = hidden.back();
    rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(hidden.size()));
    psi_ = Mlp(features, {hidden.begin(), hidden.end() - 1}, width, activation_, 1.0, rng);
  }
  phi_ = Mlp(n_cosines, {}, width, activation_, 1.0, rng);
  head_ = Mlp(width, rest, num_actions_, activation_, 1.0, rng);

  std::vector<at::Tensor> tensors = body_ ? body_->parameters() : std::vector<at::Tensor>();
  auto add = [&](const Mlp& mlp) {
    std::vector<at::Tensor> layers = mlp.parameters();
    for (std::size_t k = 0; k < layers.size(); ++k) fill_uniform(layers[k], layers[k / 2 * 2].size(1), rng);
    tensors.insert(tensors.end(), layers.begin(), layers.end());
  };
  if (!body_) add(psi_);
  add(phi_);
  add(head_);
  for (at::Tensor& tensor : tensors) tensor.set_data(tensor.to(compute.device));
  parameters_ = Parameters(std::move(tensors), compute.on_kernels());
  if (!compute.on_kernels()) return;
  if (!body_) psi_.fuse();
  phi_.fuse();
  head_.fuse();
}

at::Tensor IqnNetwork::forward(const at::Tensor& features, const at::Tensor& tau) const {
  const at::Tensor state = body_ ? body_->forward(features) : activated(psi_.forward(features), activation_);
  const at::Tensor steps = at::arange(n_cosines_, tau.options()) * std::numbers::pi;
  const at::Tensor fraction = at::relu(phi_.forward(at::cos(tau.unsqueeze(2) * steps)));  // [B, N, width]
  return head_.forward(state.unsqueeze(1) * fraction);
}

}  // namespace corvid
