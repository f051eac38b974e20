// Targets and losses of value-function agents: pure functions of tensors, one formula one home. Batches are [B];
// Q-values [B, A]; distributions [B, A, K]; `discount` is gamma^n, or 0 where the episode terminated. `legal` [B, A] is
// a mask, undefined where every action is legal.
#pragma once

#include "core/nn/torch.h"

namespace corvid {

/// argmax_a Q(s, a) over legal actions, [B].
at::Tensor greedy_actions(const at::Tensor& q, const at::Tensor& legal);

/// r + discount * V(s') (Sutton and Barto 2018, eq. 6.2; Mnih et al. 2015 with V = max_a Q', van Hasselt et al. 2016
/// with V = Q'(s', argmax_a Q(s', a))).
at::Tensor td_target(const at::Tensor& reward, const at::Tensor& discount, const at::Tensor& next_value);

/// h(x) = sign(x) (sqrt(|x| + 1) - 1) + eps x with eps = 1e-3: values on a scale on which large ones differ less
/// (Pohlen et al. 2018, proposition A.2; Kapturowski et al. 2019, section 2.3).
at::Tensor rescale_values(const at::Tensor& x);

/// The inverse of it, in double: in float its difference of near numbers loses the value.
at::Tensor unscale_values(const at::Tensor& x);

/// tau log sum_a exp(Q(s, a) / tau) over legal actions, [B] (Vieillard et al. 2020, section 3).
at::Tensor soft_maximum(const at::Tensor& q, const at::Tensor& legal, double tau);

/// clip(tau log pi(a | s), low, 0) with pi = softmax(Q / tau): what Munchausen adds to the reward, times alpha
/// (Vieillard et al. 2020, eq. 2), for the action's value q [B] and the soft maximum [B] of its state.
at::Tensor munchausen_bonus(const at::Tensor& q, const at::Tensor& soft_max, double alpha, double low);

/// w * e^2 / 2 of the TD errors e, or Huber's loss beyond |e| = delta where delta > 0; mean over the batch. An
/// undefined weight is 1.
at::Tensor td_loss(const at::Tensor& error, const at::Tensor& weight, double delta);

/// The distribution of r + discount * Z' projected onto the support of K atoms from v_min to v_max, for probabilities
/// of Z' [B, K] (Bellemare et al. 2017, algorithm 1).
at::Tensor categorical_projection(const at::Tensor& probabilities, const at::Tensor& reward, const at::Tensor& discount,
                                  double v_min, double v_max);

/// Cross-entropy [B] of logits against target probabilities, both [B, K].
at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& target);

/// Quantile Huber loss [B] of quantiles [B, N] at fractions tau [N] or [B, N] against samples [B, M]: sum over
/// quantiles, mean over samples (Dabney et al. 2018a, eq. 10; divided by kappa as in Dabney et al. 2018b, eq. 3).
at::Tensor quantile_huber_loss(const at::Tensor& quantiles, const at::Tensor& tau, const at::Tensor& samples,
                               double kappa);

/// (2 i + 1) / (2 N) for i = 0 .. N - 1: where N quantiles lie (Dabney et al. 2018a, lemma 2).
at::Tensor quantile_midpoints(std::int64_t n);

/// mean(w * loss) over the batch; an undefined weight is 1.
at::Tensor weighted_mean(const at::Tensor& loss, const at::Tensor& weight);

}  // namespace corvid
