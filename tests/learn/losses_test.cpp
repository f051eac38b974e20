#include "core/learn/losses.h"

#include <gtest/gtest.h>

#include <cmath>

namespace corvid {
namespace {

double number(const at::Tensor& tensor) { return tensor.item<double>(); }

TEST(PolicyGradientLoss, WeighsLogProbabilitiesByAdvantages) {
  EXPECT_NEAR(number(policy_gradient_loss(at::tensor({-1.f, -2.f}), at::tensor({3.f, -1.f}))), 0.5,
              1e-6);  // -(-3 + 2) / 2
}

TEST(ClippedSurrogate, TakesThePessimisticSideOfTheRatio) {
  // ratios 1.5, 0.5, 1.1 with advantages 1, -1, 2 and eps 0.2: min(1.5, 1.2), min(-0.5, -0.8), min(2.2, 2.2)
  const at::Tensor log_prob = at::log(at::tensor({1.5f, 0.5f, 1.1f})).set_requires_grad(true);
  const ClippedSurrogate result = clipped_surrogate_loss(log_prob, at::zeros({3}), at::tensor({1.f, -1.f, 2.f}), 0.2);
  EXPECT_NEAR(number(result.loss), -(1.2 - 0.8 + 2.2) / 3, 1e-6);
  EXPECT_NEAR(number(result.clip_fraction), 2.0 / 3, 1e-6);
  const double kl = ((0.5 - std::log(1.5)) + (-0.5 - std::log(0.5)) + (0.1 - std::log(1.1))) / 3;
  EXPECT_NEAR(number(result.approx_kl), kl, 1e-6);

  // Where the clip binds there is no gradient: only the third contributes, -A rho / B.
  result.loss.backward();
  EXPECT_NEAR(log_prob.grad()[0].item<double>(), 0, 1e-7);
  EXPECT_NEAR(log_prob.grad()[1].item<double>(), 0, 1e-7);
  EXPECT_NEAR(log_prob.grad()[2].item<double>(), -2 * 1.1 / 3, 1e-6);
}

TEST(ValueLoss, IsTheMeanSquaredError) {
  EXPECT_NEAR(number(value_loss(at::tensor({1.f, 2.f}), at::tensor({2.f, 5.f}))), 5, 1e-6);
}

TEST(ClippedValueLoss, KeepsPredictionsNearTheOldOnes) {
  // 2 -> 3 is held at 2.5, 2 -> 2.1 stays: errors 2.5 - 4 and 2.1 - 2
  EXPECT_NEAR(number(clipped_value_loss(at::tensor({3.f, 2.1f}), at::tensor({2.f, 2.f}), at::tensor({4.f, 2.f}), 0.5)),
              (2.25 + 0.01) / 2, 1e-5);
}

TEST(NormalizeAdvantage, UsesBesselsCorrectionAndLeavesSinglesAlone) {
  const at::Tensor normal = normalize_advantage(at::tensor({1.f, 3.f}));
  EXPECT_NEAR(normal[1].item<double>(), 1 / std::sqrt(2.0), 1e-6);
  EXPECT_EQ(normalize_advantage(at::tensor({5.f})).item<float>(), 5);
}

TEST(ExplainedVariance, IsOneForPerfectZeroForConstantPredictions) {
  const float returns[4] = {1, 2, 3, 6}, constant[4] = {2, 2, 2, 2}, same[4] = {7, 7, 7, 7};
  EXPECT_EQ(explained_variance(returns, returns, 4), 1);
  EXPECT_NEAR(explained_variance(constant, returns, 4), 0, 1e-9);
  EXPECT_TRUE(std::isnan(explained_variance(constant, same, 4)));
}

}  // namespace
}  // namespace corvid
