// The network of implicit quantile networks: the return's quantile at any fraction tau, for every action.
// Source: Dabney et al. 2018, "Implicit Quantile Networks for Distributional Reinforcement Learning", section 3.1.
#pragma once

#include <optional>

#include "core/nn/q_network.h"

namespace corvid {

/// Z_tau(s, a) = f(psi(s) * phi(tau))_a with phi(tau) = relu(W [cos(pi i tau), i = 0 .. n_cosines - 1] + b). psi is the
/// convolutions of an image, or all hidden layers but the last; f is the rest. Weights and biases start uniformly
/// within +-1 / sqrt(inputs).
class IqnNetwork {
 public:
  IqnNetwork(const EnvSpec& spec, const QNetworkConfig& config, std::int64_t n_cosines, const Compute& compute,
             Rng& rng);

  std::int64_t num_actions() const { return num_actions_; }
  Parameters& parameters() { return parameters_; }

  /// Quantiles [B, N, A] for features [B, F] at fractions tau [B, N].
  at::Tensor forward(const at::Tensor& features, const at::Tensor& tau) const;

  void visit(Archive& archive) { archive("parameters", parameters_); }

 private:
  std::int64_t num_actions_, n_cosines_;
  Activation activation_;
  std::optional<ConvBody> body_;
  Mlp psi_, phi_, head_;  // psi_ is unused behind convolutions
  Parameters parameters_;
};

}  // namespace corvid
