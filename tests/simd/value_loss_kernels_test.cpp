// Losses of values and of soft actor-critic against their formulas in double, small cases by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/learn/loss_kernels.h"
#include "tests/simd/simd_testing.h"

namespace corvid::testing {
namespace {

constexpr std::int64_t kRows[] = {1, 7, 16, 17, 64};
constexpr double kHalfLogTwoPi = 0.91893853320467274178;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

TEST(ValueLossKernels, ValueEqualsItsFormulaWithAndWithoutClipping) {
  Rng rng(40);
  Comparisons all;
  const double weight = 0.7, scale = 0.02;
  int num_held = 0, num_free = 0;
  for (const std::int64_t n : kRows) {
    const Fenced<float> values(n, rng), returns(n, rng), old_values(n, rng);
    for (const float clip_range : {0.0f, 0.8f}) {
      double expected = 0.25;
      std::vector<double> d_expected;
      for (std::int64_t b = 0; b < n; ++b) {
        const double change = static_cast<double>(values[b]) - old_values[b];
        const bool held = clip_range > 0 && std::abs(change) > clip_range;
        const double v = held ? old_values[b] + std::copysign(static_cast<double>(clip_range), change) : values[b];
        expected += (v - returns[b]) * (v - returns[b]);
        d_expected.push_back(held ? 0 : 2 * weight * scale * (v - returns[b]));
        ++(held ? num_held : num_free);
      }
      for (const Isa set : instruction_sets()) {
        Fenced<float> d(n);
        double sum = 0.25;
        loss_kernels(set).value(n, values.data(), returns.data(), clip_range > 0 ? old_values.data() : nullptr,
                                clip_range, static_cast<float>(weight), static_cast<float>(scale), d.data(), sum);
        all.near(sum, expected, 1e-6 * expected, isa_name(set), n, clip_range);
        for (std::int64_t b = 0; b < n; ++b)
          all.near(d[b], d_expected[static_cast<std::size_t>(b)], 1e-6 * scale, isa_name(set), n, clip_range, b);
      }
    }
  }
  EXPECT_TRUE(all.hold());
  EXPECT_GT(std::min(num_held, num_free), 20);
}

TEST(ValueLossKernels, ValueByHand) {
  // As ClippedValueLoss in losses_test.cpp: 2 -> 3 is held at 2.5, 2 -> 2.1 stays; errors -1.5 and 0.1, squares 2.25 and
  // 0.01. Derivatives 0 and 2 * 0.5 * 0.25 * 0.1.
  const float values[] = {3, 2.1f}, old_values[] = {2, 2}, returns[] = {4, 2};
  for (const Isa set : instruction_sets()) {
    float d[2];
    double sum = 0;
    loss_kernels(set).value(2, values, returns, old_values, 0.5f, 0.5f, 0.25f, d, sum);
    EXPECT_NEAR(sum, 2.26, 1e-6);
    EXPECT_EQ(d[0], 0);
    EXPECT_NEAR(d[1], 0.025, 1e-7);
  }
}

TEST(ValueLossKernels, TdEqualsItsFormulaWithAndWithoutHuberAndWeights) {
  Rng rng(41);
  Comparisons all;
  const double scale = 0.05;
  for (const std::int64_t n : kRows) {
    for (const std::int64_t num_actions : {1, 2, 7}) {
      const std::int64_t stride = n + 5;
      const Matrix q(num_actions, n, stride, rng);
      const Fenced<float> targets(n, rng, 2), weights(n, rng);
      Fenced<std::int32_t> actions(n);
      for (std::int64_t b = 0; b < n; ++b) actions[b] = static_cast<std::int32_t>(rng.integers(0, num_actions));
      for (const float delta : {0.0f, 1.0f, 0.3f}) {
        for (const bool weighted : {false, true}) {
          for (const Isa set : instruction_sets()) {
            Matrix d_q(num_actions, n, stride);
            Fenced<float> errors(n);
            double sum = 0.5, expected = 0.5, size = 1;
            loss_kernels(set).td(n, stride, num_actions, q.data(), actions.data(), targets.data(),
                                 weighted ? weights.data() : nullptr, delta, static_cast<float>(scale), d_q.data(),
                                 errors.data(), sum);
            all.is_true(d_q.padding_intact(), "written behind the rows", isa_name(set), n);
            for (std::int64_t b = 0; b < n; ++b) {
              const double e = static_cast<double>(q(actions[b], b)) - targets[b], w = weighted ? weights[b] : 1;
              const bool linear = delta > 0 && std::abs(e) > delta;
              const double loss = w * (linear ? delta * (std::abs(e) - delta / 2.0) : e * e / 2);
              const double slope = w * (linear ? std::copysign(static_cast<double>(delta), e) : e);
              expected += loss;
              size += std::abs(loss);
              all.near(errors[b], e, 5e-7, "error", isa_name(set), n, b);
              for (std::int64_t j = 0; j < num_actions; ++j)
                all.near(d_q(j, b), j == actions[b] ? slope * scale : 0, j == actions[b] ? 1e-6 * scale : 0,
                         isa_name(set), n, b, j, delta, weighted);
            }
            all.near(sum, expected, 2e-6 * size, isa_name(set), n, num_actions, delta, weighted);
          }
        }
      }
    }
  }
  EXPECT_TRUE(all.hold());
}

TEST(ValueLossKernels, TdByHand) {
  // Q = ((1, 5), (2, 7)) with actions 1 and 0: errors 5 - 4 = 1 and 2 - 5 = -3, weights 2 and 0.5, Huber's delta 2:
  // losses 2 * 0.5 = 1 and 0.5 * 2 * (3 - 1) = 2, slopes 2 * 1 and 0.5 * -2, times the scale 0.5
  const float q[] = {1, 2, 5, 7}, targets[] = {4, 5}, weights[] = {2, 0.5f};
  const std::int32_t actions[] = {1, 0};
  for (const Isa set : instruction_sets()) {
    float d[4], errors[2];
    double sum = 0;
    loss_kernels(set).td(2, 2, 2, q, actions, targets, weights, 2, 0.5f, d, errors, sum);
    EXPECT_EQ(sum, 3);
    EXPECT_EQ(std::vector<float>(errors, errors + 2), (std::vector<float>{1, -3}));
    EXPECT_EQ(std::vector<float>(d, d + 4), (std::vector<float>{0, -0.5f, 1, 0}));
  }
}

/// log pi(a | s) of a = tanh(u), u = mean + std z with z fixed:
///   -z^2 / 2 - log std - log(2 pi) / 2 - log(1 - tanh(u)^2),  where 1 - tanh(u)^2 = 1 / cosh(u)^2
double squashed_log_prob(double mean, double log_std, double z) {
  log_std = std::clamp(log_std, -20.0, 2.0);
  const double u = mean + std::exp(log_std) * z;
  return -z * z / 2 - log_std - kHalfLogTwoPi + 2 * std::log(std::cosh(u));
}

double squashed_action(double mean, double log_std, double z) {
  return std::tanh(mean + std::exp(std::clamp(log_std, -20.0, 2.0)) * z);
}

TEST(ValueLossKernels, SquashedGaussianAndItsGradientEqualTheirFormulas) {
  Rng rng(42);
  Comparisons all;
  const double alpha = 0.3, scale = 0.02;
  for (const std::int64_t n : kRows) {
    for (const std::int64_t size : {1, 3}) {
      const std::int64_t stride = n + 4;
      const Matrix means(size, n, stride, rng), noise(size, n, stride, rng), slopes(size, n, stride, rng);
      Matrix log_stds(size, n, stride, rng, 0.7), d_actions(size, n, stride);
      log_stds(0, 0) = 2.5f;                      // held at 2
      if (n > 1) log_stds(size - 1, 1) = -25.0f;  // held at -20
      for (const Isa set : instruction_sets()) {
        Matrix actions(size, n, stride), d_means(size, n, stride), d_log_stds(size, n, stride);
        Fenced<float> log_probs(n);
        loss_kernels(set).squashed_gaussian(n, stride, size, means.data(), log_stds.data(), noise.data(),
                                            actions.data(), log_probs.data());
        // F(a) = sum(scale slope a) beside the entropy's term.
        for (std::int64_t k = 0; k < size; ++k) {
          for (std::int64_t b = 0; b < n; ++b) d_actions(k, b) = static_cast<float>(scale * slopes(k, b));
        }
        loss_kernels(set).squashed_gaussian_gradient(n, stride, size, log_stds.data(), noise.data(), actions.data(),
                                                     d_actions.data(), static_cast<float>(alpha),
                                                     static_cast<float>(scale), d_means.data(), d_log_stds.data());
        all.is_true(actions.padding_intact() && d_means.padding_intact() && d_log_stds.padding_intact(), "padding", n);
        for (std::int64_t b = 0; b < n; ++b) {
          double log_prob = 0, terms = 0;
          for (std::int64_t k = 0; k < size; ++k) {
            const double mean = means(k, b), log_std = log_stds(k, b), z = noise(k, b);
            log_prob += squashed_log_prob(mean, log_std, z);
            terms += 20 + z * z;
            all.near(actions(k, b), squashed_action(mean, log_std, z), 1e-6, "action", isa_name(set), n, b, k);
            auto loss = [&](double m, double s) {
              return scale * (alpha * squashed_log_prob(m, s, z) + slopes(k, b) * squashed_action(m, s, z));
            };
            constexpr double kStep = 1e-5;
            const double by_mean = (loss(mean + kStep, log_std) - loss(mean - kStep, log_std)) / (2 * kStep);
            const double by_std = (loss(mean, log_std + kStep) - loss(mean, log_std - kStep)) / (2 * kStep);
            all.near(d_means(k, b), by_mean, 3e-6 * scale, "mean", isa_name(set), n, b, k);
            all.near(d_log_stds(k, b), by_std, 3e-6 * scale * (1 + std::exp(std::min(log_std, 2.0)) * std::abs(z)),
                     "log_std", isa_name(set), n, b, k);
          }
          all.near(log_probs[b], log_prob, 1e-6 * terms, isa_name(set), n, b);
        }
      }
    }
  }
  EXPECT_TRUE(all.hold());
}

TEST(ValueLossKernels, SquashedGaussianByHand) {
  // mean 0, std 1, z = 0: a = 0, log pi = -log(2 pi) / 2. Mean log 2 gives a = (4 - 1) / (4 + 1) = 0.6 and log pi less
  // log(1 - 0.36). Then with dF/da = 1, alpha = 0.5 and z = 0: d/d mean = 0.64 + 0.5 * 2 * 0.6, d/d log std = -alpha.
  const float means[] = {0, std::log(2.0f)}, zeros[] = {0, 0}, d_actions[] = {1, 1};
  for (const Isa set : instruction_sets()) {
    float actions[2], log_probs[2], d_means[2], d_log_stds[2];
    loss_kernels(set).squashed_gaussian(2, 2, 1, means, zeros, zeros, actions, log_probs);
    EXPECT_EQ(actions[0], 0);
    EXPECT_NEAR(actions[1], 0.6, 2e-7);
    EXPECT_NEAR(log_probs[0], -kHalfLogTwoPi, 2e-7);
    EXPECT_NEAR(log_probs[1], -kHalfLogTwoPi - std::log(0.64), 5e-7);
    loss_kernels(set).squashed_gaussian_gradient(2, 2, 1, zeros, zeros, actions, d_actions, 0.5f, 1, d_means,
                                                 d_log_stds);
    EXPECT_NEAR(d_means[0], 1, 2e-7);
    EXPECT_NEAR(d_means[1], 1.24, 5e-7);
    EXPECT_EQ(d_log_stds[1], -0.5f);
  }
}

TEST(ValueLossKernels, LeastOfTwoSendsTheGradientToTheSmaller) {
  Rng rng(43);
  for (const Isa set : instruction_sets()) {
    for (const std::int64_t n : kRows) {
      const Fenced<float> q1(n, rng), q2(n, rng);
      Fenced<float> d1(n), d2(n);
      double sum = 0.5, expected = 0.5;
      loss_kernels(set).least_of_two(n, q1.data(), q2.data(), 0.25f, d1.data(), d2.data(), sum);
      for (std::int64_t b = 0; b < n; ++b) {
        expected += std::min(q1[b], q2[b]);
        EXPECT_EQ(d1[b], q1[b] < q2[b] ? -0.25f : 0.0f) << isa_name(set) << " " << n << " " << b;
        EXPECT_EQ(d2[b], q2[b] < q1[b] ? -0.25f : 0.0f) << isa_name(set) << " " << n << " " << b;
      }
      EXPECT_NEAR(sum, expected, 1e-5);
    }
    // min(1, 4) + min(3, 2) = 3; of two equal ones exactly one gets the gradient
    const float one[] = {1, 3, 5}, two[] = {4, 2, 5};
    float d1[3], d2[3];
    double sum = 0;
    loss_kernels(set).least_of_two(2, one, two, 1, d1, d2, sum);
    EXPECT_EQ(sum, 3);
    loss_kernels(set).least_of_two(3, one, two, 1, d1, d2, sum);
    EXPECT_EQ(d1[0], -1);
    EXPECT_EQ(d2[1], -1);
    EXPECT_EQ(d1[2] + d2[2], -1);
  }
}

TEST(ValueLossKernels, SoftTargetEqualsItsFormula) {
  Rng rng(44);
  Comparisons all;
  for (const Isa set : instruction_sets()) {
    for (const std::int64_t n : kRows) {
      const Fenced<float> rewards(n, rng), discounts(n, rng), q1(n, rng), q2(n, rng), log_probs(n, rng);
      for (const bool soft : {false, true}) {
        Fenced<float> targets(n);
        loss_kernels(set).soft_target(n, rewards.data(), discounts.data(), q1.data(), q2.data(),
                                      soft ? log_probs.data() : nullptr, 0.2f, targets.data());
        for (std::int64_t b = 0; b < n; ++b) {
          const double value = std::min(q1[b], q2[b]) - (soft ? 0.2 * log_probs[b] : 0);
          all.near(targets[b], rewards[b] + discounts[b] * value, 2e-6, isa_name(set), n, b, soft);
        }
      }
    }
    // 1 + 0.5 * (min(6, 4) - 0.5 * -2) = 3.5
    const float reward = 1, discount = 0.5f, q1 = 6, q2 = 4, log_prob = -2;
    float target = 0;
    loss_kernels(set).soft_target(1, &reward, &discount, &q1, &q2, &log_prob, 0.5f, &target);
    EXPECT_EQ(target, 3.5f);
  }
  EXPECT_TRUE(all.hold());
}

TEST(ValueLossKernels, NaNIsNeitherClippedNorOvertaken) {
  // A network that diverged must not look healthy to its loss: LibTorch's clamp, min and Huber loss keep NaN, too.
  const float zero = 0, one = 1;
  const std::int32_t action = 0;
  for (const Isa set : instruction_sets()) {
    const LossKernels& table = loss_kernels(set);
    float d = 0, other = 0;
    double sum = 0;
    for (const float clip_range : {0.0f, 0.5f}) {
      table.value(1, &kNaN, &one, &zero, clip_range, 1, 1, &d, sum = 0);
      EXPECT_TRUE(std::isnan(d) && std::isnan(sum)) << isa_name(set) << ", value, clip_range " << clip_range;
    }
    for (const float delta : {0.0f, 1.0f}) {
      table.td(1, 1, 1, &kNaN, &action, &one, nullptr, delta, 1, &d, &other, sum = 0);
      EXPECT_TRUE(std::isnan(d) && std::isnan(sum)) << isa_name(set) << ", td, delta " << delta;
    }
    table.squashed_gaussian(1, 1, 1, &kNaN, &zero, &one, &d, &other);
    EXPECT_TRUE(std::isnan(d) && std::isnan(other)) << isa_name(set) << ", mean";
    table.squashed_gaussian(1, 1, 1, &zero, &kNaN, &one, &d, &other);
    EXPECT_TRUE(std::isnan(d) && std::isnan(other)) << isa_name(set) << ", log std";
    table.soft_target(1, &one, &one, &kNaN, &one, nullptr, 0, &d);
    EXPECT_TRUE(std::isnan(d)) << isa_name(set) << ", first Q";
    table.soft_target(1, &one, &one, &one, &kNaN, nullptr, 0, &d);
    EXPECT_TRUE(std::isnan(d)) << isa_name(set) << ", second Q";
    for (const bool first : {true, false}) {
      table.least_of_two(1, first ? &kNaN : &one, first ? &one : &kNaN, 1, &d, &other, sum = 0);
      EXPECT_TRUE(std::isnan(sum)) << isa_name(set) << ", least of two, " << (first ? "first" : "second");
    }
  }
}

}  // namespace
}  // namespace corvid::testing
