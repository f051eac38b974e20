// Networks of value-function agents: features of an observation in, numbers for every action out: a value, the logits
// of a distribution, or quantiles.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/nn/compute.h"
#include "core/nn/conv_body.h"
#include "core/nn/encoder.h"
#include "core/nn/inference.h"
#include "core/nn/mlp.h"
#include "core/nn/parameters.h"

namespace corvid {

struct QNetworkConfig {
  std::vector<std::int64_t> net_arch;  // empty: 120, 84; for images what their paper has
  std::string activation = "relu";
  bool layer_norm = false;
  bool dueling = false;
  bool noisy = false;
  double noisy_std = 0.5;
  std::int64_t frame_stack = 1;
  bool normalize_observations = false;
  double clip_observations = 10;
};
Fields fields(QNetworkConfig& config);

/// Widths of the fully connected hidden layers, behind convolutions or without.
std::vector<std::int64_t> hidden_layers(const QNetworkConfig& config, const std::optional<ConvBody>& body);

/// Throws Error, naming the agent, when actions are not one Discrete space.
void check_discrete_actions(const EnvSpec& spec, std::string_view agent);

/// Convolutions where the observation is an image, then fully connected layers. Weights and biases start uniformly
/// within +-1 / sqrt(inputs).
///
/// With `layer_norm` the sums of every hidden layer are normalised before the activation (Ba et al. 2016), and fully
/// connected weights start orthogonal with gain sqrt(2), 1 in the last layer, and biases at 0.
///
/// Dueling (Wang et al. 2016, eq. 9): a column V(s) beside the advantages A(s, a), Q = V + A - mean_a A. Both streams
/// share all hidden layers.
///
/// Noisy (Fortunato et al. 2018): every fully connected weight is mu + sigma * eps, with factorised Gaussian noise that
/// stays until `draw_noise` draws it anew. mu and sigma are what is learned.
class QNetwork {
 public:
  QNetwork(const EnvSpec& spec, const QNetworkConfig& config, std::int64_t num_outputs, const Compute& compute,
           Rng& rng);

  std::int64_t num_inputs() const { return num_inputs_; }    // features of a whole stack
  std::int64_t num_actions() const { return num_actions_; }  // A
  std::int64_t num_outputs() const { return num_outputs_; }  // K, of an action
  bool dueling() const { return dueling_; }

  /// What is learned, and its gradient.
  Parameters& parameters() { return noisy_ ? learned_ : effective_; }

  /// [B, num_inputs] -> [B, A, K], dueling streams put together.
  at::Tensor forward(const at::Tensor& features) const;

  /// Writes the same for n rows of host memory, [n, A, K]. Throws Error when a number is not finite.
  void infer(const float* features, std::int64_t n, float* outputs);

  // On kernels; the network's columns are [(A + dueling) * K, stride].

  /// Null where LibTorch computes a part or the whole of it.
  const FusedMlp* fused() const { return body_ ? nullptr : mlp_.fused(); }
  const float* weights() const { return mlp_.data(); }
  float* gradient() { return effective_.gradient().data_ptr<float>(); }  // of what `weights` holds
  std::int64_t num_weights() const { return effective_.size(); }
  void zero_gradient() { effective_.zero_grad(); }

  /// After a gradient by the weights is complete: passes it on to what is learned.
  void pull_gradient();

  /// Noise for the following passes; nothing without noise.
  void draw_noise(Rng& rng);

  /// Weights without noise until `use_noise`: how a policy is judged.
  void use_mean();
  void use_noise();

  /// After what is learned has changed: the weights follow it.
  void update_weights();

  void visit(Archive& archive);

 private:
  at::Tensor apply_dueling(const at::Tensor& outputs) const;

  Compute compute_;
  std::int64_t num_inputs_ = 0, num_actions_, num_outputs_;
  bool dueling_, noisy_;
  bool noise_in_use_ = true;
  std::optional<ConvBody> body_;
  Mlp mlp_;
  Parameters effective_, learned_;  // what layers compute with; mu and sigma of noisy networks
  at::Tensor mu_, sigma_, noise_;   // [P], P = effective_.size()
  std::int64_t mlp_offset_ = 0;     // of the fully connected layers in the flat parameters
  std::vector<FusedMlp::Layer> places_;
  Inference inference_;
};

// Dueling streams by columns: num_actions * num_outputs of advantages, then num_outputs of values. In place.

/// Q = V + A - mean A, where A stood.
void join_streams(std::int64_t rows, std::int64_t stride, std::int64_t num_actions, std::int64_t num_outputs,
                  float* columns);

/// From derivatives by Q to derivatives by A, where they stood, and V.
void split_streams(std::int64_t rows, std::int64_t stride, std::int64_t num_actions, std::int64_t num_outputs,
                   float* columns);

}  // namespace corvid
