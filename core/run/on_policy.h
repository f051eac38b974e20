// What REINFORCE-like agents share: they act with the current policy, store a rollout of T steps of N environments, learn
// from it once, and forget it.
#pragma once

#include <memory>
#include <vector>

#include "core/base/schedule.h"
#include "core/buffer/rollout_buffer.h"
#include "core/nn/actor_critic.h"
#include "core/nn/optimizer.h"
#include "core/run/agent.h"

namespace corvid {

struct OnPolicyConfig : ActorCriticConfig {
  Schedule learning_rate = 3e-4;
  std::int64_t n_steps = 2048;
  double gamma = 0.99;
  double gae_lambda = 0.95;
  double ent_coef = 0.0;
  double vf_coef = 0.5;
  double max_grad_norm = 0.5;
  bool normalize_advantage = true;
  bool normalize_rewards = false;
  double clip_rewards = 10;
};
Fields fields(OnPolicyConfig& config);

class OnPolicyAgent : public Agent {
 public:
  OnPolicyAgent(const OnPolicyConfig& config, const AgentContext& context);

  ObsView first_obs() override { return rollout_.obs(); }
  ActionView act() override;
  StepView sink() override { return rollout_.sink(); }
  RolloutStep last_step() override;
  bool learn(double progress) override;
  Policy& policy() override { return networks_; }
  void report(Metrics& metrics) override;
  void visit(Archive& archive) override;

 protected:
  /// The algorithm: one or more optimizer steps on `rollout_`, whose advantages are computed.
  virtual void update(double progress) = 0;

  /// Clips the gradient that stands in the parameters, and takes an optimizer step.
  void step_optimizer(double progress);

  /// Adds detached scalars to the metrics of this report; they are read only when the report is made.
  void record(const at::Tensor& policy_loss, const at::Tensor& value_loss, const at::Tensor& entropy);

  OnPolicyConfig config_;
  at::Device device_;
  Rng rng_;  // actions and minibatches
  ActorCritic networks_;
  std::unique_ptr<Optimizer> optimizer_;  // set by the algorithm
  RolloutBuffer rollout_;
  std::int64_t num_updates_ = 0;

 private:
  void value_truncated(std::int64_t t);

  std::unique_ptr<RewardNormalizer> reward_normalizer_;
  std::vector<std::byte> env_actions_;                // of the step at hand, as the environments get them
  std::vector<std::int64_t> truncated_;               // scratch: environments cut off in this step,
  std::vector<float> final_features_, final_values_;  // their last observations and the values of these
  at::Tensor sums_;                                   // [3] policy loss, value loss, entropy since the last report
  std::int64_t num_recorded_ = 0;
  double learning_rate_ = 0, explained_variance_ = 0;
};

}  // namespace corvid
