// Parallelised Q-network: Q(lambda) on the rollouts of many environments, without replay and without a target network;
// layer normalisation keeps the values from diverging.
// Source: Gallici et al. 2024, algorithm 1, arXiv:2407.04811; defaults after CleanRL's pqn.py.
// Deviation: episodes cut off by a step limit bootstrap from their true last observation.
#include <algorithm>
#include <numeric>

#include "core/buffer/rollout_buffer.h"
#include "core/learn/td_policy.h"
#include "core/nn/optimizer.h"
#include "core/run/agent.h"
#include "core/run/compute.h"

namespace corvid {
namespace {

struct PqnConfig : TdPolicyConfig {
  Schedule learning_rate = Schedule::lin(2.5e-4);
  std::int64_t n_steps = 128;
  std::int64_t batch_size = 128;
  std::int64_t n_epochs = 4;
  double gamma = 0.99;
  double td_lambda = 0.65;
  double exploration_initial_eps = 1;
  double exploration_final_eps = 0.05;
  double exploration_fraction = 0.5;
  double max_grad_norm = 10;
  std::string optimizer = "radam";
  double reward_scale = 1;

  /// Epsilon falls linearly over the first `exploration_fraction` of the training.
  double exploration_rate(double progress) const {
    const double share = progress < exploration_fraction ? progress / exploration_fraction : 1;
    return exploration_initial_eps + share * (exploration_final_eps - exploration_initial_eps);
  }
};

class Pqn final : public Agent {
 public:
  using Config = PqnConfig;

  static Fields fields(Config& c) {
    Fields list = {
        Field("learning_rate", &c.learning_rate, "step size of the optimizer").at_least(0),
        Field("n_steps", &c.n_steps, "steps of each environment between updates").at_least(1).alias("num_steps"),
        Field("batch_size", &c.batch_size, "transitions in one minibatch").at_least(1).alias("minibatch_size"),
        Field("n_epochs", &c.n_epochs, "passes over each rollout").at_least(1).alias("update_epochs"),
        Field("gamma", &c.gamma, "discount of future rewards").between(0, 1),
        Field("td_lambda", &c.td_lambda, "Q(lambda): 0 one step, 1 whole returns").between(0, 1).alias("q_lambda"),
        Field("exploration_initial_eps", &c.exploration_initial_eps, "first share of random actions").between(0, 1),
        Field("exploration_final_eps", &c.exploration_final_eps, "last share of random actions").between(0, 1),
        Field("exploration_fraction", &c.exploration_fraction, "share of the training in which it falls").between(0, 1),
        Field("max_grad_norm", &c.max_grad_norm, "largest norm of the gradient").more_than(0),
        Field("optimizer", &c.optimizer, "the optimizer").one_of({"radam", "adam"}),
        Field("reward_scale", &c.reward_scale, "rewards are multiplied by it").more_than(0),
    };
    for (Field& field : corvid::fields(static_cast<TdPolicyConfig&>(c))) list.push_back(std::move(field));
    return list;
  }

  Pqn(const Config& config, const AgentContext& context)
      : config_(config),
        compute_(open_compute(context)),
        rng_(context.seed),
        policy_(context.spec, config, compute_, rng_, "pqn"),
        rollout_(context.spec, config.n_steps, context.num_envs, policy_.encoder().size(), 1, at::kLong),
        env_actions_(static_cast<std::size_t>(context.num_envs)),
        order_(static_cast<std::size_t>(config.n_steps * context.num_envs)) {
    policy_.set_epsilon(config.exploration_rate(0));
    if (config.optimizer == "radam")
      optimizer_ = std::make_unique<RAdam>(policy_.parameters());
    else
      optimizer_ = std::make_unique<Adam>(policy_.parameters());
  }

  ObsView first_obs() override { return rollout_.obs(); }

  ActionView act() override {
    const std::int64_t t = rollout_.size(), n = rollout_.num_envs();
    policy_.encoder().encode(rollout_.obs(), n, true, rollout_.features(t));
    policy_.choose(rollout_.features(t), rollout_.obs().action_mask, n, policy_.epsilon(), rng_, rollout_.values(t),
                   actions(t));
    for (std::size_t i = 0; i < env_actions_.size(); ++i) env_actions_[i] = actions(t)[i] + policy_.start();
    return env_actions_.data();
  }

  StepView sink() override { return rollout_.sink(); }

  RolloutStep last_step() override {
    const StepView step = rollout_.sink();
    return {.obs = rollout_.obs(),
            .actions = env_actions_.data(),
            .rewards = step.reward,
            .terminated = step.terminated,
            .truncated = step.truncated,
            .final_obs = step.final_obs,
            .log_probs = nullptr};
  }

  const float* last_values() override { return rollout_.values(rollout_.size()); }

  bool learn(double progress) override {
    const std::int64_t t = rollout_.size(), n = rollout_.num_envs();
    const StepView step = rollout_.sink();
    for (std::int64_t i = 0; i < n; ++i) {
      rollout_.rewards(t)[i] = static_cast<float>(config_.reward_scale * step.reward[i]);
      if (step.truncated[i]) rollout_.next_values(t)[i] = value_of_final_obs(i);
    }
    rollout_.advance();
    policy_.set_epsilon(config_.exploration_rate(progress));
    if (!rollout_.full()) return false;

    // The network has not changed since the first step, so only the values of the last successors are missing.
    float* const features = rollout_.features(t + 1);
    policy_.encoder().encode(rollout_.obs(), n, false, features);
    policy_.choose(features, rollout_.obs().action_mask, n, 0, rng_, rollout_.values(t + 1), nullptr);
    rollout_.compute_lambda_returns(config_.gamma, config_.td_lambda);
    update(progress);
    rollout_.clear();
    return true;
  }

  Policy& policy() override { return policy_; }

  void report(Metrics& metrics) override {
    metrics.set("rollout/exploration_rate", policy_.epsilon());
    if (policy_.learner().num_gradients() == 0) return;
    const TdMeans means = policy_.learner().take_means();
    metrics.set("train/loss", means.loss);
    metrics.set("train/q_value", means.q_value);
    metrics.set("train/learning_rate", learning_rate_);
    metrics.set("train/n_updates", static_cast<double>(num_updates_));
  }

  void visit(Archive& archive) override {
    archive("rng", rng_);
    archive("policy", policy_);
    archive("optimizer", *optimizer_);
    archive("rollout", rollout_);
    archive("num_updates", num_updates_);
    archive("learning_rate", learning_rate_);
  }

 private:
  std::int64_t* actions(std::int64_t t) { return static_cast<std::int64_t*>(rollout_.actions(t)); }

  float value_of_final_obs(std::int64_t i) {
    float value = 0;
    const ObsView obs = rollout_.final_obs(i);
    final_features_.resize(static_cast<std::size_t>(policy_.encoder().size()));
    policy_.encoder().encode(obs, 1, false, final_features_.data());
    policy_.choose(final_features_.data(), obs.action_mask, 1, 0, rng_, &value, nullptr);
    return value;
  }

  void update(double progress) {
    const TdBatch batch{.features = rollout_.flat_features().to(compute_.device),
                        .actions = rollout_.flat_actions().to(compute_.device),
                        .targets = rollout_.flat_returns().to(compute_.device)};
    const std::span<std::int64_t> order(order_);
    const auto size = static_cast<std::int64_t>(order.size());
    learning_rate_ = config_.learning_rate.at(progress);
    for (std::int64_t epoch = 0; epoch < config_.n_epochs; ++epoch) {
      // A fresh random split into minibatches; one that holds everything needs no order.
      const bool split = config_.batch_size < size;
      if (split) {
        std::iota(order.begin(), order.end(), std::int64_t{0});
        rng_.shuffle(order);
      }
      for (std::int64_t start = 0; start < size; start += config_.batch_size) {
        const auto count = static_cast<std::size_t>(std::min(config_.batch_size, size - start));
        policy_.learner().gradient(batch,
                                   split ? order.subspan(static_cast<std::size_t>(start), count) : order.first(0));
        optimizer_->step(policy_.parameters(), learning_rate_, config_.max_grad_norm);
        ++num_updates_;
      }
    }
  }

  Config config_;
  Compute compute_;
  Rng rng_;  // first weights, actions and minibatches
  TdPolicy policy_;
  std::unique_ptr<Optimizer> optimizer_;
  RolloutBuffer rollout_;
  std::vector<std::int64_t> env_actions_;  // [N] of the step at hand
  std::vector<std::int64_t> order_;        // of the rollout's transitions in an epoch
  std::vector<float> final_features_;      // scratch
  std::int64_t num_updates_ = 0;
  double learning_rate_ = 0;
};

CORVID_REGISTER_AGENT(Pqn, {.id = "pqn",
                            .family = "value",
                            .summary = "Parallelised Q-network: Q(lambda) without replay or target network",
                            .source = "Gallici et al. 2024, arXiv:2407.04811"});

}  // namespace
}  // namespace corvid
