#include "core/run/on_policy.h"

#include "core/learn/losses.h"
#include "core/run/compute.h"

namespace corvid {

Fields fields(OnPolicyConfig& c) {
  Fields list = {
      Field("learning_rate", &c.learning_rate, "step size of the optimizer").at_least(0),
      Field("n_steps", &c.n_steps, "steps of each environment between updates").at_least(1).alias("num_steps"),
      Field("gamma", &c.gamma, "discount of future rewards").between(0, 1),
      Field("gae_lambda", &c.gae_lambda, "generalised advantage estimation: 0 one step, 1 whole returns").between(0, 1),
      Field("ent_coef", &c.ent_coef, "weight of the entropy bonus"),
      Field("vf_coef", &c.vf_coef, "weight of the value loss").at_least(0),
      Field("max_grad_norm", &c.max_grad_norm, "largest norm of the gradient").more_than(0),
      Field("normalize_advantage", &c.normalize_advantage, "scale advantages to mean 0 and std 1").alias("norm_adv"),
      Field("normalize_rewards", &c.normalize_rewards, "scale rewards by the running std of the return")
          .alias("norm_reward"),
      Field("clip_rewards", &c.clip_rewards, "bound of scaled rewards").more_than(0).alias("clip_reward"),
  };
  for (Field& field : fields(static_cast<ActorCriticConfig&>(c))) list.push_back(std::move(field));
  return list;
}

OnPolicyAgent::OnPolicyAgent(const OnPolicyConfig& config, const AgentContext& context)
    : config_(config),
      compute_(open_compute(context)),
      rng_(context.seed),
      networks_(context.spec, config, compute_, rng_),
      learner_(networks_, compute_),
      rollout_(context.spec, config.n_steps, context.num_envs, networks_.encoder().size(),
               networks_.distribution().action_size(), networks_.distribution().action_type()),
      env_actions_(static_cast<std::size_t>(context.num_envs) * context.spec.action.bytes()) {
  if (config.normalize_rewards) {
    reward_normalizer_ = std::make_unique<RewardNormalizer>(context.num_envs, config.gamma, config.clip_rewards);
  }
}

ActionView OnPolicyAgent::act() {
  const std::int64_t t = rollout_.size(), n = rollout_.num_envs();
  networks_.encoder().encode(rollout_.obs(), n, true, rollout_.features(t));
  networks_.act(rollout_.features(t), n, rng_, rollout_.actions(t), env_actions_.data(), rollout_.log_probs(t));
  if (networks_.distribution().action_type() == at::kFloat) return reinterpret_cast<const float*>(env_actions_.data());
  return reinterpret_cast<const std::int64_t*>(env_actions_.data());
}

RolloutStep OnPolicyAgent::last_step() {
  const std::int64_t t = rollout_.size();
  const StepView step = rollout_.sink();
  return {.obs = rollout_.obs(),
          .actions = env_actions_.data(),
          .rewards = step.reward,
          .terminated = step.terminated,
          .truncated = step.truncated,
          .final_obs = step.final_obs,
          .log_probs = rollout_.log_probs(t)};
}

const float* OnPolicyAgent::last_values() {
  const std::int64_t t = rollout_.size();
  networks_.value(rollout_.features(t), rollout_.num_envs(), rollout_.values(t));
  return rollout_.values(t);
}

void OnPolicyAgent::value_truncated(std::int64_t t) {
  // Time limits bootstrap from the true last observation.
  const StepView step = rollout_.sink();
  const std::int64_t n = rollout_.num_envs(), size = networks_.encoder().size();
  truncated_.clear();
  for (std::int64_t i = 0; i < n; ++i) {
    if (step.truncated[i]) truncated_.push_back(i);
  }
  if (truncated_.empty()) return;
  const auto count = static_cast<std::int64_t>(truncated_.size());
  final_features_.resize(static_cast<std::size_t>(count * size));
  final_values_.resize(truncated_.size());
  for (std::int64_t k = 0; k < count; ++k) {
    networks_.encoder().encode(rollout_.final_obs(truncated_[static_cast<std::size_t>(k)]), 1, false,
                               final_features_.data() + k * size);
  }
  networks_.value(final_features_.data(), count, final_values_.data());
  for (std::size_t k = 0; k < truncated_.size(); ++k) rollout_.next_values(t)[truncated_[k]] = final_values_[k];
}

bool OnPolicyAgent::learn(double progress) {
  const std::int64_t t = rollout_.size(), n = rollout_.num_envs();
  const StepView step = rollout_.sink();
  if (reward_normalizer_) {
    reward_normalizer_->normalize(step.reward, step.terminated, step.truncated, rollout_.rewards(t));
  } else {
    for (std::int64_t i = 0; i < n; ++i) rollout_.rewards(t)[i] = static_cast<float>(step.reward[i]);
  }
  value_truncated(t);
  rollout_.advance();
  if (!rollout_.full()) return false;

  // The critic has not changed since the first step, so all values are computed at once.
  const std::int64_t last = rollout_.size();
  networks_.encoder().encode(rollout_.obs(), n, false, rollout_.features(last));
  networks_.value(rollout_.features(0), (last + 1) * n, rollout_.values(0));
  rollout_.compute_advantages(config_.gamma, config_.gae_lambda);
  update(progress);
  explained_variance_ = explained_variance(rollout_.flat_values().const_data_ptr<float>(),
                                           rollout_.flat_returns().const_data_ptr<float>(), last * n);
  rollout_.clear();
  return true;
}

void OnPolicyAgent::step_optimizer(double progress) {
  learning_rate_ = config_.learning_rate.at(progress);
  optimizer_->step(networks_.parameters(), learning_rate_, config_.max_grad_norm);
  ++num_updates_;
}

PolicyBatch OnPolicyAgent::batch() const {
  auto on_device = [&](const at::Tensor& tensor) { return tensor.to(compute_.device); };  // nothing to do on the CPU
  return {.features = on_device(rollout_.flat_features()),
          .actions = on_device(rollout_.flat_actions()),
          .old_log_prob = on_device(rollout_.flat_log_probs()),
          .old_value = on_device(rollout_.flat_values()),
          .advantage = on_device(rollout_.flat_advantages()),
          .returns = on_device(rollout_.flat_returns())};
}

void OnPolicyAgent::report(Metrics& metrics) {
  if (learner_.num_gradients() == 0) return;
  const PolicyMeans means = learner_.take_means();
  metrics.set("train/policy_gradient_loss", means.policy_loss);
  metrics.set("train/value_loss", means.value_loss);
  metrics.set("train/entropy_loss", -means.entropy);
  metrics.set("train/explained_variance", explained_variance_);
  metrics.set("train/learning_rate", learning_rate_);
  metrics.set("train/n_updates", static_cast<double>(num_updates_));
  report(metrics, means);
}

void OnPolicyAgent::visit(Archive& archive) {
  archive("rng", rng_);
  archive("networks", networks_);
  archive("optimizer", *optimizer_);
  if (reward_normalizer_) archive("reward_normalizer", *reward_normalizer_);
  archive("num_updates", num_updates_);
  archive("learner", learner_);
  archive("learning_rate", learning_rate_);
  archive("explained_variance", explained_variance_);
}

/// A rollout of pictures is much larger than the networks.
void OnPolicyAgent::visit_memory(Archive& archive) { archive("rollout", rollout_); }

}  // namespace corvid
