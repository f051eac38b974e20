#include "core/nn/actor_critic.h"

namespace corvid {

Fields fields(ActorCriticConfig& c) {
  return {
      Field("net_arch", &c.net_arch, "widths of the hidden layers of actor and critic").at_least(1),
      Field("activation", &c.activation, "between the layers").one_of({"tanh", "relu", "silu"}),
      Field("log_std_init", &c.log_std_init, "first log standard deviation of a Gaussian policy"),
      Field("normalize_observations", &c.normalize_observations, "scale observations by their running mean and std")
          .alias("norm_obs"),
      Field("clip_observations", &c.clip_observations, "bound of scaled observations").more_than(0).alias("clip_obs"),
  };
}

ActorCritic::ActorCritic(const EnvSpec& spec, const ActorCriticConfig& config, const Compute& compute, Rng& rng)
    : compute_(compute),
      encoder_(spec.observation, config.normalize_observations, config.clip_observations),
      distribution_(make_distribution(spec.action, config.log_std_init)),
      actor_inference_(compute.pool),
      critic_inference_(compute.pool) {
  const Activation activation = parse_activation(config.activation);
  // A small last layer makes the first policy nearly uniform (Andrychowicz et al. 2021).
  actor_ = Mlp(encoder_.size(), config.net_arch, distribution_->num_outputs(), activation, 0.01, rng);
  critic_ = Mlp(encoder_.size(), config.net_arch, 1, activation, 1.0, rng);

  std::vector<at::Tensor> tensors = actor_.parameters();
  for (const at::Tensor& tensor : critic_.parameters()) tensors.push_back(tensor);
  for (const at::Tensor& tensor : distribution_->parameters()) tensors.push_back(tensor);
  for (at::Tensor& tensor : tensors) tensor.set_data(tensor.to(compute.device));
  parameters_ = Parameters(std::move(tensors), compute.on_kernels());
  if (compute.on_kernels()) {
    actor_.fuse();
    critic_.fuse();
  }
}

void ActorCritic::infer(const Mlp& mlp, const float* features, std::int64_t n, float* outputs) {
  if (mlp.fused()) {
    Inference& inference = &mlp == &actor_ ? actor_inference_ : critic_inference_;
    inference.run(*mlp.fused(), mlp.data(), features, n, outputs);
  } else {
    infer_with_torch(compute_.device, features, n, encoder_.size(), mlp.outputs(), outputs,
                     [&](const at::Tensor& x) { return mlp.forward(x); });
  }
  check_finite(outputs, n * mlp.outputs());
}

void ActorCritic::act(const float* features, std::int64_t n, Rng& rng, void* actions, void* env_actions,
                      float* log_probs) {
  outputs_.resize(static_cast<std::size_t>(n * actor_.outputs()));
  infer(actor_, features, n, outputs_.data());
  distribution_->act(outputs_.data(), n, false, rng, actions, env_actions, log_probs);
}

void ActorCritic::value(const float* features, std::int64_t n, float* values) { infer(critic_, features, n, values); }

ActorCritic::Outputs ActorCritic::evaluate(const at::Tensor& features, const at::Tensor& actions) const {
  const Evaluation evaluation = distribution_->evaluate(actor_.forward(features), actions);
  return {evaluation.log_prob, evaluation.entropy, critic_.forward(features).squeeze(1)};
}

void ActorCritic::act(const ObsView& obs, std::int64_t n, bool deterministic, Rng& rng, void* actions) {
  features_.resize(static_cast<std::size_t>(n * encoder_.size()));
  log_probs_.resize(static_cast<std::size_t>(n));
  stored_.resize(static_cast<std::size_t>(n * distribution_->action_size()));  // wide enough for floats
  encoder_.encode(obs, n, false, features_.data());
  policy_outputs_.resize(static_cast<std::size_t>(n * actor_.outputs()));
  infer(actor_, features_.data(), n, policy_outputs_.data());
  distribution_->act(policy_outputs_.data(), n, deterministic, rng, stored_.data(), actions, log_probs_.data());
}

Insight ActorCritic::insight() {
  const auto n = static_cast<std::int64_t>(log_probs_.size());
  Insight insight;
  if (n == 0) return insight;
  insight.values.resize(log_probs_.size());
  value(features_.data(), n, insight.values.data());
  distribution_->describe(policy_outputs_.data(), n, insight);
  return insight;
}

void ActorCritic::visit(Archive& archive) {
  archive("encoder", encoder_);
  archive("parameters", parameters_);
}

}  // namespace corvid
