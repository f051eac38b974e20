#include "core/nn/distribution.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "core/base/check.h"

namespace corvid {
namespace {

TEST(Categorical, DrawsWithTheProbabilitiesOfItsLogits) {
  const auto distribution = make_distribution(Space::discrete(3), 0);
  const float logits[3] = {std::log(0.2f), std::log(0.5f), std::log(0.3f)};
  Rng rng(0);
  constexpr int kDraws = 30000;
  int counts[3] = {};
  for (int k = 0; k < kDraws; ++k) {
    std::int64_t action = -1, sent = -1;
    float log_prob = 0;
    distribution->act(logits, 1, false, rng, &action, &sent, &log_prob);
    ASSERT_EQ(action, sent);
    EXPECT_NEAR(log_prob, logits[action], 1e-5);
    ++counts[action];
  }
  // Chi-square with 2 degrees of freedom: 13.8 is passed once in a thousand.
  const double expected[3] = {0.2 * kDraws, 0.5 * kDraws, 0.3 * kDraws};
  double chi_square = 0;
  for (int k = 0; k < 3; ++k) chi_square += (counts[k] - expected[k]) * (counts[k] - expected[k]) / expected[k];
  EXPECT_LT(chi_square, 13.8);
}

TEST(Categorical, TakesTheModeAndKeepsTheStartOfTheSpace) {
  const auto distribution = make_distribution(Space::discrete(3, 10), 0);
  const float logits[3] = {0, 2, 1};
  std::int64_t action = 0, sent = 0;
  float log_prob = 0;
  Rng rng(0);
  distribution->act(logits, 1, true, rng, &action, &sent, &log_prob);
  EXPECT_EQ(action, 1);
  EXPECT_EQ(sent, 11);
  EXPECT_NEAR(log_prob, 2 - std::log(1 + std::exp(2.0) + std::exp(1.0)), 1e-6);
}

TEST(Categorical, EvaluatesLogProbAndEntropyByHand) {
  const auto distribution = make_distribution(Space::multi_discrete({2, 3}), 0);
  ASSERT_EQ(distribution->num_outputs(), 5);
  const at::Tensor outputs = at::tensor({0.f, 0.f, 1.f, 1.f, 1.f}).view({1, 5});
  const at::Tensor actions = at::tensor({1, 2}, at::kLong).view({1, 2});
  const Evaluation evaluation = distribution->evaluate(outputs, actions);
  EXPECT_NEAR(evaluation.log_prob.item<double>(), -std::log(2.0) - std::log(3.0), 1e-6);
  EXPECT_NEAR(evaluation.entropy.item<double>(), std::log(2.0) + std::log(3.0), 1e-6);
}

TEST(DiagonalGaussian, ActsAndEvaluatesAlike) {
  const auto distribution = make_distribution(Space::box(-1, 1, {2}), -0.5);
  const float outputs[4] = {0.1f, -0.4f, 2.0f, 0.0f};
  float actions[4], sent[4], log_probs[2];
  Rng rng(7);
  distribution->act(outputs, 2, false, rng, actions, sent, log_probs);
  for (int k = 0; k < 4; ++k) EXPECT_EQ(sent[k], std::clamp(actions[k], -1.0f, 1.0f));

  const double std = std::exp(-0.5);
  for (int i = 0; i < 2; ++i) {
    double expected = 0;
    for (int k = 0; k < 2; ++k) {
      const double z = (actions[2 * i + k] - outputs[2 * i + k]) / std;
      expected += -0.5 * z * z - std::log(std) - 0.5 * std::log(2 * std::numbers::pi);
    }
    EXPECT_NEAR(log_probs[i], expected, 1e-5);
    const Evaluation evaluation =
        distribution->evaluate(at::from_blob(const_cast<float*>(outputs), {2, 2}), at::from_blob(actions, {2, 2}));
    EXPECT_NEAR(evaluation.log_prob[i].item<double>(), expected, 1e-5);
    // H = k/2 (1 + log 2 pi) + sum log std
    EXPECT_NEAR(evaluation.entropy[i].item<double>(), 1 + std::log(2 * std::numbers::pi) - 1.0, 1e-5);
  }

  distribution->act(outputs, 2, true, rng, actions, sent, log_probs);
  EXPECT_EQ(actions[2], 2.0f);
  EXPECT_EQ(sent[2], 1.0f);
}

TEST(MakeDistribution, RefusesSpacesItCannotServe) {
  EXPECT_THROW(make_distribution(Space::multi_binary(3), 0), Error);
  EXPECT_THROW(make_distribution(Space::box(0, 1, {2}, DType::kFloat64), 0), Error);
}

}  // namespace
}  // namespace corvid
