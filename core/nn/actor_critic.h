// The networks of policy-gradient agents: an encoder, an actor, a critic and an action distribution.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/nn/compute.h"
#include "core/nn/distribution.h"
#include "core/nn/encoder.h"
#include "core/nn/inference.h"
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
  ActorCritic(const EnvSpec& spec, const ActorCriticConfig& config, const Compute& compute, Rng& rng);

  Encoder& encoder() { return encoder_; }
  const Distribution& distribution() const { return *distribution_; }
  Parameters& parameters() { return parameters_; }
  const Mlp& actor() const { return actor_; }
  const Mlp& critic() const { return critic_; }

  /// Samples actions for features [n, F]; writes stored and environment actions and log-probabilities [n].
  void act(const float* features, std::int64_t n, Rng& rng, void* actions, void* env_actions, float* log_probs);

  /// V(s) for features [n, F]. Many rows are shared out between threads.
  void value(const float* features, std::int64_t n, float* values);

  /// For learning: log-probabilities, entropies and values [B] of stored actions, with gradients.
  struct Outputs {
    at::Tensor log_prob, entropy, value;
  };
  Outputs evaluate(const at::Tensor& features, const at::Tensor& actions) const;

  void act(const ObsView& obs, std::int64_t n, bool deterministic, Rng& rng, void* actions) override;
  Insight insight() override;

  void visit(Archive& archive);

 private:
  /// Outputs of one of the networks for features [n, F], on the host.
  void infer(const Mlp& mlp, const float* features, std::int64_t n, float* outputs);

  Compute compute_;
  Encoder encoder_;
  std::unique_ptr<Distribution> distribution_;
  Mlp actor_, critic_;
  Parameters parameters_;
  Inference actor_inference_, critic_inference_;
  std::vector<float> outputs_;                    // scratch of `act`
  std::vector<float> features_, policy_outputs_;  // what the policy acted on last
  std::vector<float> log_probs_;                  // scratch of the policy
  std::vector<std::int64_t> stored_;
};

}  // namespace corvid
