// Implicit quantile networks: quantiles of the return at fractions drawn at random.
// Source: Dabney et al. 2018, "Implicit Quantile Networks for Distributional Reinforcement Learning", algorithm 1.
// Deviation: as dqn; the policy's fractions are evenly spaced, not drawn.
#include "core/learn/value_losses.h"
#include "core/nn/iqn_network.h"
#include "core/run/replay_agent.h"

namespace corvid {
namespace {

struct IqnConfig : ReplayAgentConfig {
  std::int64_t n_quantiles = 64;
  std::int64_t n_target_quantiles = 64;
  std::int64_t n_policy_quantiles = 32;
  std::int64_t n_cosines = 64;
  double kappa = 1;
};

class Iqn final : public ReplayAgent {
 public:
  using Config = IqnConfig;

  static Fields fields(Config& c) {
    Fields list = corvid::fields(static_cast<ReplayAgentConfig&>(c));
    std::erase_if(list, [](const Field& f) {
      return f.is_called("dueling") || f.is_called("layer_norm") || f.name().starts_with("noisy");
    });
    list.push_back(Field("n_quantiles", &c.n_quantiles, "fractions drawn for the prediction").at_least(1));
    list.push_back(Field("n_target_quantiles", &c.n_target_quantiles, "fractions drawn for the target").at_least(1));
    list.push_back(Field("n_policy_quantiles", &c.n_policy_quantiles, "fractions that an action's value is a mean of")
                       .at_least(1));
    list.push_back(Field("n_cosines", &c.n_cosines, "cosines that a fraction is embedded in").at_least(1));
    list.push_back(Field("kappa", &c.kappa, "error where the loss turns linear").more_than(0));
    return list;
  }

  Iqn(const Config& config, const AgentContext& context)
      : ReplayAgent(config, context, "iqn"),
        config_(config),
        online_(context.spec, config, config.n_cosines, compute_, rng_),
        target_(context.spec, config, config.n_cosines, compute_, rng_),
        adam_(online_.parameters(), {.eps = config.adam_eps, .pool = compute_.pool}),
        sums_(at::zeros({2}, at::TensorOptions().device(compute_.device))) {
    polyak_update(online_.parameters(), target_.parameters(), 1);
  }

 protected:
  void q_values(const float* features, std::int64_t n, float*, bool, float* q) override {
    const std::int64_t width = num_inputs();
    infer_with_torch(compute_.device, features, n, width, online_.num_actions(), q, [&](const at::Tensor& x) {
      const at::Tensor tau = quantile_midpoints(config_.n_policy_quantiles).to(x.device());
      return online_.forward(x, tau.expand({x.size(0), -1})).mean(1);
    });
    check_finite(q, n * online_.num_actions());
  }

  const float* update(const TransitionBatch& batch, double progress) override {
    const ValueTensors b = to_tensors(batch, num_inputs(), online_.num_actions(), compute_.device);
    at::Tensor target;
    {
      // a* = argmax_a mean_k Z'_tau_k(s', a);  y_j = r + gamma Z'_tau_j(s', a*)
      at::NoGradGuard no_grad;
      const at::Tensor q = target_.forward(b.next_features, draw(batch.size, config_.n_policy_quantiles)).mean(1);
      const at::Tensor next = target_.forward(b.next_features, draw(batch.size, config_.n_target_quantiles));
      target = td_target(b.reward.unsqueeze(1), b.discount.unsqueeze(1), pick(next, greedy_actions(q, b.next_legal)));
    }
    // L = mean(w sum_i mean_j rho_tau_i(y_j - Z_tau_i(s, a)))
    const at::Tensor tau = draw(batch.size, config_.n_quantiles);
    const at::Tensor predicted = pick(online_.forward(b.features, tau), b.action);
    const at::Tensor losses = quantile_huber_loss(predicted, tau, target, config_.kappa);
    const at::Tensor loss = weighted_mean(losses, b.weight);
    online_.parameters().zero_grad();
    loss.backward();
    adam_.step(online_.parameters(), learning_rate(progress), config_.max_grad_norm);

    at::NoGradGuard no_grad;
    sums_.add_(at::stack({loss.detach(), predicted.detach().mean()}));
    ++num_recorded_;
    if (!config_.prioritized_replay) return nullptr;
    errors_ = losses.detach().cpu();
    return errors_.const_data_ptr<float>();
  }

  void update_target() override { polyak_update(online_.parameters(), target_.parameters(), config_.tau); }

  void report(Metrics& metrics) override {
    ReplayAgent::report(metrics);
    if (num_recorded_ == 0) return;
    const at::Tensor means = (sums_ / num_recorded_).cpu();
    metrics.set("train/loss", means.const_data_ptr<float>()[0]);
    metrics.set("train/q_value", means.const_data_ptr<float>()[1]);
    sums_.zero_();
    num_recorded_ = 0;
  }

  void visit(Archive& archive) override {
    ReplayAgent::visit(archive);
    archive("online", online_);
    archive("target", target_);
    archive("adam", adam_);
    visit_tensor(archive, "sums", sums_);
    archive("num_recorded", num_recorded_);
  }

 private:
  /// Fractions in [0, 1), [rows, n].
  at::Tensor draw(std::int64_t rows, std::int64_t n) {
    at::Tensor tau = at::empty({rows, n});
    for (std::int64_t k = 0; k < tau.numel(); ++k) tau.data_ptr<float>()[k] = static_cast<float>(rng_.random());
    return tau.to(compute_.device);
  }

  /// The quantiles [B, N] of one action a row, from [B, N, A].
  static at::Tensor pick(const at::Tensor& quantiles, const at::Tensor& actions) {
    return quantiles.gather(2, actions.view({-1, 1, 1}).expand({-1, quantiles.size(1), 1})).squeeze(2);
  }

  Config config_;
  IqnNetwork online_, target_;
  Adam adam_;
  at::Tensor sums_, errors_;
  std::int64_t num_recorded_ = 0;
};

CORVID_REGISTER_AGENT(Iqn,
                      {.id = "iqn",
                       .family = "value",
                       .summary = "Implicit quantile networks: quantiles of the return at fractions drawn at random",
                       .source = "Dabney et al. 2018, arXiv:1806.06923"});

}  // namespace
}  // namespace corvid
