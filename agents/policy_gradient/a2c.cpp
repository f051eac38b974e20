// Advantage actor-critic: one gradient step on each short rollout.
// Source: Mnih et al. 2016, algorithm S3, with synchronous environments in place of asynchronous workers.
// Deviation: actor and critic share no layers; RMSProp adds its epsilon outside the root; no entropy bonus by default.
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
    // L = -mean(A log pi(a | s)) + c_v mean((V - R)^2) - c_e H, on the whole rollout
    learner_.gradient(batch(), {},
                      {.loss = PolicyLoss::kPolicyGradient,
                       .vf_coef = config_.vf_coef,
                       .ent_coef = config_.ent_coef,
                       .normalize_advantage = config_.normalize_advantage});
    step_optimizer(progress);
  }
};

CORVID_REGISTER_AGENT(A2c, {.id = "a2c",
                            .family = "policy_gradient",
                            .summary = "Advantage actor-critic, one gradient step a rollout",
                            .source = "Mnih et al. 2016, arXiv:1602.01783"});

}  // namespace
}  // namespace corvid
