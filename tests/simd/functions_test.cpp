// tanh, the logistic function, exp and log of the vector kernels, reached through activations and losses, against the C
// library in double: whole ranges, huge numbers, infinities, NaN, zeros and denormals.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "core/learn/loss_kernels.h"
#include "core/nn/kernels.h"
#include "tests/simd/simd_testing.h"

namespace corvid::testing {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr double kHalfLogTwoPi = 0.91893853320467274178;

/// act(x) for many x: a layer of one input with weight 1 and bias 0.
std::vector<float> activations(Isa set, Activation activation, const std::vector<float>& x) {
  const float weight = 1, bias = 0;
  std::vector<float> y(x.size());
  kernels(set).forward(static_cast<std::int64_t>(x.size()), 1, 1, x.data(), 1, &weight, &bias, activation, y.data(), 1,
                       nullptr, nullptr);
  return y;
}

/// act'(x) for many x.
std::vector<float> slopes(Isa set, Activation activation, const std::vector<float>& x) {
  const float weight = 1;
  const std::vector<float> left = activations(set, activation, x), dy(x.size(), 1);
  std::vector<float> dx(x.size());
  kernels(set).input_gradient(static_cast<std::int64_t>(x.size()), 1, 1, dy.data(), 1, 1, &weight, 1, activation,
                              left.data(), x.data(), 1, dx.data(), 1, nullptr);
  return dx;
}

/// Evenly from -bound to bound, and numbers of every size down to denormals.
std::vector<float> many_numbers(float bound) {
  std::vector<float> x;
  constexpr int kCount = 20000;
  for (int k = -kCount; k <= kCount; ++k) x.push_back(bound * static_cast<float>(k) / kCount);
  for (float size = 1e4f; size > 0; size *= 0.4f) {
    x.push_back(size);
    x.push_back(-size);
  }
  return x;
}

TEST(Functions, TanhIsExactToSomeUnitsInTheLastPlace) {
  Comparisons all;
  const std::vector<float> x = many_numbers(12);
  for (const Isa set : instruction_sets()) {
    const std::vector<float> y = activations(set, Activation::kTanh, x), slope = slopes(set, Activation::kTanh, x);
    for (std::size_t k = 0; k < x.size(); ++k) {
      const double exact = std::tanh(static_cast<double>(x[k]));
      all.near(y[k], exact, 3e-7 * std::abs(exact), isa_name(set), x[k]);
      all.near(slope[k], 1 - exact * exact, 7e-7, "slope", isa_name(set), x[k]);
    }
  }
  EXPECT_TRUE(all.hold());
}

TEST(Functions, TanhNeverLeavesItsRange) {
  // A squashed action beyond 1 is outside the action space, and 1 - tanh^2 of a saturated unit must not be negative.
  Comparisons all;
  std::vector<float> x = many_numbers(40);
  x.insert(x.end(), {kInfinity, -kInfinity, 3e38f, -3e38f});
  for (const Isa set : instruction_sets()) {
    const std::vector<float> y = activations(set, Activation::kTanh, x), slope = slopes(set, Activation::kTanh, x);
    for (std::size_t k = 0; k < x.size(); ++k) {
      all.is_true(std::abs(y[k]) <= 1, "tanh leaves [-1, 1] by", std::abs(y[k]) - 1, isa_name(set), x[k]);
      all.is_true(slope[k] >= 0, "a negative slope", slope[k], isa_name(set), x[k]);
      if (std::abs(x[k]) > 10) all.near(y[k], std::copysign(1.0, x[k]), 0, isa_name(set), x[k]);
    }
  }
  EXPECT_TRUE(all.hold());
}

TEST(Functions, SiluIsExactForLargeAndSmallNumbers) {
  Comparisons all;
  const std::vector<float> x = many_numbers(100);
  for (const Isa set : instruction_sets()) {
    const std::vector<float> y = activations(set, Activation::kSilu, x), slope = slopes(set, Activation::kSilu, x);
    for (std::size_t k = 0; k < x.size(); ++k) {
      // The share that the logistic function keeps is exact far below 0, too, until e^x is no normal number any more.
      const double s = 1 / (1 + std::exp(-static_cast<double>(x[k])));
      all.near(y[k], x[k] * s, 4e-7 * std::abs(x[k] * s) + 1e-35, isa_name(set), x[k]);
      // Below 0 the slope s (1 + x (1 - s)) is a difference; above, 1 - s has lost digits.
      const double exact = s + x[k] * s * (1 - s);
      const double tolerance = x[k] < 0 ? 4e-7 * s * (1 - x[k]) : 3e-7 + 1e-7 * std::min(x[k], 20.0f);
      all.near(slope[k], exact, tolerance + 1e-35, "slope", isa_name(set), x[k]);
    }
  }
  EXPECT_TRUE(all.hold());
}

TEST(Functions, SiluOfHugeNumbersIsTheNumberOrNothing) {
  for (const Isa set : instruction_sets()) {
    const std::vector<float> y = activations(set, Activation::kSilu, {1e4f, -1e4f, 3e38f, -3e38f, kInfinity});
    EXPECT_EQ(y[0], 1e4f);
    EXPECT_NEAR(y[1], 0, 1e-6) << isa_name(set);
    EXPECT_EQ(y[2], 3e38f);
    EXPECT_NEAR(y[3], 0, 1e-6) << isa_name(set);
    EXPECT_EQ(y[4], kInfinity);
    const std::vector<float> slope = slopes(set, Activation::kSilu, {1e4f, -1e4f, 3e38f, -3e38f});
    for (int k = 0; k < 4; ++k)
      EXPECT_NEAR(slope[static_cast<std::size_t>(k)], k % 2 == 0 ? 1 : 0, 1e-6) << isa_name(set);
  }
}

TEST(Functions, ReluKeepsExactlyThePositivePart) {
  Comparisons all;
  std::vector<float> x = many_numbers(3);
  x.insert(x.end(), {kInfinity, -kInfinity});
  for (const Isa set : instruction_sets()) {
    const std::vector<float> y = activations(set, Activation::kRelu, x), slope = slopes(set, Activation::kRelu, x);
    for (std::size_t k = 0; k < x.size(); ++k) {
      all.near(y[k], x[k] > 0 ? x[k] : 0, 0, isa_name(set), x[k]);
      all.near(slope[k], x[k] > 0 ? 1 : 0, 0, "slope", isa_name(set), x[k]);
    }
  }
  EXPECT_TRUE(all.hold());
}

TEST(Functions, ActivationsKeepNaNAndItsNeighbours) {
  std::vector<float> x(33, 0.5f);
  x[5] = x[32] = kNaN;
  for (const Isa set : instruction_sets()) {
    for (const Activation activation : {Activation::kTanh, Activation::kRelu, Activation::kSilu, Activation::kNone}) {
      const std::vector<float> y = activations(set, activation, x);
      for (std::size_t k = 0; k < x.size(); ++k)
        EXPECT_EQ(std::isnan(y[k]), k == 5 || k == 32)
            << isa_name(set) << " " << static_cast<int>(activation) << " " << k;
    }
  }
}

/// The ratio e^t as the clipped surrogate sees it: -loss with advantage 1 for t < 0, loss with advantage -1 for others.
double ratio(Isa set, float log_prob_change, float& exact_change) {
  const float log_prob = -0.918938533f;  // of the mean of a standard normal distribution
  const float old_log_prob = log_prob - log_prob_change, advantage = log_prob_change < 0 ? 1 : -1;
  const float mean = 0, log_std = 0, action = 0;
  exact_change = log_prob - old_log_prob;
  float d_mean = 0, d_log_std = 0;
  PolicySums sums;
  const PolicyRows rows{.rows = 1, .stride = 1, .advantage = &advantage, .old_log_prob = &old_log_prob};
  loss_kernels(set).gaussian(rows, 1, &mean, &log_std, &action, &d_mean, &d_log_std, sums);
  return advantage > 0 ? -sums.loss : sums.loss;
}

TEST(Functions, ExpIsExactOverTheRangeOfFloats) {
  Comparisons all;
  for (const Isa set : instruction_sets()) {
    for (int k = -8600; k <= 8700; ++k) {
      float change = 0;
      const double found = ratio(set, static_cast<float>(k) * 0.01f, change);
      const double exact = std::exp(static_cast<double>(change));
      all.near(found, exact, 3e-7 * exact, isa_name(set), change);
    }
  }
  EXPECT_TRUE(all.hold());
}

TEST(Functions, ExpEndsAtTheBoundsOfFloats) {
  for (const Isa set : instruction_sets()) {
    float change = 0;
    for (const float t : {-88.0f, -1e4f, -3e38f, -kInfinity}) EXPECT_LT(ratio(set, t, change), 2e-38) << t;
    for (const float t : {89.0f, 1e4f, 3e38f, kInfinity}) EXPECT_GT(ratio(set, t, change), 1e38) << t;
    EXPECT_EQ(ratio(set, 0, change), 1);
    EXPECT_EQ(ratio(set, 1e-40f, change), 1);
    EXPECT_TRUE(std::isnan(ratio(set, kNaN, change))) << isa_name(set);
  }
}

TEST(Functions, LogIsExactForSumsOfProbabilities) {
  // n equal logits: every action has -log n, and the entropy is log n.
  Comparisons all;
  for (const Isa set : instruction_sets()) {
    for (std::int64_t n = 1; n <= 600; n += n < 40 ? 1 : 37) {
      const std::vector<float> logits(static_cast<std::size_t>(n), 1.5f);
      std::vector<float> gradient(logits.size());
      const std::int32_t action = 0;
      const float advantage = 1, old_log_prob = 0;
      PolicySums sums;
      const PolicyRows rows{.rows = 1,
                            .stride = 1,
                            .advantage = &advantage,
                            .old_log_prob = &old_log_prob,
                            .loss = PolicyLoss::kPolicyGradient};
      loss_kernels(set).categorical(rows, 1, &n, logits.data(), &action, gradient.data(), sums);
      const double exact = std::log(static_cast<double>(n));
      all.near(sums.loss, exact, 4e-7 * std::max(exact, 1.0), isa_name(set), n);
      all.near(sums.entropy, exact, 1e-5 * std::max(exact, 1.0), "entropy", isa_name(set), n);
    }
  }
  EXPECT_TRUE(all.hold());
}

TEST(Functions, LogSoftmaxStandsHugeLogits) {
  Comparisons all;
  for (const Isa set : instruction_sets()) {
    for (const float x : many_numbers(90)) {
      const float logits[] = {0, x}, advantage = 1, old_log_prob = 0;
      float gradient[2];
      const std::int64_t size = 2;
      for (const std::int32_t action : {0, 1}) {
        PolicySums sums;
        const PolicyRows rows{.rows = 1,
                              .stride = 1,
                              .advantage = &advantage,
                              .old_log_prob = &old_log_prob,
                              .loss = PolicyLoss::kPolicyGradient};
        loss_kernels(set).categorical(rows, 1, &size, logits, &action, gradient, sums);
        // -log p(0) = log(1 + e^x), -log p(1) = log(1 + e^-x), without overflow
        const double to_other = action == 0 ? x : -static_cast<double>(x);
        const double exact = std::max(to_other, 0.0) + std::log1p(std::exp(-std::abs(to_other)));
        const double p_other = 1 / (1 + std::exp(-to_other));
        const double tolerance = 3e-7 + 1.2e-7 * std::abs(x);
        all.near(sums.loss, exact, tolerance, isa_name(set), x, action);
        all.near(gradient[1 - action], p_other, tolerance, isa_name(set), x, action);
        all.near(gradient[action], -p_other, tolerance, isa_name(set), x, action);
      }
    }
  }
  EXPECT_TRUE(all.hold());
}

TEST(Functions, LogSoftmaxOfHugeLogitsIsThatOfTheirDifferences) {
  // log p is a difference of logits: what all of them have in common, here up to 1e6, must not cost digits.
  for (const Isa set : instruction_sets()) {
    for (const float common : {0.0f, 1000.0f, -1000.0f, 1e4f, 1e6f}) {
      const float logits[] = {common, common + 1}, advantage = 1, old_log_prob = 0;
      float gradient[2];
      const std::int64_t size = 2;
      const std::int32_t action = 0;
      PolicySums sums;
      const PolicyRows rows{.rows = 1,
                            .stride = 1,
                            .advantage = &advantage,
                            .old_log_prob = &old_log_prob,
                            .loss = PolicyLoss::kPolicyGradient};
      loss_kernels(set).categorical(rows, 1, &size, logits, &action, gradient, sums);
      EXPECT_NEAR(sums.loss, 1.31326169, 1e-6) << isa_name(set) << " " << common;     // log(1 + e)
      EXPECT_NEAR(gradient[0], -0.73105858, 1e-6) << isa_name(set) << " " << common;  // e / (1 + e)
    }
  }
}

TEST(Functions, LogProbOfSquashedActionsStandsHugeMeans) {
  // With std = 1 and z = 0: log pi = -log(2 pi) / 2 - log(1 - tanh(u)^2), and 1 - tanh(u)^2 = (2 / (e^u + e^-u))^2.
  Comparisons all;
  for (const Isa set : instruction_sets()) {
    for (const float u : many_numbers(50)) {
      const float log_std = 0, noise = 0;
      float action = 0, log_prob = 0;
      loss_kernels(set).squashed_gaussian(1, 1, 1, &u, &log_std, &noise, &action, &log_prob);
      const double size = std::abs(static_cast<double>(u));
      const double log_slope = 2 * (std::numbers::ln2 - size - std::log1p(std::exp(-2 * size)));
      all.near(log_prob, -kHalfLogTwoPi - log_slope, 5e-7 * std::max(size, 1.0), isa_name(set), u);
      all.near(action, std::tanh(static_cast<double>(u)), 4e-7, "action", isa_name(set), u);
      all.is_true(std::abs(action) <= 1, "an action outside [-1, 1]", isa_name(set), u);
    }
  }
  EXPECT_TRUE(all.hold());
}

}  // namespace
}  // namespace corvid::testing
