// Proximal policy optimisation with a clipped surrogate.
// Source: Schulman et al. 2017, algorithm 1; details after Huang et al. 2022, "The 37 implementation details of PPO".
// Deviation: separate networks for actor and critic; value clipping and the KL stop are options, off by default.
#include <algorithm>
#include <numeric>

#include "core/learn/losses.h"
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
        order_(static_cast<std::size_t>(config.n_steps * context.num_envs)),
        sums_(at::zeros({2}, at::TensorOptions().device(device_))) {
    optimizer_ = std::make_unique<Adam>(networks_.parameters());
  }

 protected:
  void update(double progress) override {
    const at::Tensor features = rollout_.flat_features().to(device_);
    const at::Tensor actions = rollout_.flat_actions().to(device_);
    const at::Tensor old_log_probs = rollout_.flat_log_probs().to(device_);
    const at::Tensor old_values = rollout_.flat_values().to(device_);
    const at::Tensor advantages = rollout_.flat_advantages().to(device_);
    const at::Tensor returns = rollout_.flat_returns().to(device_);
    const std::int64_t size = returns.numel();

    for (std::int64_t epoch = 0; epoch < config_.n_epochs; ++epoch) {
      // A fresh random split into minibatches; one that holds everything needs no order.
      if (config_.batch_size >= size) {
        if (!learn_from({features, actions, old_log_probs, old_values, advantages, returns}, progress)) return;
        continue;
      }
      std::iota(order_.begin(), order_.end(), std::int64_t{0});
      rng_.shuffle(std::span(order_));
      const at::Tensor order = at::from_blob(order_.data(), {size}, at::kLong).to(device_);
      for (std::int64_t start = 0; start < size; start += config_.batch_size) {
        const at::Tensor rows = order.narrow(0, start, std::min(config_.batch_size, size - start));
        const Minibatch minibatch = {features.index_select(0, rows),      actions.index_select(0, rows),
                                     old_log_probs.index_select(0, rows), old_values.index_select(0, rows),
                                     advantages.index_select(0, rows),    returns.index_select(0, rows)};
        if (!learn_from(minibatch, progress)) return;
      }
    }
  }

  void report(Metrics& metrics) override {
    OnPolicyAgent::report(metrics);
    if (num_minibatches_ == 0) return;
    const at::Tensor means = (sums_ / num_minibatches_).cpu();
    metrics.set("train/approx_kl", means.const_data_ptr<float>()[0]);
    metrics.set("train/clip_fraction", means.const_data_ptr<float>()[1]);
    metrics.set("train/clip_range", clip_range_);
    sums_.zero_();
    num_minibatches_ = 0;
  }

  void visit(Archive& archive) override {
    OnPolicyAgent::visit(archive);
    visit_tensor(archive, "ppo_sums", sums_);
    archive("num_minibatches", num_minibatches_);
    archive("clip_range", clip_range_);
  }

 private:
  struct Minibatch {
    at::Tensor features, actions, old_log_prob, old_value, advantage, returns;  // [B, F], [B, A], [B] ...
  };

  /// One gradient step; false when the policy has moved far enough for this rollout.
  bool learn_from(const Minibatch& batch, double progress) {
    clip_range_ = config_.clip_range.at(progress);
    const double clip_range_vf = config_.clip_range_vf.at(progress);
    const at::Tensor advantage = config_.normalize_advantage ? normalize_advantage(batch.advantage) : batch.advantage;

    // L = L_clip + c_v L_value - c_e H (eq. 9)
    const auto [log_prob, entropy, value] = networks_.evaluate(batch.features, batch.actions);
    const ClippedSurrogate policy = clipped_surrogate_loss(log_prob, batch.old_log_prob, advantage, clip_range_);
    const at::Tensor value_error = clip_range_vf > 0
                                       ? clipped_value_loss(value, batch.old_value, batch.returns, clip_range_vf)
                                       : value_loss(value, batch.returns);
    const at::Tensor mean_entropy = entropy.mean();
    const at::Tensor loss = policy.loss + config_.vf_coef * value_error - config_.ent_coef * mean_entropy;

    record(policy.loss, value_error, mean_entropy);
    sums_.add_(at::stack({policy.approx_kl, policy.clip_fraction}));
    ++num_minibatches_;
    if (config_.target_kl > 0 && policy.approx_kl.item<double>() > 1.5 * config_.target_kl) return false;

    networks_.parameters().zero_grad();
    loss.backward();
    step_optimizer(progress);
    return true;
  }

  Config config_;
  std::vector<std::int64_t> order_;
  at::Tensor sums_;  // [2] approximate KL and clip fraction since the last report
  std::int64_t num_minibatches_ = 0;
  double clip_range_ = 0;
};

CORVID_REGISTER_AGENT(Ppo, {.id = "ppo",
                            .family = "policy_gradient",
                            .summary = "Proximal policy optimisation with a clipped surrogate",
                            .source = "Schulman et al. 2017, arXiv:1707.06347"});

}  // namespace
}  // namespace corvid
