// Proximal policy optimisation with a clipped surrogate.
// Source: Schulman et al. 2017, algorithm 1; details after Huang et al. 2022, "The 37 implementation details of PPO".
// Deviation: separate networks for actor and critic; value clipping and the KL stop are options, off by default.
#include <algorithm>
#include <numeric>

#include "core/run/on_policy.h"

namespace corvid {
namespace {

struct PpoConfig : OnPolicyConfig {
  std::int64_t batch_size = 64;
  std::int64_t n_epochs = 10;
  Schedule clip_range = 0.2;
  Schedule clip_range_vf = 0.0;  // 0: off
  double target_kl = 0;          // 0: off
};

class Ppo final : public OnPolicyAgent {
 public:
  using Config = PpoConfig;

  static Fields fields(Config& c) {
    Fields list = corvid::fields(static_cast<OnPolicyConfig&>(c));
    list.push_back(
        Field("batch_size", &c.batch_size, "transitions in one minibatch").at_least(1).alias("minibatch_size"));
    list.push_back(Field("n_epochs", &c.n_epochs, "passes over each rollout").at_least(1).alias("update_epochs"));
    list.push_back(
        Field("clip_range", &c.clip_range, "how far the policy ratio may leave 1").more_than(0).alias("clip_coef"));
    list.push_back(
        Field("clip_range_vf", &c.clip_range_vf, "how far a value may leave its old one; 0 is off").at_least(0));
    list.push_back(Field("target_kl", &c.target_kl, "end the epochs when 1.5 times this divergence is passed; 0 is off")
                       .at_least(0));
    return list;
  }

  Ppo(const Config& config, const AgentContext& context)
      : OnPolicyAgent(config, context),
        config_(config),
        order_(static_cast<std::size_t>(config.n_steps * context.num_envs)) {
    optimizer_ = std::make_unique<Adam>(networks_.parameters());
  }

 protected:
  void update(double progress) override {
    // L = L_clip + c_v L_value - c_e H (eq. 9)
    clip_range_ = config_.clip_range.at(progress);
    const PolicyObjective objective{.loss = PolicyLoss::kClippedSurrogate,
                                    .clip_range = clip_range_,
                                    .clip_range_vf = config_.clip_range_vf.at(progress),
                                    .vf_coef = config_.vf_coef,
                                    .ent_coef = config_.ent_coef,
                                    .normalize_advantage = config_.normalize_advantage};
    const PolicyBatch rollout = batch();
    const std::span<std::int64_t> order(order_);
    const auto size = static_cast<std::int64_t>(order.size());
    for (std::int64_t epoch = 0; epoch < config_.n_epochs; ++epoch) {
      // A fresh random split into minibatches; one that holds everything needs no order.
      const bool split = config_.batch_size < size;
      if (split) {
        std::iota(order.begin(), order.end(), std::int64_t{0});
        rng_.shuffle(order);
      }
      for (std::int64_t start = 0; start < size; start += config_.batch_size) {
        const auto count = static_cast<std::size_t>(std::min(config_.batch_size, size - start));
        const auto minibatch = split ? order.subspan(static_cast<std::size_t>(start), count) : order.first(0);
        learner_.gradient(rollout, minibatch, objective);
        if (config_.target_kl > 0 && learner_.last_approx_kl() > 1.5 * config_.target_kl) return;
        step_optimizer(progress);
      }
    }
  }

  void report(Metrics& metrics, const PolicyMeans& means) override {
    metrics.set("train/approx_kl", means.approx_kl);
    metrics.set("train/clip_fraction", means.clip_fraction);
    metrics.set("train/clip_range", clip_range_);
  }

  void visit(Archive& archive) override {
    OnPolicyAgent::visit(archive);
    archive("clip_range", clip_range_);
  }

 private:
  Config config_;
  std::vector<std::int64_t> order_;  // of the rollout's transitions in an epoch
  double clip_range_ = 0;
};

CORVID_REGISTER_AGENT(Ppo, {.id = "ppo",
                            .family = "policy_gradient",
                            .summary = "Proximal policy optimisation with a clipped surrogate",
                            .source = "Schulman et al. 2017, arXiv:1707.06347"});

}  // namespace
}  // namespace corvid
