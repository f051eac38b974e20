#include "core/nn/actor_critic.h"

#include <cmath>
#include <cstring>

#include "core/base/check.h"

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

ActorCritic::ActorCritic(const EnvSpec& spec, const ActorCriticConfig& config, at::Device device, Rng& rng)
    : device_(device),
      encoder_(spec.observation, config.normalize_observations, config.clip_observations),
      distribution_(make_distribution(spec.action, config.log_std_init)) {
  const Activation activation = parse_activation(config.activation);
  // A small last layer makes the first policy nearly uniform (Andrychowicz et al. 2021).
  actor_ = Mlp(encoder_.size(), config.net_arch, distribution_->num_outputs(), activation, 0.01, rng);
  critic_ = Mlp(encoder_.size(), config.net_arch, 1, activation, 1.0, rng);

  std::vector<at::Tensor> tensors = actor_.parameters();
  for (const at::Tensor& tensor : critic_.parameters()) tensors.push_back(tensor);
  for (const at::Tensor& tensor : distribution_->parameters()) tensors.push_back(tensor);
  for (at::Tensor& tensor : tensors) tensor.set_data(tensor.to(device));
  parameters_ = Parameters(std::move(tensors));
}

at::Tensor ActorCritic::on_device(const float* features, std::int64_t n) const {
  // from_blob does not own or write the memory; on the CPU this is a view.
  return at::from_blob(const_cast<float*>(features), {n, encoder_.size()}, at::kFloat).to(device_);
}

namespace {

void check_finite(const at::Tensor& outputs) {
  const float* numbers = outputs.const_data_ptr<float>();
  double sum = 0;
  for (std::int64_t k = 0; k < outputs.numel(); ++k) sum += numbers[k];
  if (std::isfinite(sum)) return;
  fail(ErrorKind::kFailed,
       "a network gave NaN or infinity: training diverged; lower learning_rate or max_grad_norm, or look for "
       "unbounded observations or rewards");
}

}  // namespace

void ActorCritic::act(const float* features, std::int64_t n, Rng& rng, void* actions, void* env_actions,
                      float* log_probs, float* values) {
  at::NoGradGuard no_grad;
  const at::Tensor x = on_device(features, n);
  const at::Tensor outputs = actor_.forward(x).cpu();
  const at::Tensor value = critic_.forward(x).cpu();
  check_finite(outputs);
  check_finite(value);
  distribution_->act(outputs.const_data_ptr<float>(), n, false, rng, actions, env_actions, log_probs);
  std::memcpy(values, value.const_data_ptr<float>(), static_cast<std::size_t>(n) * sizeof(float));
}

void ActorCritic::value(const float* features, std::int64_t n, float* values) {
  at::NoGradGuard no_grad;
  const at::Tensor value = critic_.forward(on_device(features, n)).cpu();
  std::memcpy(values, value.const_data_ptr<float>(), static_cast<std::size_t>(n) * sizeof(float));
}

ActorCritic::Outputs ActorCritic::evaluate(const at::Tensor& features, const at::Tensor& actions) const {
  const Evaluation evaluation = distribution_->evaluate(actor_.forward(features), actions);
  return {evaluation.log_prob, evaluation.entropy, critic_.forward(features).squeeze(1)};
}

void ActorCritic::act(const ObsView& obs, std::int64_t n, bool deterministic, Rng& rng, void* actions) {
  at::NoGradGuard no_grad;
  std::vector<float> features(static_cast<std::size_t>(n * encoder_.size()));
  encoder_.encode(obs, n, false, features.data());
  const at::Tensor outputs = actor_.forward(on_device(features.data(), n)).cpu();
  std::vector<float> log_probs(static_cast<std::size_t>(n));
  std::vector<std::int64_t> stored(
      static_cast<std::size_t>(n * distribution_->action_size()));  // wide enough for floats
  check_finite(outputs);
  distribution_->act(outputs.const_data_ptr<float>(), n, deterministic, rng, stored.data(), actions, log_probs.data());
}

void ActorCritic::visit(Archive& archive) {
  archive("encoder", encoder_);
  archive("parameters", parameters_);
}

}  // namespace corvid
