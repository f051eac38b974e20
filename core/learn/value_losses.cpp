#include "core/learn/value_losses.h"

#include <limits>

namespace corvid {

namespace {

/// Values of illegal actions become minus infinity.
at::Tensor among_legal(const at::Tensor& q, const at::Tensor& legal) {
  return legal.defined() ? q.masked_fill(legal.logical_not(), -std::numeric_limits<float>::infinity()) : q;
}

}  // namespace

at::Tensor greedy_actions(const at::Tensor& q, const at::Tensor& legal) { return among_legal(q, legal).argmax(1); }

at::Tensor td_target(const at::Tensor& reward, const at::Tensor& discount, const at::Tensor& next_value) {
  return reward + discount * next_value;
}

namespace {
constexpr double kRescaleEps = 1e-3;
}

at::Tensor rescale_values(const at::Tensor& x) { return x.sign() * ((x.abs() + 1).sqrt() - 1) + kRescaleEps * x; }

at::Tensor unscale_values(const at::Tensor& x) {
  // sign(x) (((sqrt(1 + 4 eps (|x| + 1 + eps)) - 1) / (2 eps))^2 - 1)
  const at::Tensor y = x.to(at::kDouble);
  const at::Tensor root = (1 + 4 * kRescaleEps * (y.abs() + 1 + kRescaleEps)).sqrt();
  return (y.sign() * (((root - 1) / (2 * kRescaleEps)).square() - 1)).to(x.scalar_type());
}

at::Tensor soft_maximum(const at::Tensor& q, const at::Tensor& legal, double tau) {
  return tau * at::logsumexp(among_legal(q, legal) / tau, 1);
}

at::Tensor munchausen_bonus(const at::Tensor& q, const at::Tensor& soft_max, double alpha, double low) {
  return alpha * (q - soft_max).clamp(low, 0);
}

at::Tensor td_loss(const at::Tensor& error, const at::Tensor& weight, double delta) {
  if (delta == 0) return weighted_mean(error.square() * 0.5, weight);
  const at::Tensor bounded = error.clamp(-delta, delta);
  return weighted_mean(bounded * (error - bounded * 0.5), weight);
}

at::Tensor categorical_projection(const at::Tensor& probabilities, const at::Tensor& reward, const at::Tensor& discount,
                                  double v_min, double v_max) {
  const std::int64_t atoms = probabilities.size(1);
  const double gap = (v_max - v_min) / static_cast<double>(atoms - 1);
  const at::Tensor support = at::linspace(v_min, v_max, atoms, probabilities.options());
  const at::Tensor moved = (reward.unsqueeze(1) + discount.unsqueeze(1) * support).clamp(v_min, v_max);
  // Each atom's mass goes to its two neighbours: the share for atom k falls linearly with the distance to it.
  const at::Tensor share = (1 - (moved.unsqueeze(1) - support.view({1, -1, 1})).abs() / gap).clamp(0, 1);
  return (share * probabilities.unsqueeze(1)).sum(2);
}

at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& target) {
  return -(target * at::log_softmax(logits, 1)).sum(1);
}

at::Tensor quantile_huber_loss(const at::Tensor& quantiles, const at::Tensor& tau, const at::Tensor& samples,
                               double kappa) {
  const at::Tensor error = samples.unsqueeze(1) - quantiles.unsqueeze(2);  // [B, N, M]
  const at::Tensor bounded = error.clamp(-kappa, kappa);
  const at::Tensor huber = bounded * (error - bounded * 0.5);
  const at::Tensor side = (tau.unsqueeze(-1) - (error.detach() < 0).to(error.scalar_type())).abs();
  return (side * huber / kappa).mean(2).sum(1);
}

at::Tensor quantile_midpoints(std::int64_t n) {
  return (2 * at::arange(n, at::kFloat) + 1) / (2 * static_cast<double>(n));
}

at::Tensor weighted_mean(const at::Tensor& loss, const at::Tensor& weight) {
  return weight.defined() ? (weight * loss).mean() : loss.mean();
}

}  // namespace corvid
