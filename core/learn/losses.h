// Losses of policy-gradient agents: pure functions of tensors, one formula one home. Batches are [B].
#pragma once

#include "core/nn/torch.h"

namespace corvid {

/// -mean(A log pi(a | s)) (Williams 1992; Sutton et al. 2000).
at::Tensor policy_gradient_loss(const at::Tensor& log_prob, const at::Tensor& advantage);

/// PPO's clipped surrogate (Schulman et al. 2017, eq. 7), negated for minimising:
///   -mean(min(rho A, clip(rho, 1 - eps, 1 + eps) A)),  rho = exp(log_prob - old_log_prob)
struct ClippedSurrogate {
  at::Tensor loss;           // scalar
  at::Tensor approx_kl;      // scalar, mean((rho - 1) - log rho) (Schulman 2020, estimator k3); no gradient
  at::Tensor clip_fraction;  // scalar, share of |rho - 1| > eps; no gradient
};
ClippedSurrogate clipped_surrogate_loss(const at::Tensor& log_prob, const at::Tensor& old_log_prob,
                                        const at::Tensor& advantage, double clip_range);

/// mean((V - R)^2).
at::Tensor value_loss(const at::Tensor& value, const at::Tensor& returns);

/// The value loss with predictions kept within +-`clip_range` of the old ones, as Stable-Baselines3's `clip_range_vf`.
at::Tensor clipped_value_loss(const at::Tensor& value, const at::Tensor& old_value, const at::Tensor& returns,
                              double clip_range);

/// (A - mean(A)) / (std(A) + 1e-8), std with Bessel's correction; a batch of one is left as it is.
at::Tensor normalize_advantage(const at::Tensor& advantage);

/// 1 - Var(R - V) / Var(R): 1 is perfect, 0 no better than a constant. NaN when the returns do not vary.
double explained_variance(const float* values, const float* returns, std::int64_t n);

}  // namespace corvid
