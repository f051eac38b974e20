#include "core/learn/bandit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace corvid {
namespace {

TEST(ArmMean, IsTheMeanOfAllRewardsOrFollowsThem) {
  ArmMean arm;
  arm.update(1);
  EXPECT_EQ(arm.value, 1);
  arm.update(0);
  EXPECT_EQ(arm.value, 0.5);
  arm.update(2);
  EXPECT_EQ(arm.value, 1);
  EXPECT_EQ(arm.count, 3);

  ArmMean optimistic{.value = 4};
  optimistic.update(0, 0.5);
  EXPECT_EQ(optimistic.value, 2);
  optimistic.update(1, 0.5);
  EXPECT_EQ(optimistic.value, 1.5);
  EXPECT_EQ(optimistic.count, 2);
}

TEST(BestArm, BreaksTiesAtRandomAndKeepsToTheMask) {
  Rng rng(1), untouched(1);
  const std::vector<double> values = {1, 3, 3, 2};
  const std::vector<std::uint8_t> one_of_them = {1, 0, 1, 1}, none_of_them = {1, 0, 0, 1};
  EXPECT_EQ(best_arm(values.data(), one_of_them.data(), 4, rng), 2);
  EXPECT_EQ(best_arm(values.data(), none_of_them.data(), 4, rng), 3);
  EXPECT_TRUE(rng == untouched) << "without a tie nothing is drawn";
  int count[4] = {};
  for (int k = 0; k < 4000; ++k) ++count[best_arm(values.data(), nullptr, 4, rng)];
  EXPECT_EQ(count[0] + count[3], 0);
  EXPECT_NEAR(count[1], 2000, 5 * std::sqrt(1000));  // five standard deviations
}

TEST(BestArm, TakesInfiniteAndEquallyBadValues) {
  Rng rng(1);
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<double> values = {inf, 1, inf}, low = {-inf, -inf};
  int count[3] = {};
  for (int k = 0; k < 1000; ++k) ++count[best_arm(values.data(), nullptr, 3, rng)];
  EXPECT_EQ(count[1], 0);
  EXPECT_GT(count[0], 400);
  EXPECT_LT(best_arm(low.data(), nullptr, 2, rng), 2);
}

TEST(RandomArm, IsUniformOverLegalArms) {
  Rng rng(2);
  const std::vector<std::uint8_t> legal = {0, 1, 1, 0, 1};
  int masked[5] = {}, free[5] = {};
  for (int k = 0; k < 3000; ++k) {
    ++masked[random_arm(legal.data(), 5, rng)];
    ++free[random_arm(nullptr, 5, rng)];
  }
  EXPECT_EQ(masked[0] + masked[3], 0);
  for (int a : {1, 2, 4}) EXPECT_NEAR(masked[a], 1000, 130);
  for (int count : free) EXPECT_NEAR(count, 600, 110);
}

TEST(Ucb1, BoundGrowsWithLogTimeAndShrinksWithPulls) {
  // 0.5 + sqrt(2 ln 8 / 4) = 0.5 + sqrt(1.03972077)
  EXPECT_NEAR(ucb1_bound({.value = 0.5, .count = 4}, 8, std::sqrt(2.0)), 1.51966700, 1e-8);
  EXPECT_EQ(ucb1_bound({.value = 0.5, .count = 1}, 1, 2), 0.5);  // ln 1 = 0
  EXPECT_TRUE(std::isinf(ucb1_bound({}, 8, 0)));
}

TEST(Ucb1, RegretBoundIsThatOfTheTheorem) {
  // 8 (1 / 0.5 + 1 / 0.25) ln 100 + (1 + pi^2 / 3) 0.75 = 48 * 4.60517019 + 4.28986813 * 0.75
  const std::vector<double> gaps = {0, 0.5, 0.25};
  EXPECT_NEAR(ucb1_regret_bound(gaps.data(), 3, 100), 224.26557, 1e-4);
}

struct Moments {
  double mean = 0, variance = 0, below = 0;  // share below the quarter
};

template <class F>
Moments moments(const F& sample) {
  constexpr int kSamples = 200'000;
  Moments m;
  double squares = 0;
  for (int k = 0; k < kSamples; ++k) {
    const double x = sample();
    m.mean += x / kSamples;
    squares += x * x / kSamples;
    m.below += (x < 0.25 ? 1.0 : 0.0) / kSamples;
  }
  m.variance = squares - m.mean * m.mean;
  return m;
}

TEST(Sampling, GammaHasTheMomentsOfItsShape) {
  Rng rng(3);
  for (const double shape : {0.3, 1.0, 2.5, 40.0}) {
    const Moments m = moments([&] { return sample_gamma(shape, rng); });
    EXPECT_NEAR(m.mean, shape, 0.015 * std::max(1.0, shape)) << shape;
    EXPECT_NEAR(m.variance, shape, 0.04 * std::max(1.0, shape)) << shape;
  }
  EXPECT_NEAR(moments([&] { return sample_gamma(1, rng); }).below, 0.2211992, 0.005);  // 1 - exp(-1 / 4)
}

TEST(Sampling, BetaHasItsDistribution) {
  // Mean a / (a + b), variance a b / ((a + b)^2 (a + b + 1)).
  Rng rng(4);
  const Moments two_five = moments([&] { return sample_beta(2, 5, rng); });
  EXPECT_NEAR(two_five.mean, 2.0 / 7, 0.002);
  EXPECT_NEAR(two_five.variance, 10.0 / (49 * 8), 0.001);
  EXPECT_NEAR(moments([&] { return sample_beta(1, 1, rng); }).below, 0.25, 0.005);         // uniform
  EXPECT_NEAR(moments([&] { return sample_beta(0.5, 0.5, rng); }).below, 1.0 / 3, 0.006);  // arcsine law
}

TEST(GaussianPosterior, WeighsPriorAndDataByPrecision) {
  // 1 / 4 + 3 / 1 = 3.25;  (1 / 4 + 3 * 5) / 3.25
  const Gaussian posterior = gaussian_posterior({1, 2}, 1, {.value = 5, .count = 3});
  EXPECT_NEAR(posterior.mean, 4.6923077, 1e-7);
  EXPECT_NEAR(posterior.std, 0.5547002, 1e-7);
  const Gaussian prior = gaussian_posterior({1, 2}, 1, {});
  EXPECT_DOUBLE_EQ(prior.mean, 1);
  EXPECT_DOUBLE_EQ(prior.std, 2);
}

TEST(GradientBandit, ProbabilitiesAreASoftmaxOfLegalArms) {
  const std::vector<double> preferences = {0, std::log(3.0), 1000};
  const std::vector<std::uint8_t> legal = {1, 1, 0};
  std::vector<double> probabilities(3);
  arm_probabilities(preferences.data(), legal.data(), 3, probabilities.data());
  EXPECT_NEAR(probabilities[0], 0.25, 1e-12);
  EXPECT_NEAR(probabilities[1], 0.75, 1e-12);
  EXPECT_EQ(probabilities[2], 0);
  arm_probabilities(preferences.data(), nullptr, 3, probabilities.data());
  EXPECT_EQ(probabilities[2], 1) << "large preferences do not overflow";
}

TEST(GradientBandit, UpdateMovesTowardsTheArmThatDidBetter) {
  // H_0 += 0.1 * 2 * (1 - 0.25), H_1 -= 0.1 * 2 * 0.75
  std::vector<double> preferences = {0, 1};
  const std::vector<double> probabilities = {0.25, 0.75};
  gradient_bandit_update(preferences.data(), probabilities.data(), 2, 0, 2, 0.1);
  EXPECT_NEAR(preferences[0], 0.15, 1e-12);
  EXPECT_NEAR(preferences[1], 0.85, 1e-12);
}

TEST(LinearArm, FollowsAlgorithmOne) {
  std::vector<double> memory(4 + 2 + 2, 7.0), scratch(2);
  LinearArm arm{.inverse = memory.data(), .b = memory.data() + 4, .theta = memory.data() + 6, .size = 2};
  auto expect = [&](const std::vector<double>& inverse, const std::vector<double>& b,
                    const std::vector<double>& theta) {
    for (std::size_t k = 0; k < 4; ++k) EXPECT_NEAR(arm.inverse[k], inverse[k], 1e-12) << k;
    for (std::size_t k = 0; k < 2; ++k) {
      EXPECT_NEAR(arm.b[k], b[k], 1e-12);
      EXPECT_NEAR(arm.theta[k], theta[k], 1e-12);
    }
  };
  arm.restart(2);
  expect({0.5, 0, 0, 0.5}, {0, 0}, {0, 0});
  arm.restart();
  expect({1, 0, 0, 1}, {0, 0}, {0, 0});
  const std::vector<double> ones = {1, 1}, first = {1, 0};
  EXPECT_NEAR(arm.upper_bound(ones.data(), 3), 3 * std::sqrt(2.0), 1e-12);

  // A = [2 0; 0 1], b = (2, 0)
  arm.update(first.data(), 2, scratch.data());
  expect({0.5, 0, 0, 1}, {2, 0}, {1, 0});
  EXPECT_NEAR(arm.upper_bound(ones.data(), 2), 1 + 2 * std::sqrt(1.5), 1e-12);

  // A = [3 1; 1 2], A^-1 = [2 -1; -1 3] / 5, b = (5, 3)
  arm.update(ones.data(), 3, scratch.data());
  expect({0.4, -0.2, -0.2, 0.6}, {5, 3}, {1.4, 0.8});
}

TEST(LinearArm, InverseStaysOneOverThousandsOfUpdates) {
  constexpr std::int64_t kSize = 5;
  std::vector<double> memory(kSize * kSize + 2 * kSize), scratch(kSize), sum(kSize * kSize), x(kSize);
  LinearArm arm{.inverse = memory.data(),
                .b = memory.data() + kSize * kSize,
                .theta = memory.data() + kSize * kSize + kSize,
                .size = kSize};
  arm.restart();
  for (std::size_t j = 0; j < kSize; ++j) sum[j * kSize + j] = 1;
  Rng rng(5);
  for (int t = 0; t < 5000; ++t) {
    for (double& value : x) value = rng.uniform(-1, 1);
    arm.update(x.data(), 1, scratch.data());
    for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += x[k / kSize] * x[k % kSize];
  }
  for (std::size_t row = 0; row < kSize; ++row) {
    for (std::size_t column = 0; column < kSize; ++column) {
      double product = 0;
      for (std::size_t j = 0; j < kSize; ++j) product += sum[row * kSize + j] * memory[j * kSize + column];
      EXPECT_NEAR(product, row == column ? 1 : 0, 1e-10);
    }
  }
}

}  // namespace
}  // namespace corvid
