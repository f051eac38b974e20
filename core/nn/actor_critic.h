// The networks of policy-gradient agents: an encoder, an actor, a critic and an action distribution.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/nn/distribution.h"
#include "core/nn/encoder.h"
#include "core/nn/mlp.h"
#include "core/nn/parameters.h"
#include "core/nn/policy.h"

namespace corvid {

struct ActorCriticConfig {
  std::vector<std::int64_t> net_arch = {64, 64};
  std::string activation = "tanh";
  double log_std_init = 0;
  bool normalize_observations = false;
  double clip_observations = 10;
};
Fields fields(ActorCriticConfig& config);

class ActorCritic final : public Policy {
 public:
  ActorCritic(const EnvSpec& spec, const ActorCriticConfig& config, at::Device device, Rng& rng);

  Encoder& encoder() { return encoder_; }
  const Distribution& distribution() const { return *distribution_; }
  Parameters& parameters() { return parameters_; }

  /// Samples actions for features [n, F]; writes stored and environment actions, log-probabilities and values [n].
  void act(const float* features, std::int64_t n, Rng& rng, void* actions, void* env_actions, float* log_probs,
           float* values);

  /// V(s) for features [n, F].
  void value(const float* features, std::int64_t n, float* values);

  /// For learning: log-probabilities, entropies and values [B] of stored actions, with gradients.
  struct Outputs {
    at::Tensor log_prob, entropy, value;
  };
  Outputs evaluate(const at::Tensor& features, const at::Tensor& actions) const;

  void act(const ObsView& obs, std::int64_t n, bool deterministic, Rng& rng, void* actions) override;

  void visit(Archive& archive);

 private:
  at::Tensor on_device(const float* features, std::int64_t n) const;

  at::Device device_;
  Encoder encoder_;
  std::unique_ptr<Distribution> distribution_;
  Mlp actor_, critic_;
  Parameters parameters_;
};

}  // namespace corvid
