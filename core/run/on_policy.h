// What REINFORCE-like agents share: they act with the current policy, store a rollout of T steps of N environments, learn
// from it once, and forget it.
#pragma once

#include <memory>
#include <vector>

#include "core/base/schedule.h"
#include "core/buffer/rollout_buffer.h"
#include "core/learn/policy_learner.h"
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
  const float* last_values() override;
  bool learn(double progress) override;
  Policy& policy() override { return networks_; }
  void report(Metrics& metrics) final;
  void visit(Archive& archive) override;
  void visit_memory(Archive& archive) override;

 protected:
  /// The algorithm: one or more optimizer steps on `rollout_`, whose advantages are computed.
  virtual void update(double progress) = 0;

  /// Clips the gradient that stands in the parameters, and takes an optimizer step.
  void step_optimizer(double progress);

  /// More metrics, from the means of the losses since the last report.
  virtual void report(Metrics& metrics, const PolicyMeans& means) { (void)metrics, (void)means; }

  /// The filled rollout, on the device.
  PolicyBatch batch() const;

  OnPolicyConfig config_;
  Compute compute_;
  Rng rng_;  // actions and minibatches
  ActorCritic networks_;
  PolicyLearner learner_;
  std::unique_ptr<Optimizer> optimizer_;  // set by the algorithm
  RolloutBuffer rollout_;
  std::int64_t num_updates_ = 0;

 private:
  void value_truncated(std::int64_t t);

  std::unique_ptr<RewardNormalizer> reward_normalizer_;
  std::vector<std::byte> env_actions_;                // of the step at hand, as the environments get them
  std::vector<std::int64_t> truncated_;               // scratch: environments cut off in this step,
  std::vector<float> final_features_, final_values_;  // their last observations and the values of these
  double learning_rate_ = 0, explained_variance_ = 0;
};

}  // namespace corvid
