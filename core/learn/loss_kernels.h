// Losses with their derivatives in one pass over a batch, on plain memory, as vector code for the processor at hand.
// Each equals the function of the same name in losses.h, differentiated by hand.
//
// Batches lie by columns: number k of row b at k * stride + b, so that vectors run along rows. Every loss is a mean
// over the whole batch, of which a call sees `rows` rows: `scale` is one over the batch's size. Sums of losses are
// added to what is there. Output gradients are written.
#pragma once

#include <cstdint>

#include "core/simd/isa.h"

namespace corvid {

enum class PolicyLoss : std::uint8_t {
  kPolicyGradient,    // -A log pi(a | s)
  kClippedSurrogate,  // -min(rho A, clip(rho) A)
};

/// What a policy's loss needs of each row: A = (advantage - advantage_mean) * advantage_scale.
struct PolicyRows {
  std::int64_t rows, stride;
  const float* advantage;     // [rows]
  const float* old_log_prob;  // [rows], for the surrogate and the approximate KL
  PolicyLoss loss = PolicyLoss::kClippedSurrogate;
  float advantage_mean = 0, advantage_scale = 1;
  float clip_range = 0.2f;
  float ent_coef = 0;
  float scale = 1;
};

/// Sums over rows, not yet divided by the size of the batch.
struct PolicySums {
  double loss = 0, entropy = 0, approx_kl = 0, num_clipped = 0;
};

struct LossKernels {
  /// A product of `num_parts` categoricals of `sizes[k]` logits each. logits, d_logits [sum of sizes, stride], actions
  /// [num_parts, stride].
  void (*categorical)(const PolicyRows& rows, std::int64_t num_parts, const std::int64_t* sizes, const float* logits,
                      const std::int32_t* actions, float* d_logits, PolicySums& sums);

  /// A diagonal Gaussian. means, actions, d_means [size, stride], log_std [size]; adds to d_log_std [size].
  void (*gaussian)(const PolicyRows& rows, std::int64_t size, const float* means, const float* log_std,
                   const float* actions, float* d_means, float* d_log_std, PolicySums& sums);

  /// weight * (V - R)^2, V kept within +-clip_range of old_values where clip_range > 0; all [rows].
  void (*value)(std::int64_t rows, const float* values, const float* returns, const float* old_values, float clip_range,
                float weight, float scale, float* d_values, double& sum_of_squares);

  /// weights[b] * loss(Q(s, a) - target) with loss e^2 / 2, or Huber's: e^2 / 2 up to |e| = delta, delta (|e| - delta /
  /// 2) beyond; delta = 0 is no Huber. q, d_q [num_actions, stride]; errors [rows] = Q - target. `weights` may be null.
  void (*td)(std::int64_t rows, std::int64_t stride, std::int64_t num_actions, const float* q,
             const std::int32_t* actions, const float* targets, const float* weights, float delta, float scale,
             float* d_q, float* errors, double& sum);

  /// a = tanh(mean + std z) and log pi(a | s); mean, log_std, noise z, actions [size, stride], log_probs [rows]. Log
  /// standard deviations are kept in [-20, 2]. (Haarnoja et al. 2018, appendix C.)
  void (*squashed_gaussian)(std::int64_t rows, std::int64_t stride, std::int64_t size, const float* means,
                            const float* log_stds, const float* noise, float* actions, float* log_probs);

  /// Derivatives of `scale` * sum(alpha log pi(a | s) + F(a)) by mean and log_std, for d_actions = dF/da, already
  /// scaled.
  void (*squashed_gaussian_gradient)(std::int64_t rows, std::int64_t stride, std::int64_t size, const float* log_stds,
                                     const float* noise, const float* actions, const float* d_actions, float alpha,
                                     float scale, float* d_means, float* d_log_stds);

  /// d_q1 = -scale where q1 is the smaller, d_q2 elsewhere: derivatives of -scale * sum(min(q1, q2)); all [rows].
  void (*least_of_two)(std::int64_t rows, const float* q1, const float* q2, float scale, float* d_q1, float* d_q2,
                       double& sum);

  /// target = r + discount (min(q1, q2) - alpha log pi(a' | s')); all [rows]. (Haarnoja et al. 2018, eq. 3 with clipped
  /// double Q.) `log_probs` may be null: TD3's target.
  void (*soft_target)(std::int64_t rows, const float* rewards, const float* discounts, const float* q1, const float* q2,
                      const float* log_probs, float alpha, float* targets);

  /// The soft maximum over actions, tau log sum_a exp(q_a / tau), of q [num_actions, stride]; soft_max [rows]. Actions
  /// whose `penalty` [num_actions, stride] is minus infinity are left out; `penalty` may be null. (Vieillard et al.
  /// 2020.)
  void (*soft_maximum)(std::int64_t rows, std::int64_t stride, std::int64_t num_actions, const float* q,
                       const float* penalty, float tau, float* soft_max);

  /// Softmax over each of `num_groups` groups of `size` columns; logits, probabilities [num_groups * size, stride].
  void (*softmax)(std::int64_t rows, std::int64_t stride, std::int64_t num_groups, std::int64_t size,
                  const float* logits, float* probabilities);

  /// Cross-entropy of logits [size, stride] against target probabilities [size, stride], weighted by weights [rows],
  /// which may be null; losses [rows] are not weighted. (Bellemare et al. 2017, algorithm 1.)
  void (*cross_entropy)(std::int64_t rows, std::int64_t stride, std::int64_t size, const float* logits,
                        const float* targets, const float* weights, float scale, float* d_logits, float* losses,
                        double& sum);

  /// Quantile Huber loss of quantiles [size, stride] at the midpoints (2 i + 1) / (2 size) against samples
  /// [num_samples, stride]: sum over quantiles, mean over samples (Dabney et al. 2018a, eq. 10; divided by kappa as
  /// Dabney et al. 2018b, eq. 3). weights [rows] may be null; losses [rows] are not weighted.
  void (*quantile)(std::int64_t rows, std::int64_t stride, std::int64_t size, std::int64_t num_samples,
                   const float* quantiles, const float* samples, const float* weights, float kappa, float scale,
                   float* d_quantiles, float* losses, double& sum);
};

/// The kernels of an instruction set; by default of the one in use.
const LossKernels& loss_kernels(Isa set = isa());

}  // namespace corvid
