// REINFORCE with a learned baseline: whole episodes, one gradient step on each batch of them.
// Source: Williams 1992; Sutton and Barto 2018, section 13.4.
// Deviation: the factor gamma^t is left out, as is usual; with several environments, episodes under way at an update go
// on, so their first steps come from the policy before it. Episodes cut off by a step limit end in the baseline's value.
#include <cstring>

#include "core/buffer/rollout_buffer.h"
#include "core/learn/losses.h"
#include "core/learn/returns.h"
#include "core/nn/actor_critic.h"
#include "core/nn/optimizer.h"
#include "core/run/agent.h"
#include "core/run/compute.h"

namespace corvid {
namespace {

struct ReinforceConfig : ActorCriticConfig {
  Schedule learning_rate = 1e-3;
  double gamma = 0.99;
  std::int64_t episodes_per_update = 8;
  bool baseline = true;
  bool normalize_advantage = true;
  double ent_coef = 0.0;
  double vf_coef = 0.5;
  double max_grad_norm = 0.5;
};

class Reinforce final : public Agent {
 public:
  using Config = ReinforceConfig;

  static Fields fields(Config& c) {
    Fields list = {
        Field("learning_rate", &c.learning_rate, "step size of Adam").at_least(0),
        Field("gamma", &c.gamma, "discount of future rewards").between(0, 1),
        Field("episodes_per_update", &c.episodes_per_update, "whole episodes in one gradient step").at_least(1),
        Field("baseline", &c.baseline, "subtract a learned state value from the returns"),
        Field("normalize_advantage", &c.normalize_advantage, "scale advantages to mean 0 and std 1"),
        Field("ent_coef", &c.ent_coef, "weight of the entropy bonus"),
        Field("vf_coef", &c.vf_coef, "weight of the baseline's loss").at_least(0),
        Field("max_grad_norm", &c.max_grad_norm, "largest norm of the gradient").more_than(0),
    };
    for (Field& field : corvid::fields(static_cast<ActorCriticConfig&>(c))) list.push_back(std::move(field));
    return list;
  }

  Reinforce(const Config& config, const AgentContext& context)
      : config_(config),
        compute_(open_compute(context)),
        rng_(context.seed),
        networks_(context.spec, config, compute_, rng_),
        adam_(networks_.parameters()),
        step_(context.spec, 1, context.num_envs, networks_.encoder().size(), networks_.distribution().action_size(),
              networks_.distribution().action_type()),
        env_actions_(static_cast<std::size_t>(context.num_envs) * context.spec.action.bytes()),
        open_(static_cast<std::size_t>(context.num_envs)),
        sums_(at::zeros({3}, at::TensorOptions().device(compute_.device))) {}

  ObsView first_obs() override { return step_.obs(); }

  ActionView act() override {
    const std::int64_t n = step_.num_envs();
    networks_.encoder().encode(step_.obs(), n, true, step_.features(0));
    networks_.act(step_.features(0), n, rng_, step_.actions(0), env_actions_.data(), step_.log_probs(0));
    if (continuous()) return reinterpret_cast<const float*>(env_actions_.data());
    return reinterpret_cast<const std::int64_t*>(env_actions_.data());
  }

  StepView sink() override { return step_.sink(); }

  RolloutStep last_step() override {
    const StepView step = step_.sink();
    return {.obs = step_.obs(),
            .actions = env_actions_.data(),
            .rewards = step.reward,
            .terminated = step.terminated,
            .truncated = step.truncated,
            .final_obs = step.final_obs,
            .log_probs = step_.log_probs(0)};
  }

  const float* last_values() override {
    networks_.value(step_.features(0), step_.num_envs(), step_.values(0));
    return step_.values(0);
  }

  bool learn(double progress) override {
    const StepView step = step_.sink();
    for (std::int64_t i = 0; i < step_.num_envs(); ++i) {
      Episode& episode = open_[static_cast<std::size_t>(i)];
      episode.append(step_.features(0) + i * features(), features(), action_row(i), action_bytes(),
                     static_cast<float>(step.reward[i]));
      if (step.terminated[i])
        finish(episode, 0.0);
      else if (step.truncated[i])
        finish(episode, value_of_final_obs(i));
    }
    step_.advance();
    step_.clear();
    if (num_episodes_ < config_.episodes_per_update) return false;
    update(progress);
    return true;
  }

  Policy& policy() override { return networks_; }

  void report(Metrics& metrics) override {
    if (num_recorded_ == 0) return;
    const at::Tensor means = (sums_ / num_recorded_).cpu();
    metrics.set("train/policy_gradient_loss", means.const_data_ptr<float>()[0]);
    metrics.set("train/value_loss", means.const_data_ptr<float>()[1]);
    metrics.set("train/entropy_loss", -means.const_data_ptr<float>()[2]);
    metrics.set("train/n_updates", static_cast<double>(num_updates_));
    sums_.zero_();
    num_recorded_ = 0;
  }

  void visit(Archive& archive) override {
    archive("rng", rng_);
    archive("networks", networks_);
    archive("adam", adam_);
    archive("step", step_);
    for (std::size_t i = 0; i < open_.size(); ++i) archive("open" + std::to_string(i), open_[i]);
    archive("batch", batch_);
    archive("returns", returns_);
    archive("num_episodes", num_episodes_);
    archive("num_updates", num_updates_);
    visit_tensor(archive, "sums", sums_);
    archive("num_recorded", num_recorded_);
  }

 private:
  /// Steps in order: an open episode of one environment, or the finished ones that wait for an update.
  struct Episode {
    std::vector<float> features;     // [T, F]
    std::vector<std::byte> actions;  // [T, A]
    std::vector<float> rewards;      // [T]

    void append(const float* feature_row, std::int64_t size, const std::byte* action, std::size_t bytes, float reward) {
      features.insert(features.end(), feature_row, feature_row + size);
      actions.insert(actions.end(), action, action + bytes);
      rewards.push_back(reward);
    }
    void visit(Archive& archive) {
      archive("features", features);
      archive("actions", actions);
      archive("rewards", rewards);
    }
  };

  bool continuous() const { return networks_.distribution().action_type() == at::kFloat; }
  std::int64_t features() { return networks_.encoder().size(); }
  std::size_t action_bytes() const {
    return static_cast<std::size_t>(networks_.distribution().action_size()) *
           (continuous() ? sizeof(float) : sizeof(std::int64_t));
  }
  const std::byte* action_row(std::int64_t i) {
    return static_cast<const std::byte*>(step_.actions(0)) + static_cast<std::size_t>(i) * action_bytes();
  }

  double value_of_final_obs(std::int64_t i) {
    if (!config_.baseline) return 0;
    std::vector<float> row(static_cast<std::size_t>(features()));
    networks_.encoder().encode(step_.final_obs(i), 1, false, row.data());
    float value = 0;
    networks_.value(row.data(), 1, &value);
    return value;
  }

  /// Moves a finished episode into the batch, with its returns.
  void finish(Episode& episode, double last_value) {
    const std::size_t first = returns_.size();
    returns_.resize(first + episode.rewards.size());
    discounted_returns(episode.rewards.data(), static_cast<std::int64_t>(episode.rewards.size()), config_.gamma,
                       last_value, returns_.data() + first);
    batch_.features.insert(batch_.features.end(), episode.features.begin(), episode.features.end());
    batch_.actions.insert(batch_.actions.end(), episode.actions.begin(), episode.actions.end());
    episode = {};
    ++num_episodes_;
  }

  void update(double progress) {
    const auto size = static_cast<std::int64_t>(returns_.size());
    const at::Tensor x = at::from_blob(batch_.features.data(), {size, features()}, at::kFloat).to(compute_.device);
    const at::Tensor actions = at::from_blob(batch_.actions.data(), {size, networks_.distribution().action_size()},
                                             networks_.distribution().action_type())
                                   .to(compute_.device);
    const at::Tensor returns = at::from_blob(returns_.data(), {size}, at::kFloat).to(compute_.device);

    // grad J = E[(G_t - V(s_t)) grad log pi(a_t | s_t)] (eq. 13.11)
    const auto [log_prob, entropy, value] = networks_.evaluate(x, actions);
    at::Tensor advantage = config_.baseline ? returns - value.detach() : returns;
    if (config_.normalize_advantage) advantage = normalize_advantage(advantage);
    const at::Tensor policy_loss = policy_gradient_loss(log_prob, advantage);
    const at::Tensor value_error = value_loss(value, returns);
    const at::Tensor mean_entropy = entropy.mean();
    at::Tensor loss = policy_loss - config_.ent_coef * mean_entropy;
    if (config_.baseline) loss = loss + config_.vf_coef * value_error;

    networks_.parameters().zero_grad();
    loss.backward();
    adam_.step(networks_.parameters(), config_.learning_rate.at(progress), config_.max_grad_norm);

    {
      at::NoGradGuard no_grad;
      sums_.add_(at::stack({policy_loss.detach(), value_error.detach(), mean_entropy.detach()}));
    }
    ++num_recorded_;
    ++num_updates_;
    batch_ = {};
    returns_.clear();
    num_episodes_ = 0;
  }

  Config config_;
  Compute compute_;
  Rng rng_;
  ActorCritic networks_;
  Adam adam_;
  RolloutBuffer step_;  // one step: this observation and the next
  std::vector<std::byte> env_actions_;
  std::vector<Episode> open_;   // [N]
  Episode batch_;               // finished episodes, end to end
  std::vector<float> returns_;  // of the batch
  std::int64_t num_episodes_ = 0, num_updates_ = 0, num_recorded_ = 0;
  at::Tensor sums_;  // [3] policy loss, value loss, entropy since the last report
};

CORVID_REGISTER_AGENT(Reinforce, {.id = "reinforce",
                                  .family = "policy_gradient",
                                  .summary = "Monte-Carlo policy gradient with a learned baseline",
                                  .source = "Williams 1992; Sutton and Barto 2018, section 13.4"});

}  // namespace
}  // namespace corvid
