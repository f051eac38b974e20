// Parallelised Q-network: Q(lambda) on the rollouts of many environments, without replay and without a target network;
// layer normalisation keeps the values from diverging.
// Source: Gallici et al. 2024, algorithm 1, arXiv:2407.04811; defaults after CleanRL's pqn.py.
// Deviation: episodes cut off by a step limit bootstrap from their true last observation.
#include <algorithm>
#include <numeric>

#include "core/buffer/rollout_buffer.h"
#include "core/learn/value_learner.h"
#include "core/nn/optimizer.h"
#include "core/run/agent.h"
#include "core/run/compute.h"
#include "core/run/exploration.h"
#include "core/run/q_policy.h"

namespace corvid {
namespace {

struct PqnConfig : QNetworkConfig, ExplorationConfig {
  PqnConfig() {
    net_arch = {120, 84};
    layer_norm = true;
    exploration_fraction = 0.5;
  }
  Schedule learning_rate = Schedule::lin(2.5e-4);
  std::int64_t n_steps = 128;
  std::int64_t batch_size = 128;
  std::int64_t n_epochs = 4;
  double gamma = 0.99;
  double td_lambda = 0.65;
  double max_grad_norm = 10;
  std::string optimizer = "radam";
  double reward_scale = 1;
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
        Field("max_grad_norm", &c.max_grad_norm, "largest norm of the gradient").more_than(0),
        Field("optimizer", &c.optimizer, "the optimizer").one_of({"radam", "adam"}),
        Field("reward_scale", &c.reward_scale, "rewards are multiplied by it").more_than(0),
    };
    for (Field& field : corvid::fields(static_cast<ExplorationConfig&>(c))) list.push_back(std::move(field));
    for (Field& field : corvid::fields(static_cast<QNetworkConfig&>(c))) {
      if (!field.name().starts_with("noisy") && !field.is_called("frame_stack")) list.push_back(std::move(field));
    }
    return list;
  }

  Pqn(const Config& config, const AgentContext& context)
      : config_(config),
        compute_(open_compute(context)),
        rng_(context.seed),
        encoder_(checked(context.spec, config).observation, config.normalize_observations, config.clip_observations),
        num_actions_(context.spec.action.n),
        first_action_(context.spec.action.start),
        network_(context.spec, config, 1, compute_, rng_),
        learner_(network_, network_, compute_),
        policy_(encoder_, {.q_values = [this](const float* x, std::int64_t n, float*, bool,
                                              float* q) { network_.infer(x, n, q); },
                           .exploration = [this](std::int64_t i, std::int64_t n) { return epsilon(i, n); },
                           .num_actions = num_actions_,
                           .first_action = first_action_}),
        rollout_(context.spec, config.n_steps, context.num_envs, encoder_.size(), 1, at::kLong),
        env_actions_(static_cast<std::size_t>(context.num_envs)),
        q_(static_cast<std::size_t>(context.num_envs * num_actions_)),
        order_(static_cast<std::size_t>(config.n_steps * context.num_envs)) {
    if (config.optimizer == "radam")
      optimizer_ = std::make_unique<RAdam>(network_.parameters());
    else
      optimizer_ = std::make_unique<Adam>(network_.parameters(), AdamConfig{.pool = compute_.pool});
  }

  ObsView first_obs() override { return rollout_.obs(); }

  ActionView act() override {
    const std::int64_t t = rollout_.size(), n = rollout_.num_envs();
    auto* actions = static_cast<std::int64_t*>(rollout_.actions(t));
    encoder_.encode(rollout_.obs(), n, true, rollout_.features(t));
    value(rollout_.obs(), n, rollout_.features(t), rollout_.values(t), actions);
    for (std::int64_t i = 0; i < n; ++i) {
      const std::uint8_t* masks = rollout_.obs().action_mask;
      if (rng_.random() < epsilon(i, n))
        actions[i] = random_action(num_actions_, masks ? masks + i * num_actions_ : nullptr, rng_);
      env_actions_[static_cast<std::size_t>(i)] = first_action_ + actions[i];
    }
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
            .final_obs = step.final_obs};
  }

  const float* last_values() override { return rollout_.values(rollout_.size()); }

  bool learn(double progress) override {
    const std::int64_t t = rollout_.size(), n = rollout_.num_envs();
    const StepView step = rollout_.sink();
    for (std::int64_t i = 0; i < n; ++i) {
      rollout_.rewards(t)[i] = static_cast<float>(config_.reward_scale * step.reward[i]);
      rollout_.next_values(t)[i] = 0;
      if (!step.truncated[i] || step.terminated[i]) continue;
      final_features_.resize(static_cast<std::size_t>(encoder_.size()));
      encoder_.encode(rollout_.final_obs(i), 1, false, final_features_.data());
      value(rollout_.final_obs(i), 1, final_features_.data(), rollout_.next_values(t) + i, nullptr);
    }
    rollout_.advance();
    progress_ = progress;
    if (!rollout_.full()) return false;

    // The network has not changed since the first step, so only the values of the last successors are missing.
    encoder_.encode(rollout_.obs(), n, false, rollout_.features(t + 1));
    value(rollout_.obs(), n, rollout_.features(t + 1), rollout_.values(t + 1), nullptr);
    rollout_.compute_lambda_returns(config_.gamma, config_.td_lambda);
    update(progress);
    rollout_.clear();
    return true;
  }

  Policy& policy() override { return policy_; }

  void report(Metrics& metrics) override {
    metrics.set("rollout/exploration_rate", epsilon(0, rollout_.num_envs()));
    if (learner_.num_gradients() == 0) return;
    const ValueMeans means = learner_.take_means();
    metrics.set("train/loss", means.loss);
    metrics.set("train/q_value", means.q_value);
    metrics.set("train/learning_rate", learning_rate_);
    metrics.set("train/n_updates", static_cast<double>(num_updates_));
  }

  void visit(Archive& archive) override {
    archive("rng", rng_);
    archive("encoder", encoder_);
    archive("network", network_);
    archive("learner", learner_);
    archive("progress", progress_);
    archive("optimizer", *optimizer_);
    archive("rollout", rollout_);
    archive("num_updates", num_updates_);
    archive("learning_rate", learning_rate_);
  }

 private:
  static const EnvSpec& checked(const EnvSpec& spec, const Config& config) {
    check_discrete_actions(spec, "pqn");
    check(config);
    return spec;
  }

  double epsilon(std::int64_t index, std::int64_t n) const { return exploration_rate(config_, progress_, index, n); }

  /// max_a Q(s, a) [n] over legal actions for features [n, F] of `obs`, and where `actions` is not null, which.
  void value(const ObsView& obs, std::int64_t n, const float* features, float* values, std::int64_t* actions) {
    network_.infer(features, n, q_.data());
    for (std::int64_t i = 0; i < n; ++i) {
      const float* q = q_.data() + i * num_actions_;
      const std::int64_t best =
          greedy_action(q, num_actions_, obs.action_mask ? obs.action_mask + i * num_actions_ : nullptr);
      values[i] = q[best];
      if (actions) actions[i] = best;
    }
  }

  void update(double progress) {
    // L = 1/2 mean((Q(s, a) - G^lambda)^2)
    const auto size = static_cast<std::int64_t>(order_.size());
    learning_rate_ = config_.learning_rate.at(progress);
    for (std::int64_t epoch = 0; epoch < config_.n_epochs; ++epoch) {
      std::iota(order_.begin(), order_.end(), std::int64_t{0});
      if (config_.batch_size < size) rng_.shuffle(std::span(order_));
      for (std::int64_t start = 0; start < size; start += config_.batch_size) {
        learner_.gradient(minibatch(start, std::min(config_.batch_size, size - start)), {.delta = 0});
        optimizer_->step(network_.parameters(), learning_rate_, config_.max_grad_norm);
        ++num_updates_;
      }
    }
  }

  /// Transitions order_[start] to order_[start + count - 1], side by side.
  TransitionBatch minibatch(std::int64_t start, std::int64_t count) {
    const std::int64_t width = encoder_.size();
    batch_features_.resize(static_cast<std::size_t>(count * width));
    batch_actions_.resize(static_cast<std::size_t>(count));
    batch_targets_.resize(static_cast<std::size_t>(count));
    const at::Tensor features = rollout_.flat_features(), actions = rollout_.flat_actions(),
                     returns = rollout_.flat_returns();
    for (std::int64_t k = 0; k < count; ++k) {
      const std::int64_t row = order_[static_cast<std::size_t>(start + k)];
      std::copy_n(features.const_data_ptr<float>() + row * width, width, batch_features_.data() + k * width);
      batch_actions_[static_cast<std::size_t>(k)] = actions.const_data_ptr<std::int64_t>()[row];
      batch_targets_[static_cast<std::size_t>(k)] = returns.const_data_ptr<float>()[row];
    }
    return {.size = count,
            .features = batch_features_.data(),
            .actions = batch_actions_.data(),
            .targets = batch_targets_.data()};
  }

  Config config_;
  Compute compute_;
  Rng rng_;  // first weights, actions and minibatches
  Encoder encoder_;
  std::int64_t num_actions_, first_action_;
  QNetwork network_;
  ValueLearner learner_;  // on targets that are given, so that it needs no second network
  QPolicy policy_;
  std::unique_ptr<Optimizer> optimizer_;
  RolloutBuffer rollout_;
  std::vector<std::int64_t> env_actions_;  // [N] of the step at hand
  std::vector<float> q_;                   // [N, A], scratch
  std::vector<std::int64_t> order_;        // of the rollout's transitions in an epoch
  std::vector<float> final_features_, batch_features_, batch_targets_;
  std::vector<std::int64_t> batch_actions_;
  double progress_ = 0;
  std::int64_t num_updates_ = 0;
  double learning_rate_ = 0;
};

CORVID_REGISTER_AGENT(Pqn, {.id = "pqn",
                            .family = "value",
                            .summary = "Parallelised Q-network: Q(lambda) without replay or target network",
                            .source = "Gallici et al. 2024, arXiv:2407.04811"});

}  // namespace
}  // namespace corvid
