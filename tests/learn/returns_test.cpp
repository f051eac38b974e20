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
