// Q-networks with a memory: features of the observations of an episode, one after the other, in, and Q-values out.
#pragma once

#include "core/nn/lstm.h"
#include "core/nn/q_network.h"

namespace corvid {

/// Convolutions where the observation is an image, fully connected layers (net_arch, each followed by the activation),
/// an LSTM, one linear layer; dueling as in QNetwork. Sequences are [T, B, F]; a state is [B, 2 H], 0 where an episode
/// starts. Weights and biases start uniformly within +-1 / sqrt(inputs), those of the LSTM as there.
class RecurrentQNetwork {
 public:
  RecurrentQNetwork(const EnvSpec& spec, const QNetworkConfig& config, std::int64_t hidden, const Compute& compute,
                    Rng& rng);

  /// Q(s, a) [T, B, A] of a sequence from a state on.
  at::Tensor forward(const at::Tensor& features, const at::Tensor& state) const;

  /// The state after a sequence, without a tape; `first` as in Lstm::advance.
  at::Tensor burn_in(const at::Tensor& features, const at::Tensor& first, const at::Tensor& state) const;

  /// One step of n environments in host memory: Q-values [n, A] of features [n, F]; `states` [n, 2 H] become the next
  /// ones. Throws Error when a number is not finite.
  void infer(const float* features, std::int64_t n, float* states, float* q) const;

  Parameters& parameters() { return parameters_; }
  std::int64_t num_actions() const { return num_actions_; }
  void visit(Archive& archive) { archive("parameters", parameters_); }

 private:
  at::Tensor embed(const at::Tensor& features) const;  // [T, B, F] -> [T, B, inputs of the LSTM]
  at::Tensor head(const at::Tensor& h) const;          // [..., H] -> [..., A]

  Compute compute_;
  std::int64_t num_inputs_, num_actions_;
  bool dueling_;
  Activation activation_;
  std::optional<ConvBody> body_;
  std::optional<Mlp> dense_;
  Lstm lstm_;
  Mlp head_;
  Parameters parameters_;
};

}  // namespace corvid
