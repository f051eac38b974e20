#include "core/learn/loss_kernels.h"

#include "core/simd/vector.h"

namespace corvid::simd {
inline namespace CORVID_ISA {
namespace {

using Size = std::int64_t;

constexpr float kHalfLogTwoPi = 0.918938533f;

/// Calls body(b, mask) for vectors of rows; the mask covers the rows there are.
template <class Body>
CORVID_INLINE void for_each_rows(Size rows, Body&& body) {
  for (Size b = 0; b < rows; b += kLanes) body(b, first(rows - b < kLanes ? rows - b : kLanes));
}

/// The sum of what the mask covers.
CORVID_INLINE float masked_sum(Vector x, Mask mask) { return sum(select(mask, x, set(0.0f))); }

/// The policy's loss at one vector of rows, from log pi(a | s): adds to the sums and returns the loss's derivative by
/// it.
CORVID_INLINE Vector policy_loss(const PolicyRows& r, Size b, Mask mask, Vector log_prob, Vector entropy,
                                 PolicySums& sums) {
  const Vector one = set(1.0f);
  const Vector advantage = (load(r.advantage + b, mask) - set(r.advantage_mean)) * set(r.advantage_scale);
  sums.entropy += masked_sum(entropy, mask);
  if (r.loss == PolicyLoss::kPolicyGradient) {
    sums.loss -= masked_sum(advantage * log_prob, mask);
    return -advantage;
  }
  // Schulman et al. 2017, eq. 7
  const Vector log_ratio = log_prob - load(r.old_log_prob + b, mask);
  const Vector ratio = exp(log_ratio);
  const Vector clipped = clamp(ratio, set(1 - r.clip_range), set(1 + r.clip_range));
  const Vector plain = ratio * advantage, bounded = clipped * advantage;
  sums.loss -= masked_sum(min(plain, bounded), mask);
  sums.approx_kl += masked_sum(ratio - one - log_ratio, mask);
  sums.num_clipped += masked_sum(select(less(set(r.clip_range), abs(ratio - one)), one, set(0.0f)), mask);
  // Where the bounded term is the smaller one, the ratio no longer matters.
  return select(less(bounded, plain), set(0.0f), -plain);
}

void categorical(const PolicyRows& r, Size num_parts, const Size* sizes, const float* logits,
                 const std::int32_t* actions, float* d_logits, PolicySums& sums) {
  for_each_rows(r.rows, [&](Size b, Mask mask) {
    // First log p of every action, kept where the derivatives will go.
    Vector log_prob = set(0.0f), entropy = set(0.0f);
    const float* logit = logits + b;
    float* kept = d_logits + b;
    for (Size part = 0; part < num_parts; ++part) {
      const Ints action = load_ints(actions + part * r.stride + b, mask);
      Vector largest = load(logit, mask);
      for (Size j = 1; j < sizes[part]; ++j) largest = max(largest, load(logit + j * r.stride, mask));
      Vector total = set(0.0f);
      for (Size j = 0; j < sizes[part]; ++j) total = total + exp(load(logit + j * r.stride, mask) - largest);
      const Vector log_total = log(total);
      for (Size j = 0; j < sizes[part]; ++j) {
        const Vector log_p = (load(logit + j * r.stride, mask) - largest) - log_total;
        entropy = fnma(exp(log_p), log_p, entropy);
        log_prob = log_prob + select(equal(action, set_int(static_cast<std::int32_t>(j))), log_p, set(0.0f));
        store(kept + j * r.stride, log_p, mask);
      }
      logit += sizes[part] * r.stride;
      kept += sizes[part] * r.stride;
    }

    // d log p(a) / d logit_j = 1[j = a] - p_j;  d H / d logit_j = -p_j (log p_j + H), H of the part
    const Vector d_log_prob = policy_loss(r, b, mask, log_prob, entropy, sums);
    float* out = d_logits + b;
    for (Size part = 0; part < num_parts; ++part) {
      const Ints action = load_ints(actions + part * r.stride + b, mask);
      Vector part_entropy = set(0.0f);
      for (Size j = 0; j < sizes[part]; ++j) {
        const Vector log_p = load(out + j * r.stride, mask);
        part_entropy = fnma(exp(log_p), log_p, part_entropy);
      }
      for (Size j = 0; j < sizes[part]; ++j) {
        const Vector log_p = load(out + j * r.stride, mask);
        const Vector p = exp(log_p);
        const Vector chosen = select(equal(action, set_int(static_cast<std::int32_t>(j))), set(1.0f), set(0.0f));
        const Vector d = d_log_prob * (chosen - p) + set(r.ent_coef) * p * (log_p + part_entropy);
        store(out + j * r.stride, d * set(r.scale), mask);
      }
      out += sizes[part] * r.stride;
    }
  });
}

void gaussian(const PolicyRows& r, Size size, const float* means, const float* log_std, const float* actions,
              float* d_means, float* d_log_std, PolicySums& sums) {
  // H = sum(0.5 + 0.5 log(2 pi) + log std); every log std has the derivative 1.
  Vector entropy = set(0.0f);
  for (Size k = 0; k < size; ++k) {
    entropy = entropy + set(log_std[k] + 0.5f + kHalfLogTwoPi);
    d_log_std[k] -= r.ent_coef * r.scale * static_cast<float>(r.rows);
  }
  for_each_rows(r.rows, [&](Size b, Mask mask) {
    Vector log_prob = set(0.0f);
    for (Size k = 0; k < size; ++k) {
      const Vector z =
          (load(actions + k * r.stride + b, mask) - load(means + k * r.stride + b, mask)) * exp(set(-log_std[k]));
      log_prob = log_prob - fma(z * z, set(0.5f), set(log_std[k] + kHalfLogTwoPi));
    }
    // d log pi / d mean = z / std;  d log pi / d log std = z^2 - 1
    const Vector d_log_prob = policy_loss(r, b, mask, log_prob, entropy, sums) * set(r.scale);
    for (Size k = 0; k < size; ++k) {
      const Vector inverse = exp(set(-log_std[k]));
      const Vector z = (load(actions + k * r.stride + b, mask) - load(means + k * r.stride + b, mask)) * inverse;
      store(d_means + k * r.stride + b, d_log_prob * z * inverse, mask);
      d_log_std[k] += masked_sum(d_log_prob * fma(z, z, set(-1.0f)), mask);
    }
  });
}

void value(Size rows, const float* values, const float* returns, const float* old_values, float clip_range,
           float weight, float scale, float* d_values, double& sum_of_squares) {
  for_each_rows(rows, [&](Size b, Mask mask) {
    Vector v = load(values + b, mask);
    Vector moves = set(2 * weight * scale);
    if (clip_range > 0) {
      const Vector old = load(old_values + b, mask), change = v - old;
      v = old + clamp(change, set(-clip_range), set(clip_range));
      moves = select(less(set(clip_range), abs(change)), set(0.0f), moves);
    }
    const Vector error = v - load(returns + b, mask);
    sum_of_squares += masked_sum(error * error, mask);
    store(d_values + b, moves * error, mask);
  });
}

void td(Size rows, Size stride, Size num_actions, const float* q, const std::int32_t* actions, const float* targets,
        const float* weights, float delta, float scale, float* d_q, float* errors, double& total) {
  for_each_rows(rows, [&](Size b, Mask mask) {
    const Ints action = load_ints(actions + b, mask);
    Vector chosen = set(0.0f);
    for (Size j = 0; j < num_actions; ++j) {
      const Mask is_chosen = equal(action, set_int(static_cast<std::int32_t>(j)));
      chosen = chosen + select(is_chosen, load(q + j * stride + b, mask), set(0.0f));
    }
    const Vector error = chosen - load(targets + b, mask);
    const Vector weight = weights ? load(weights + b, mask) : set(1.0f);
    Vector slope = error, loss = error * error * set(0.5f);
    if (delta > 0) {
      slope = clamp(error, set(-delta), set(delta));
      loss = slope * fma(slope, set(-0.5f), error);  // e^2 / 2 inside, delta (|e| - delta / 2) outside
    }
    store(errors + b, error, mask);
    total += masked_sum(weight * loss, mask);
    for (Size j = 0; j < num_actions; ++j) {
      const Mask is_chosen = equal(action, set_int(static_cast<std::int32_t>(j)));
      store(d_q + j * stride + b, select(is_chosen, slope * weight * set(scale), set(0.0f)), mask);
    }
  });
}

CORVID_INLINE Vector clamped_log_std(Vector log_std) { return clamp(log_std, set(-20.0f), set(2.0f)); }

void squashed_gaussian(Size rows, Size stride, Size size, const float* means, const float* log_stds, const float* noise,
                       float* actions, float* log_probs) {
  for_each_rows(rows, [&](Size b, Mask mask) {
    Vector log_prob = set(0.0f);
    for (Size k = 0; k < size; ++k) {
      const Size at = k * stride + b;
      const Vector log_std = clamped_log_std(load(log_stds + at, mask)), z = load(noise + at, mask);
      const Vector u = fma(exp(log_std), z, load(means + at, mask));
      // log(1 - tanh(u)^2) = 2 (log 2 - |u| - log(1 + e^(-2 |u|))), which stays exact for large u
      const Vector size_u = abs(u);
      const Vector log_slope = set(2.0f) * (set(0.693147181f) - size_u - log(set(1.0f) + exp(set(-2.0f) * size_u)));
      log_prob = log_prob - (fma(z * z, set(0.5f), log_std + set(kHalfLogTwoPi)) + log_slope);
      store(actions + at, tanh(u), mask);
    }
    store(log_probs + b, log_prob, mask);
  });
}

void squashed_gaussian_gradient(Size rows, Size stride, Size size, const float* log_stds, const float* noise,
                                const float* actions, const float* d_actions, float alpha, float scale, float* d_means,
                                float* d_log_stds) {
  for_each_rows(rows, [&](Size b, Mask mask) {
    for (Size k = 0; k < size; ++k) {
      const Size at = k * stride + b;
      const Vector given = load(log_stds + at, mask), log_std = clamped_log_std(given);
      const Vector a = load(actions + at, mask), z = load(noise + at, mask);
      // d log pi / du = 2 tanh(u), with z fixed; da / du = 1 - a^2
      const Vector entropy_weight = set(alpha * scale);
      const Vector d_u = load(d_actions + at, mask) * fnma(a, a, set(1.0f)) + entropy_weight * (a + a);
      const Vector d_log_std = d_u * exp(log_std) * z - entropy_weight;
      const Mask outside = either(less(given, set(-20.0f)), less(set(2.0f), given));
      store(d_means + at, d_u, mask);
      store(d_log_stds + at, select(outside, set(0.0f), d_log_std), mask);
    }
  });
}

void least_of_two(Size rows, const float* q1, const float* q2, float scale, float* d_q1, float* d_q2, double& total) {
  for_each_rows(rows, [&](Size b, Mask mask) {
    const Vector one = load(q1 + b, mask), two = load(q2 + b, mask);
    const Mask second = less(two, one);
    total += masked_sum(least(one, two), mask);
    store(d_q1 + b, select(second, set(0.0f), set(-scale)), mask);
    store(d_q2 + b, select(second, set(-scale), set(0.0f)), mask);
  });
}

void soft_target(Size rows, const float* rewards, const float* discounts, const float* q1, const float* q2,
                 const float* log_probs, float alpha, float* targets) {
  for_each_rows(rows, [&](Size b, Mask mask) {
    Vector value = least(load(q1 + b, mask), load(q2 + b, mask));
    if (log_probs) value = fnma(set(alpha), load(log_probs + b, mask), value);
    store(targets + b, fma(load(discounts + b, mask), value, load(rewards + b, mask)), mask);
  });
}

void soft_maximum(Size rows, Size stride, Size num_actions, const float* q, const float* penalty, float tau,
                  float* soft_max) {
  for_each_rows(rows, [&](Size b, Mask mask) {
    auto value = [&](Size a) {
      const Vector x = load(q + a * stride + b, mask);
      return penalty ? x + load(penalty + a * stride + b, mask) : x;
    };
    Vector largest = value(0);
    for (Size a = 1; a < num_actions; ++a) largest = max(largest, value(a));
    Vector total = set(0.0f);
    for (Size a = 0; a < num_actions; ++a) total = total + exp((value(a) - largest) * set(1 / tau));
    store(soft_max + b, fma(set(tau), log(total), largest), mask);
  });
}

void softmax(Size rows, Size stride, Size num_groups, Size size, const float* logits, float* probabilities) {
  for_each_rows(rows, [&](Size b, Mask mask) {
    for (Size group = 0; group < num_groups; ++group) {
      const float* from = logits + group * size * stride + b;
      float* to = probabilities + group * size * stride + b;
      Vector largest = load(from, mask);
      for (Size k = 1; k < size; ++k) largest = max(largest, load(from + k * stride, mask));
      Vector total = set(0.0f);
      for (Size k = 0; k < size; ++k) {
        const Vector e = exp(load(from + k * stride, mask) - largest);
        total = total + e;
        store(to + k * stride, e, mask);
      }
      const Vector share = set(1.0f) / total;
      for (Size k = 0; k < size; ++k) store(to + k * stride, load(to + k * stride, mask) * share, mask);
    }
  });
}

void cross_entropy(Size rows, Size stride, Size size, const float* logits, const float* targets, const float* weights,
                   float scale, float* d_logits, float* losses, double& sum_of_losses) {
  for_each_rows(rows, [&](Size b, Mask mask) {
    Vector largest = load(logits + b, mask);
    for (Size k = 1; k < size; ++k) largest = max(largest, load(logits + k * stride + b, mask));
    Vector total = set(0.0f);
    for (Size k = 0; k < size; ++k) total = total + exp(load(logits + k * stride + b, mask) - largest);
    const Vector log_total = log(total);
    const Vector weight = weights ? load(weights + b, mask) : set(1.0f);
    Vector loss = set(0.0f);
    for (Size k = 0; k < size; ++k) {
      const Vector log_p = (load(logits + k * stride + b, mask) - largest) - log_total;
      const Vector target = load(targets + k * stride + b, mask);
      loss = fnma(target, log_p, loss);
      // d loss / d logit_k = p_k - m_k, as the targets sum to 1
      store(d_logits + k * stride + b, (exp(log_p) - target) * weight * set(scale), mask);
    }
    store(losses + b, loss, mask);
    sum_of_losses += masked_sum(weight * loss, mask);
  });
}

void quantile(Size rows, Size stride, Size size, Size num_samples, const float* quantiles, const float* samples,
              const float* weights, float kappa, float scale, float* d_quantiles, float* losses,
              double& sum_of_losses) {
  const Vector one = set(1.0f), zero = set(0.0f), share = set(1.0f / static_cast<float>(num_samples));
  for_each_rows(rows, [&](Size b, Mask mask) {
    const Vector weight = weights ? load(weights + b, mask) : one;
    Vector loss = zero;
    for (Size i = 0; i < size; ++i) {
      const float tau = (2.0f * static_cast<float>(i) + 1.0f) / (2.0f * static_cast<float>(size));
      const Vector theta = load(quantiles + i * stride + b, mask);
      Vector total = zero, slope = zero;
      for (Size j = 0; j < num_samples; ++j) {
        // |tau - 1[u < 0]| L(u) / kappa with L Huber's loss, L'(u) = clamp(u)
        const Vector u = load(samples + j * stride + b, mask) - theta;
        const Vector side = select(less(u, zero), set(1.0f - tau), set(tau));
        const Vector bounded = clamp(u, set(-kappa), set(kappa));
        total = fma(side, bounded * fma(bounded, set(-0.5f), u), total);
        slope = fma(side, bounded, slope);
      }
      loss = fma(total, share * set(1 / kappa), loss);
      store(d_quantiles + i * stride + b, -slope * share * set(1 / kappa) * weight * set(scale), mask);
    }
    store(losses + b, loss, mask);
    sum_of_losses += masked_sum(weight * loss, mask);
  });
}

}  // namespace

extern const LossKernels kLossKernels;
const LossKernels kLossKernels = {
    categorical,  gaussian,    value,        td,      squashed_gaussian, squashed_gaussian_gradient,
    least_of_two, soft_target, soft_maximum, softmax, cross_entropy,     quantile};

}  // namespace CORVID_ISA
}  // namespace corvid::simd
