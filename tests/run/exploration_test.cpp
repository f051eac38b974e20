#include "core/run/exploration.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "core/base/check.h"

namespace corvid {
namespace {

double rate(const ExplorationConfig& config, double progress) { return exploration_rate(config, progress, 0, 1); }

TEST(ExplorationRate, FallsLinearlyOverAFraction) {
  const ExplorationConfig c{.exploration_initial_eps = 1, .exploration_final_eps = 0.1, .exploration_fraction = 0.5};
  EXPECT_DOUBLE_EQ(rate(c, 0), 1);
  EXPECT_DOUBLE_EQ(rate(c, 0.25), 0.55);
  EXPECT_DOUBLE_EQ(rate(c, 0.5), 0.1);
  EXPECT_DOUBLE_EQ(rate(c, 1), 0.1);
}

TEST(ExplorationRate, FallsByAConstantFactor) {
  // from 1 to 0.01: 0.1 half way
  const ExplorationConfig c{.exploration_initial_eps = 1,
                            .exploration_final_eps = 0.01,
                            .exploration_fraction = 0.4,
                            .exploration_schedule = "exponential"};
  EXPECT_DOUBLE_EQ(rate(c, 0), 1);
  EXPECT_NEAR(rate(c, 0.2), 0.1, 1e-12);
  EXPECT_NEAR(rate(c, 0.4), 0.01, 1e-12);
  EXPECT_NEAR(rate(c, 1), 0.01, 1e-12);
}

TEST(ExplorationRate, IsTheLastOneAtOnceWithoutAFraction) {
  for (const std::string schedule : {"linear", "exponential"}) {
    const ExplorationConfig c{.exploration_initial_eps = 1,
                              .exploration_final_eps = 0.2,
                              .exploration_fraction = 0,
                              .exploration_schedule = schedule};
    EXPECT_NEAR(rate(c, 0), 0.2, 1e-12) << schedule;
  }
}

TEST(ExplorationRate, IsALadderOverTheEnvironments) {
  // 0.4^(1 + 7 i / (N - 1)): 0.4 to the powers 1, 4.5 and 8 for three environments
  const ExplorationConfig c{.exploration_initial_eps = 0.4, .exploration_schedule = "ladder"};
  for (const double progress : {0.0, 0.5, 1.0}) {
    EXPECT_DOUBLE_EQ(exploration_rate(c, progress, 0, 3), 0.4);
    EXPECT_DOUBLE_EQ(exploration_rate(c, progress, 1, 3), std::pow(0.4, 4.5));
    EXPECT_DOUBLE_EQ(exploration_rate(c, progress, 2, 3), std::pow(0.4, 8));
    EXPECT_DOUBLE_EQ(exploration_rate(c, progress, 0, 1), 0.4);
  }
}

std::string refusal(const ExplorationConfig& config) {
  try {
    check(config);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.what();
  }
  return "";
}

TEST(ExplorationCheck, RefusesSchedulesThatTheirEpsilonsDoNotAllow) {
  EXPECT_EQ(refusal({}), "");
  EXPECT_EQ(refusal({.exploration_final_eps = 0}), "");
  EXPECT_EQ(refusal({.exploration_schedule = "exponential"}), "");
  EXPECT_NE(refusal({.exploration_final_eps = 0, .exploration_schedule = "exponential"}), "");
  EXPECT_NE(refusal({.exploration_initial_eps = 0, .exploration_schedule = "exponential"}), "");
  EXPECT_NE(refusal({.exploration_schedule = "ladder"}).find("0.4"), std::string::npos);
  EXPECT_EQ(refusal({.exploration_initial_eps = 0.4, .exploration_schedule = "ladder"}), "");
}

/// Chi-square of `draws` random actions against equal shares among the legal ones; illegal ones must not occur.
double chi_square(std::int64_t num_actions, const std::vector<std::uint8_t>& legal, int draws) {
  Rng rng(5);
  std::vector<int> counts(static_cast<std::size_t>(num_actions));
  for (int k = 0; k < draws; ++k)
    ++counts.at(static_cast<std::size_t>(random_action(num_actions, legal.empty() ? nullptr : legal.data(), rng)));
  double num_legal = 0, sum = 0;
  for (std::size_t a = 0; a < counts.size(); ++a) num_legal += legal.empty() || legal[a];
  for (std::size_t a = 0; a < counts.size(); ++a) {
    if (!legal.empty() && !legal[a]) {
      EXPECT_EQ(counts[a], 0) << "action " << a << " is illegal";
      continue;
    }
    const double expected = draws / num_legal;
    sum += (counts[a] - expected) * (counts[a] - expected) / expected;
  }
  return sum;
}

TEST(RandomAction, IsUniformAmongTheLegalOnes) {
  // 99.9 % quantiles of chi-square with 4, 2 and 1 degrees of freedom: 18.5, 13.8, 10.8
  EXPECT_LT(chi_square(5, {}, 20'000), 18.5);
  EXPECT_LT(chi_square(5, {1, 0, 1, 0, 1}, 20'000), 13.8);
  EXPECT_LT(chi_square(5, {0, 0, 0, 1, 1}, 20'000), 10.8);
  EXPECT_LT(chi_square(5, {0, 2, 0, 255, 0}, 20'000), 10.8);  // what is not 0 is legal
  EXPECT_EQ(chi_square(5, {0, 0, 1, 0, 0}, 100), 0);
}

TEST(RandomAction, TakesOneDrawWhateverIsLegal) {
  // So that runs do not come apart where a mask comes in.
  Rng with(1), without(1);
  const std::uint8_t legal[] = {1, 1, 1};
  for (int k = 0; k < 100; ++k) EXPECT_EQ(random_action(3, legal, with), random_action(3, nullptr, without));
}

TEST(GreedyAction, IsTheBestLegalOne) {
  const float values[] = {1, 3, 3, -2};
  EXPECT_EQ(greedy_action(values, 4, nullptr), 1);  // the first of equal ones
  const std::uint8_t legal[] = {1, 0, 0, 1}, last[] = {0, 0, 0, 1};
  EXPECT_EQ(greedy_action(values, 4, legal), 0);
  EXPECT_EQ(greedy_action(values, 4, last), 3);
}

TEST(Actions, NoneLegalIsAnError) {
  Rng rng(1);
  const float values[] = {1, 2};
  const std::uint8_t none[] = {0, 0};
  EXPECT_THROW(random_action(2, none, rng), Error);
  EXPECT_THROW(greedy_action(values, 2, none), Error);
}

}  // namespace
}  // namespace corvid
