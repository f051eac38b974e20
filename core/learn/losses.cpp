#include "core/learn/losses.h"

#include <limits>

namespace corvid {

at::Tensor policy_gradient_loss(const at::Tensor& log_prob, const at::Tensor& advantage) {
  return -(advantage * log_prob).mean();
}

ClippedSurrogate clipped_surrogate_loss(const at::Tensor& log_prob, const at::Tensor& old_log_prob,
                                        const at::Tensor& advantage, double clip_range) {
  const at::Tensor log_ratio = log_prob - old_log_prob;
  const at::Tensor ratio = at::exp(log_ratio);
  const at::Tensor clipped = ratio.clamp(1 - clip_range, 1 + clip_range);
  ClippedSurrogate result;
  result.loss = -at::min(ratio * advantage, clipped * advantage).mean();

  at::NoGradGuard no_grad;
  result.approx_kl = (ratio.detach() - 1 - log_ratio.detach()).mean();
  result.clip_fraction = ((ratio.detach() - 1).abs() > clip_range).to(at::kFloat).mean();
  return result;
}

at::Tensor value_loss(const at::Tensor& value, const at::Tensor& returns) { return at::mse_loss(value, returns); }

at::Tensor clipped_value_loss(const at::Tensor& value, const at::Tensor& old_value, const at::Tensor& returns,
                              double clip_range) {
  return value_loss(old_value + (value - old_value).clamp(-clip_range, clip_range), returns);
}

at::Tensor normalize_advantage(const at::Tensor& advantage) {
  if (advantage.numel() <= 1) return advantage;
  return (advantage - advantage.mean()) / (advantage.std() + 1e-8);
}

double explained_variance(const float* values, const float* returns, std::int64_t n) {
  double mean_return = 0, mean_error = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    mean_return += returns[i];
    mean_error += returns[i] - values[i];
  }
  mean_return /= static_cast<double>(n);
  mean_error /= static_cast<double>(n);
  double return_variance = 0, error_variance = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const double r = returns[i] - mean_return, e = returns[i] - values[i] - mean_error;
    return_variance += r * r;
    error_variance += e * e;
  }
  if (return_variance == 0) return std::numeric_limits<double>::quiet_NaN();
  return 1 - error_variance / return_variance;
}

}  // namespace corvid
