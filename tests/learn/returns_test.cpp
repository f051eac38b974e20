#include "core/learn/returns.h"

#include <gtest/gtest.h>

#include <vector>

namespace corvid {
namespace {

// gamma 0.5, lambda 0.5 throughout, so that every figure can be followed on paper.

TEST(GeneralizedAdvantage, IsTheDiscountedSumOfErrors) {
  const std::vector<float> rewards = {1, 2, 3}, values = {1, 1, 1}, next = {1, 1, 4};
  const std::vector<float> discounts(3, 0.5f), traces(3, 0.5f);
  std::vector<float> advantages(3);
  generalized_advantage_estimation(rewards.data(), values.data(), next.data(), discounts.data(), traces.data(), 3, 1,
                                   advantages.data());
  // deltas: 1 + 0.5 - 1 = 0.5;  2 + 0.5 - 1 = 1.5;  3 + 2 - 1 = 4
  EXPECT_FLOAT_EQ(advantages[2], 4);
  EXPECT_FLOAT_EQ(advantages[1], 1.5f + 0.25f * 4);
  EXPECT_FLOAT_EQ(advantages[0], 0.5f + 0.25f * 2.5f);
}

TEST(GeneralizedAdvantage, TerminationStopsBootstrapAndTraceTruncationOnlyTheTrace) {
  // Two environments: the first terminates at t = 0, the second is cut off there with a successor worth 6.
  const std::vector<float> rewards = {1, 1, 5, 5}, values = {2, 2, 3, 3}, next = {9, 6, 1, 1};
  const std::vector<float> discounts = {0, 0.5f, 0.5f, 0.5f}, traces = {0, 0, 0.5f, 0.5f};
  std::vector<float> advantages(4);
  generalized_advantage_estimation(rewards.data(), values.data(), next.data(), discounts.data(), traces.data(), 2, 2,
                                   advantages.data());
  EXPECT_FLOAT_EQ(advantages[0], 1 - 2);             // no bootstrap, no trace
  EXPECT_FLOAT_EQ(advantages[1], 1 + 0.5f * 6 - 2);  // bootstrap, no trace
  EXPECT_FLOAT_EQ(advantages[2], 5 + 0.5f - 3);
  EXPECT_FLOAT_EQ(advantages[3], 5 + 0.5f - 3);
}

TEST(LambdaReturns, MixesBootstrapsOfAllLengths) {
  const std::vector<float> rewards = {1, 2, 3}, next = {1, 2, 4}, discounts(3, 0.5f), traces(3, 0.5f);
  std::vector<float> returns(3);
  lambda_returns(rewards.data(), next.data(), discounts.data(), traces.data(), 3, 1, returns.data());
  EXPECT_FLOAT_EQ(returns[2], 3 + 0.5f * 4);                          // 5
  EXPECT_FLOAT_EQ(returns[1], 2 + 0.5f * (0.5f * 2 + 0.5f * 5));      // 3.75
  EXPECT_FLOAT_EQ(returns[0], 1 + 0.5f * (0.5f * 1 + 0.5f * 3.75f));  // 2.1875
}

TEST(LambdaReturns, LambdaZeroIsOneStepAndOneIsTheWholeRollout) {
  const std::vector<float> rewards = {1, 2, 3}, next = {7, 8, 4}, discounts(3, 0.5f);
  std::vector<float> returns(3);
  const std::vector<float> none(3, 0.0f), whole(3, 1.0f);
  lambda_returns(rewards.data(), next.data(), discounts.data(), none.data(), 3, 1, returns.data());
  EXPECT_EQ(returns, (std::vector<float>{4.5f, 6, 5}));
  lambda_returns(rewards.data(), next.data(), discounts.data(), whole.data(), 3, 1, returns.data());
  EXPECT_EQ(returns, (std::vector<float>{3.25f, 4.5f, 5}));  // 1 + 0.5 * 4.5;  2 + 0.5 * 5;  3 + 0.5 * 4
}

TEST(LambdaReturns, TerminationStopsBootstrapAndTraceTruncationOnlyTheTrace) {
  // Two environments: the first terminates at t = 0, the second is cut off there with a successor worth 6.
  const std::vector<float> rewards = {1, 1, 5, 5}, next = {9, 6, 1, 1};
  const std::vector<float> discounts = {0, 0.5f, 0.5f, 0.5f}, traces = {0, 0, 0.5f, 0.5f};
  std::vector<float> returns(4);
  lambda_returns(rewards.data(), next.data(), discounts.data(), traces.data(), 2, 2, returns.data());
  EXPECT_EQ(returns, (std::vector<float>{1, 1 + 0.5f * 6, 5 + 0.5f, 5 + 0.5f}));
}

TEST(LambdaReturns, AreAdvantagesPlusValuesWhereSuccessorsHaveOneValue) {
  // Of an unbroken episode next_values are the values one step later, and the two formulas are one.
  const std::vector<float> rewards = {1, -2, 3, 0.5f}, values = {2, 5, -1, 4}, next = {5, -1, 4, 3};
  const std::vector<float> discounts(4, 0.9f), traces(4, 0.7f);
  std::vector<float> advantages(4), returns(4);
  generalized_advantage_estimation(rewards.data(), values.data(), next.data(), discounts.data(), traces.data(), 4, 1,
                                   advantages.data());
  lambda_returns(rewards.data(), next.data(), discounts.data(), traces.data(), 4, 1, returns.data());
  for (std::size_t t = 0; t < 4; ++t) EXPECT_NEAR(returns[t], advantages[t] + values[t], 1e-5) << t;
}

TEST(DiscountedReturns, EndInTheLastValue) {
  const std::vector<float> rewards = {1, 0, 2};
  std::vector<float> returns(3);
  discounted_returns(rewards.data(), 3, 0.5, 0, returns.data());
  EXPECT_EQ(returns, (std::vector<float>{1.5f, 1, 2}));
  discounted_returns(rewards.data(), 3, 0.5, 8, returns.data());
  EXPECT_EQ(returns, (std::vector<float>{2.5f, 3, 6}));
}

}  // namespace
}  // namespace corvid
