#include "core/learn/td_policy.h"

#include <algorithm>

#include "core/base/check.h"

namespace corvid {

Fields fields(TdPolicyConfig& c) {
  return {
      Field("net_arch", &c.net_arch, "widths of the hidden layers").at_least(1).alias("hidden_sizes"),
      Field("activation", &c.activation, "between the layers").one_of({"tanh", "relu", "silu"}),
      Field("layer_norm", &c.layer_norm, "normalise the sums of each hidden layer before the activation"),
      Field("normalize_observations", &c.normalize_observations, "scale observations by their running mean and std"),
      Field("clip_observations", &c.clip_observations, "bound of scaled observations").more_than(0),
  };
}

namespace {

const EnvSpec& checked(const EnvSpec& spec, const char* agent) {
  if (spec.action.kind == Space::Kind::kDiscrete) return spec;
  fail(ErrorKind::kUsage, agent, " chooses one discrete action a step, this environment takes ",
       spec.action.to_string(), "; choose an agent that takes those, as ppo");
}

std::int64_t best_of(const float* q, std::int64_t num_actions, const std::uint8_t* mask) {
  std::int64_t best = -1;
  for (std::int64_t a = 0; a < num_actions; ++a) {
    if ((!mask || mask[a]) && (best < 0 || q[a] > q[best])) best = a;
  }
  if (best < 0) fail(ErrorKind::kFailed, "an environment allows no action at all; its action_mask is at fault");
  return best;
}

/// Uniform over the legal actions, of which there is one at least.
std::int64_t any_of(std::int64_t num_actions, const std::uint8_t* mask, Rng& rng) {
  if (!mask) return rng.integers(0, num_actions);
  std::int64_t left = rng.integers(0, num_actions - std::count(mask, mask + num_actions, std::uint8_t{0}));
  std::int64_t action = 0;
  while (!mask[action] || left-- > 0) ++action;
  return action;
}

}  // namespace

TdPolicy::TdPolicy(const EnvSpec& spec, const TdPolicyConfig& config, const Compute& compute, Rng& rng,
                   const char* agent)
    : encoder_(checked(spec, agent).observation, config.normalize_observations, config.clip_observations),
      network_(encoder_.size(), config.net_arch, spec.action.n, parse_activation(config.activation), 1.0, rng,
               config.layer_norm),
      learner_(network_, parameters_, compute),
      start_(spec.action.start),
      num_actions_(spec.action.n) {
  std::vector<at::Tensor> tensors = network_.parameters();
  for (at::Tensor& tensor : tensors) tensor.set_data(tensor.to(compute.device));
  parameters_ = Parameters(std::move(tensors), compute.on_kernels());
  if (compute.on_kernels()) network_.fuse();
}

void TdPolicy::choose(const float* features, const std::uint8_t* masks, std::int64_t n, double epsilon, Rng& rng,
                      float* values, std::int64_t* actions) {
  q_.resize(static_cast<std::size_t>(n * num_actions_));
  learner_.infer(features, n, q_.data());
  for (std::int64_t i = 0; i < n; ++i) {
    const float* const q = q_.data() + i * num_actions_;
    const std::uint8_t* const mask = masks ? masks + i * num_actions_ : nullptr;
    const std::int64_t best = best_of(q, num_actions_, mask);
    values[i] = q[best];
    if (actions) actions[i] = epsilon > 0 && rng.random() < epsilon ? any_of(num_actions_, mask, rng) : best;
  }
}

void TdPolicy::act(const ObsView& obs, std::int64_t n, bool deterministic, Rng& rng, void* actions) {
  features_.resize(static_cast<std::size_t>(n * encoder_.size()));
  values_.resize(static_cast<std::size_t>(n));
  encoder_.encode(obs, n, false, features_.data());
  auto* const chosen = static_cast<std::int64_t*>(actions);
  choose(features_.data(), obs.action_mask, n, deterministic ? 0 : epsilon_, rng, values_.data(), chosen);
  for (std::int64_t i = 0; i < n; ++i) chosen[i] += start_;
}

void TdPolicy::visit(Archive& archive) {
  archive("encoder", encoder_);
  archive("parameters", parameters_);
  archive("learner", learner_);
  archive("epsilon", epsilon_);
}

}  // namespace corvid
