// Losses of distributions of returns, and the soft maximum, against their formulas in double, small cases by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/learn/loss_kernels.h"
#include "tests/simd/simd_testing.h"

namespace corvid::testing {
namespace {

constexpr std::int64_t kRows[] = {1, 7, 16, 17, 64};
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// tau log sum exp(x / tau) without overflow.
double log_sum_exp(const std::vector<double>& x, double tau) {
  const double largest = *std::max_element(x.begin(), x.end());
  double sum = 0;
  for (const double number : x) sum += std::exp((number - largest) / tau);
  return largest + tau * std::log(sum);
}

std::vector<double> column(const Matrix& m, std::int64_t first, std::int64_t count, std::int64_t b) {
  std::vector<double> numbers;
  for (std::int64_t k = first; k < first + count; ++k) numbers.push_back(m(k, b));
  return numbers;
}

TEST(DistributionLossKernels, SoftMaximumEqualsItsFormula) {
  Rng rng(50);
  Comparisons all;
  for (const std::int64_t n : kRows) {
    for (const std::int64_t num_actions : {1, 2, 7}) {
      for (const double std : {1.0, 300.0}) {
        const std::int64_t stride = n + 3;
        const Matrix q(num_actions, n, stride, rng, std);
        Matrix penalty(num_actions, n, stride);
        for (std::int64_t b = 0; b < n; ++b) {
          const std::int64_t open = rng.integers(0, num_actions);
          for (std::int64_t a = 0; a < num_actions; ++a)
            penalty(a, b) = a == open || rng.integers(0, 2) ? 0.0f : -kInfinity;
        }
        for (const float tau : {0.03f, 1.0f, 10.0f}) {
          for (const bool masked : {false, true}) {
            for (const Isa set : instruction_sets()) {
              Fenced<float> soft(n);
              loss_kernels(set).soft_maximum(n, stride, num_actions, q.data(), masked ? penalty.data() : nullptr, tau,
                                             soft.data());
              for (std::int64_t b = 0; b < n; ++b) {
                std::vector<double> legal;
                for (std::int64_t a = 0; a < num_actions; ++a)
                  if (!masked || penalty(a, b) == 0) legal.push_back(q(a, b));
                const double expected = log_sum_exp(legal, tau);
                all.near(soft[b], expected, 1e-6 * (tau + std::abs(expected)), isa_name(set), n, num_actions, tau, b);
              }
            }
          }
        }
      }
    }
  }
  EXPECT_TRUE(all.hold());
}

TEST(DistributionLossKernels, SoftMaximumByHand) {
  // tau = 1: log(1 + 3); with the second action illegal: 0; tau = 0.5: 0.5 log(1 + 9)
  const float q[] = {0, std::log(3.0f)}, penalty[] = {0, -kInfinity};
  for (const Isa set : instruction_sets()) {
    float soft = 0;
    loss_kernels(set).soft_maximum(1, 1, 2, q, nullptr, 1, &soft);
    EXPECT_NEAR(soft, std::log(4.0), 3e-7);
    loss_kernels(set).soft_maximum(1, 1, 2, q, penalty, 1, &soft);
    EXPECT_EQ(soft, 0);
    loss_kernels(set).soft_maximum(1, 1, 2, q, nullptr, 0.5f, &soft);
    EXPECT_NEAR(soft, 0.5 * std::log(10.0), 3e-7);
  }
}

TEST(DistributionLossKernels, SoftmaxEqualsItsFormulaApartAndInPlace) {
  Rng rng(51);
  Comparisons all;
  for (const std::int64_t n : kRows) {
    for (const std::int64_t num_groups : {1, 3}) {
      for (const std::int64_t size : {1, 2, 51}) {
        for (const double std : {1.0, 60.0}) {
          const std::int64_t stride = n + 2;
          const Matrix logits(num_groups * size, n, stride, rng, std);
          for (const Isa set : instruction_sets()) {
            Matrix apart(num_groups * size, n, stride), place(num_groups * size, n, stride);
            for (std::int64_t k = 0; k < num_groups * size; ++k)
              for (std::int64_t b = 0; b < n; ++b) place(k, b) = logits(k, b);
            loss_kernels(set).softmax(n, stride, num_groups, size, logits.data(), apart.data());
            loss_kernels(set).softmax(n, stride, num_groups, size, place.data(), place.data());
            all.is_true(apart.padding_intact() && place.padding_intact(), "written behind the rows", isa_name(set), n);
            for (std::int64_t group = 0; group < num_groups; ++group) {
              for (std::int64_t b = 0; b < n; ++b) {
                const double total = log_sum_exp(column(logits, group * size, size, b), 1);
                for (std::int64_t k = group * size; k < (group + 1) * size; ++k) {
                  const double expected = std::exp(logits(k, b) - total);
                  // The exponent is a float: its rounding grows with it.
                  const double tolerance = (5e-7 + 2e-7 * std::abs(logits(k, b) - total)) * expected + 1e-37;
                  all.near(apart(k, b), expected, tolerance, isa_name(set), n, size, k, b);
                  all.same_bits(place(k, b), apart(k, b), isa_name(set), n, size, k, b);
                }
              }
            }
          }
        }
      }
    }
  }
  EXPECT_TRUE(all.hold());
}

TEST(DistributionLossKernels, CrossEntropyEqualsItsFormula) {
  Rng rng(52);
  Comparisons all;
  const double scale = 0.05;
  for (const std::int64_t n : kRows) {
    for (const std::int64_t size : {2, 51}) {
      const std::int64_t stride = n + 5;
      const Matrix logits(size, n, stride, rng, 2);
      Matrix targets(size, n, stride, rng);
      for (std::int64_t b = 0; b < n; ++b) {
        const double total = log_sum_exp(column(targets, 0, size, b), 1);
        for (std::int64_t k = 0; k < size; ++k) targets(k, b) = static_cast<float>(std::exp(targets(k, b) - total));
      }
      const Fenced<float> weights(n, rng);
      for (const bool weighted : {false, true}) {
        for (const Isa set : instruction_sets()) {
          Matrix d_logits(size, n, stride);
          Fenced<float> losses(n);
          double sum = 0.5, expected_sum = 0.5, magnitude = 1;
          loss_kernels(set).cross_entropy(n, stride, size, logits.data(), targets.data(),
                                          weighted ? weights.data() : nullptr, static_cast<float>(scale),
                                          d_logits.data(), losses.data(), sum);
          all.is_true(d_logits.padding_intact(), "written behind the rows", isa_name(set), n);
          for (std::int64_t b = 0; b < n; ++b) {
            const double total = log_sum_exp(column(logits, 0, size, b), 1), w = weighted ? weights[b] : 1;
            double expected = 0;
            for (std::int64_t k = 0; k < size; ++k) {
              const double log_p = logits(k, b) - total;
              expected -= targets(k, b) * log_p;
              all.near(d_logits(k, b), w * scale * (std::exp(log_p) - targets(k, b)), 1e-6 * scale * std::abs(w),
                       isa_name(set), n, size, k, b);
            }
            all.near(losses[b], expected, 2e-6 * (1 + expected), isa_name(set), n, size, b);
            expected_sum += w * expected;
            magnitude += std::abs(w * expected);
          }
          all.near(sum, expected_sum, 2e-6 * magnitude, isa_name(set), n, size, weighted);
        }
      }
    }
  }
  EXPECT_TRUE(all.hold());
}

TEST(DistributionLossKernels, CrossEntropyByHand) {
  // As CrossEntropy in value_losses_test.cpp: p = (1/4, 3/4), m = (1/2, 1/2), weight 2 and scale 0.5.
  const float logits[] = {0, std::log(3.0f)}, targets[] = {0.5f, 0.5f}, weight = 2;
  for (const Isa set : instruction_sets()) {
    float d[2], loss = 0;
    double sum = 0;
    loss_kernels(set).cross_entropy(1, 1, 2, logits, targets, &weight, 0.5f, d, &loss, sum);
    EXPECT_NEAR(loss, -0.5 * (std::log(0.25) + std::log(0.75)), 3e-7);
    EXPECT_NEAR(sum, 2 * loss, 1e-6);
    EXPECT_NEAR(d[0], -0.25, 1e-7);
    EXPECT_NEAR(d[1], 0.25, 1e-7);
  }
}

TEST(DistributionLossKernels, QuantileEqualsItsFormula) {
  Rng rng(53);
  Comparisons all;
  const double scale = 0.05;
  int num_linear = 0, num_square = 0;
  for (const std::int64_t n : kRows) {
    for (const auto& [size, num_samples] : {std::pair<std::int64_t, std::int64_t>{1, 1}, {2, 5}, {8, 8}, {5, 1}}) {
      const std::int64_t stride = n + 4;
      const Matrix quantiles(size, n, stride, rng, 2), samples(num_samples, n, stride, rng, 2);
      const Fenced<float> weights(n, rng);
      for (const float kappa : {1.0f, 0.3f}) {
        for (const bool weighted : {false, true}) {
          for (const Isa set : instruction_sets()) {
            Matrix d(size, n, stride);
            Fenced<float> losses(n);
            double sum = 0.5, expected_sum = 0.5, magnitude = 1;
            loss_kernels(set).quantile(n, stride, size, num_samples, quantiles.data(), samples.data(),
                                       weighted ? weights.data() : nullptr, kappa, static_cast<float>(scale), d.data(),
                                       losses.data(), sum);
            all.is_true(d.padding_intact(), "written behind the rows", isa_name(set), n);
            for (std::int64_t b = 0; b < n; ++b) {
              const double w = weighted ? weights[b] : 1;
              double expected = 0;
              for (std::int64_t i = 0; i < size; ++i) {
                const double tau = (2.0 * static_cast<double>(i) + 1) / (2.0 * static_cast<double>(size));
                double slope = 0;
                for (std::int64_t j = 0; j < num_samples; ++j) {
                  const double u = static_cast<double>(samples(j, b)) - quantiles(i, b), a = std::abs(u);
                  const double side = std::abs(tau - (u < 0 ? 1 : 0)) / kappa / static_cast<double>(num_samples);
                  expected += side * (a <= kappa ? u * u / 2 : kappa * (a - kappa / 2.0));
                  slope -= side * (a <= kappa ? u : std::copysign(static_cast<double>(kappa), u));
                  ++(a <= kappa ? num_square : num_linear);
                }
                all.near(d(i, b), w * scale * slope, 2e-6 * scale * std::abs(w), isa_name(set), n, size, i, b, kappa);
              }
              all.near(losses[b], expected, 3e-6 * (1 + expected), isa_name(set), n, size, b);
              expected_sum += w * expected;
              magnitude += std::abs(w * expected);
            }
            all.near(sum, expected_sum, 3e-6 * magnitude, isa_name(set), n, size, weighted);
          }
        }
      }
    }
  }
  EXPECT_TRUE(all.hold());
  EXPECT_GT(std::min(num_linear, num_square), 100);
}

TEST(DistributionLossKernels, QuantileByHand) {
  // As QuantileHuberLoss in value_losses_test.cpp, weight 2 and scale 0.5: theta = (0, 2), samples (1, -2).
  const float quantiles[] = {0, 2}, samples[] = {1, -2}, weight = 2;
  for (const Isa set : instruction_sets()) {
    float d[2], loss = 0;
    double sum = 0;
    loss_kernels(set).quantile(1, 1, 2, 2, quantiles, samples, &weight, 1, 0.5f, d, &loss, sum);
    EXPECT_EQ(loss, 1.125f);
    EXPECT_EQ(sum, 2.25);
    EXPECT_EQ(d[0], 0.25f);
    EXPECT_EQ(d[1], 0.25f);
    loss_kernels(set).quantile(1, 1, 2, 2, quantiles, samples, &weight, 2, 0.5f, d, &loss, sum);
    EXPECT_EQ(loss, 0.8125f);
    EXPECT_EQ(d[0], 0.3125f);
    EXPECT_EQ(d[1], 0.1875f);
  }
}

TEST(DistributionLossKernels, NaNStaysNaN) {
  for (const Isa set : instruction_sets()) {
    const LossKernels& table = loss_kernels(set);
    for (const int place : {0, 1}) {
      float x[] = {1, 1}, out[2] = {0, 0}, loss = 0;
      const float fine[] = {0.5f, 0.5f};
      x[place] = kNaN;
      double sum = 0;
      table.soft_maximum(1, 1, 2, x, nullptr, 0.5f, out);
      EXPECT_TRUE(std::isnan(out[0])) << isa_name(set) << ", soft maximum, " << place;
      table.softmax(1, 1, 1, 2, x, out);
      EXPECT_TRUE(std::isnan(out[0]) && std::isnan(out[1])) << isa_name(set) << ", softmax, " << place;
      table.cross_entropy(1, 1, 2, x, fine, nullptr, 1, out, &loss, sum = 0);
      EXPECT_TRUE(std::isnan(loss) && std::isnan(sum) && std::isnan(out[place])) << isa_name(set) << ", logits";
      table.cross_entropy(1, 1, 2, fine, x, nullptr, 1, out, &loss, sum = 0);
      EXPECT_TRUE(std::isnan(loss) && std::isnan(sum) && std::isnan(out[place])) << isa_name(set) << ", targets";
      table.quantile(1, 1, 2, 2, x, fine, nullptr, 1, 1, out, &loss, sum = 0);
      EXPECT_TRUE(std::isnan(loss) && std::isnan(sum) && std::isnan(out[place])) << isa_name(set) << ", quantiles";
      table.quantile(1, 1, 2, 2, fine, x, nullptr, 1, 1, out, &loss, sum = 0);
      EXPECT_TRUE(std::isnan(loss) && std::isnan(sum) && std::isnan(out[place])) << isa_name(set) << ", samples";
    }
  }
}

}  // namespace
}  // namespace corvid::testing
