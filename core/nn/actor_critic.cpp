#include "core/nn/actor_critic.h"

#include <algorithm>
#include <cmath>

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

ActorCritic::ActorCritic(const EnvSpec& spec, const ActorCriticConfig& config, const Compute& compute, Rng& rng)
    : compute_(compute),
      encoder_(spec.observation, config.normalize_observations, config.clip_observations),
      distribution_(make_distribution(spec.action, config.log_std_init)) {
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

namespace {

void check_finite(const float* outputs, std::int64_t n) {
  double sum = 0;
  for (std::int64_t k = 0; k < n; ++k) sum += outputs[k];
  if (std::isfinite(sum)) return;
  fail(ErrorKind::kFailed,
       "a network gave NaN or infinity: training diverged; lower learning_rate or max_grad_norm, or look for "
       "unbounded observations or rewards");
}

}  // namespace

void ActorCritic::infer(const Mlp& mlp, const float* features, std::int64_t n, float* outputs) {
  constexpr std::int64_t kChunk = 256, kMostSlices = 8;
  const std::int64_t width = mlp.outputs();
  if (!mlp.fused()) {
    constexpr std::int64_t kMostRows = 1 << 16;  // at once, since LibTorch keeps a tensor a layer of them
    at::NoGradGuard no_grad;
    for (std::int64_t first = 0; first < n; first += kMostRows) {
      const std::int64_t count = std::min(kMostRows, n - first);
      // from_blob does not own or write the memory; on the CPU this is a view.
      const at::Tensor x =
          at::from_blob(const_cast<float*>(features) + first * encoder_.size(), {count, encoder_.size()}, at::kFloat);
      const at::Tensor y = mlp.forward(x.to(compute_.device)).cpu();
      std::copy_n(y.const_data_ptr<float>(), count * width, outputs + first * width);
    }
    return check_finite(outputs, n * width);
  }
  auto& work = &mlp == &actor_ ? actor_work_ : critic_work_;
  const std::int64_t rows = std::min(n, kChunk), num_chunks = (n + kChunk - 1) / kChunk;
  const std::int64_t num_slices = std::min(num_chunks, kMostSlices);
  if (!work.empty() && work.front()->rows() < rows) work.clear();
  while (static_cast<std::int64_t>(work.size()) < num_slices)
    work.push_back(std::make_unique<FusedMlp::Workspace>(*mlp.fused(), rows));
  auto run = [&](int slice) {
    for (std::int64_t chunk = slice; chunk < num_chunks; chunk += num_slices) {
      const std::int64_t first = chunk * kChunk;
      mlp.fused()->infer(mlp.data(), features + first * encoder_.size(), std::min(kChunk, n - first),
                         outputs + first * width, *work[static_cast<std::size_t>(slice)]);
    }
  };
  SplitChoice& choice = &mlp == &actor_ ? actor_choice_ : critic_choice_;
  choice.run(compute_.pool.get(), static_cast<int>(num_slices), run);
  check_finite(outputs, n * width);
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
  outputs_.resize(static_cast<std::size_t>(n * actor_.outputs()));
  infer(actor_, features_.data(), n, outputs_.data());
  distribution_->act(outputs_.data(), n, deterministic, rng, stored_.data(), actions, log_probs_.data());
}

void ActorCritic::visit(Archive& archive) {
  archive("encoder", encoder_);
  archive("parameters", parameters_);
}

}  // namespace corvid
