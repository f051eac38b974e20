// Advantage actor-critic: one gradient step on each short rollout.
// Source: Mnih et al. 2016, algorithm S3, with synchronous environments in place of asynchronous workers.
// Deviation: actor and critic share no layers; RMSProp adds its epsilon outside the root; no entropy bonus by default.
#include "core/learn/losses.h"
#include "core/run/on_policy.h"

namespace corvid {
namespace {

struct A2cConfig : OnPolicyConfig {
  A2cConfig() {
    learning_rate = 7e-4;
    n_steps = 5;
    gae_lambda = 1.0;
    normalize_advantage = false;
  }
  bool use_rms_prop = true;
};

class A2c final : public OnPolicyAgent {
 public:
  using Config = A2cConfig;

  static Fields fields(Config& c) {
    Fields list = corvid::fields(static_cast<OnPolicyConfig&>(c));
    list.push_back(Field("use_rms_prop", &c.use_rms_prop, "RMSProp, as in the paper, instead of Adam"));
    return list;
  }

  A2c(const Config& config, const AgentContext& context) : OnPolicyAgent(config, context) {
    if (config.use_rms_prop)
      optimizer_ = std::make_unique<RmsProp>(networks_.parameters());
    else
      optimizer_ = std::make_unique<Adam>(networks_.parameters());
  }

 protected:
  void update(double progress) override {
    at::Tensor advantage = rollout_.flat_advantages().to(device_);
    if (config_.normalize_advantage) advantage = normalize_advantage(advantage);

    const auto [log_prob, entropy, value] =
        networks_.evaluate(rollout_.flat_features().to(device_), rollout_.flat_actions().to(device_));
    const at::Tensor policy_loss = policy_gradient_loss(log_prob, advantage);
    const at::Tensor value_error = value_loss(value, rollout_.flat_returns().to(device_));
    const at::Tensor mean_entropy = entropy.mean();
    const at::Tensor loss = policy_loss + config_.vf_coef * value_error - config_.ent_coef * mean_entropy;
    record(policy_loss, value_error, mean_entropy);

    networks_.parameters().zero_grad();
    loss.backward();
    step_optimizer(progress);
  }
};

CORVID_REGISTER_AGENT(A2c, {.id = "a2c",
                            .family = "policy_gradient",
                            .summary = "Advantage actor-critic, one gradient step a rollout",
                            .source = "Mnih et al. 2016, arXiv:1602.01783"});

}  // namespace
}  // namespace corvid
