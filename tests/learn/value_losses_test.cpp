// Each formula of value_losses.h against numbers computed by hand.
#include "core/learn/value_losses.h"

#include <gtest/gtest.h>

#include <cmath>
#include <initializer_list>
#include <vector>

#include "tests/nn/torch_testing.h"

namespace corvid::testing {
namespace {

at::Tensor row(std::initializer_list<float> numbers) { return at::tensor(std::vector<float>(numbers)); }

at::Tensor rows(std::initializer_list<std::initializer_list<float>> lines) {
  std::vector<at::Tensor> list;
  for (const auto& line : lines) list.push_back(row(line));
  return at::stack(list);
}

at::Tensor mask(std::initializer_list<std::initializer_list<float>> lines) { return rows(lines).to(at::kByte); }

std::vector<float> numbers(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.detach().to(at::kFloat).contiguous().view({-1});
  return {flat.const_data_ptr<float>(), flat.const_data_ptr<float>() + flat.numel()};
}

void expect_near(const at::Tensor& found, std::initializer_list<double> expected, double tolerance = 1e-6) {
  const std::vector<float> list = numbers(found);
  ASSERT_EQ(list.size(), expected.size());
  for (std::size_t k = 0; k < list.size(); ++k) EXPECT_NEAR(list[k], expected.begin()[k], tolerance) << k;
}

/// The gradient of sum(f(x)) at x.
template <class F>
at::Tensor gradient(const at::Tensor& x, F&& f) {
  const at::Tensor leaf = x.clone().set_requires_grad(true);
  f(leaf).sum().backward();
  return leaf.grad();
}

TEST(GreedyActions, AreTheBestLegalOnes) {
  const at::Tensor q = rows({{1, 3, 2}, {-5, -1, -9}});
  expect_near(greedy_actions(q, {}), {1, 1});
  expect_near(greedy_actions(q, mask({{1, 0, 1}, {1, 0, 1}})), {2, 0});
  expect_near(greedy_actions(q, mask({{1, 0, 0}, {0, 0, 1}})), {0, 2});
}

TEST(TdTarget, AddsTheDiscountedValue) {
  // 1 + 0.9 * 10; at an end the discount is 0 and the reward remains
  expect_near(td_target(row({1, 2}), row({0.9f, 0}), row({10, 10})), {10, 2});
  // the same for samples of a distribution
  expect_near(td_target(row({1}).unsqueeze(1), row({0.5f}).unsqueeze(1), rows({{2, 4}})), {2, 3});
}

TEST(SoftMaximum, IsALogSumOfExponentials) {
  // tau = 1: log(e^0 + e^log 3) = log 4; tau = 0.5: 0.5 log(1 + 9) = 0.5 log 10
  const at::Tensor q = rows({{0, std::log(3.0f)}});
  expect_near(soft_maximum(q, {}, 1), {std::log(4.0)});
  expect_near(soft_maximum(q, {}, 0.5), {0.5 * std::log(10.0)});
  // illegal actions are left out: one action is its own maximum
  expect_near(soft_maximum(q, mask({{1, 0}}), 0.5), {0});
  // it nears the maximum as tau nears 0, however large the values are
  expect_near(soft_maximum(rows({{1000, 999}}), {}, 0.01), {1000});
  // d/dq = pi = softmax(q / tau): (1/10, 9/10) for tau = 0.5
  expect_near(gradient(q, [](const at::Tensor& x) { return soft_maximum(x, {}, 0.5); }), {0.1, 0.9});
}

TEST(MunchausenBonus, IsTheClippedLogProbability) {
  // tau log pi = q - soft maximum: -0.5, -3 clipped to -1, and never above 0
  const at::Tensor q = row({1.5f, 2, 3}), soft_max = row({2, 5, 2.5f});
  expect_near(munchausen_bonus(q, soft_max, 0.9, -1), {-0.45, -0.9, 0});
  expect_near(munchausen_bonus(q, soft_max, 0, -1), {0, 0, 0});
  // tau log pi of softmax(q / tau) itself: pi = (1/4, 3/4) at tau = 1
  const at::Tensor values = rows({{0, std::log(3.0f)}});
  expect_near(munchausen_bonus(values.select(1, 1), soft_maximum(values, {}, 1), 1, -10), {std::log(0.75)});
  expect_near(munchausen_bonus(values.select(1, 0), soft_maximum(values, {}, 1), 1, -1), {-1});  // log 1/4 = -1.39
}

TEST(TdLoss, IsSquaredOrHubers) {
  // squares: (0.5 * 1 + 0.5 * 9) / 2 = 2.5; Huber with delta 1: (0.5 + 1 * (3 - 0.5)) / 2 = 1.5
  const at::Tensor error = row({1, -3});
  expect_near(td_loss(error, {}, 0), {2.5});
  expect_near(td_loss(error, {}, 1), {1.5});
  // delta 2: (0.5 + 2 * (3 - 1)) / 2 = 2.25
  expect_near(td_loss(error, {}, 2), {2.25});
  // weights 2 and 0.5, delta 2: (2 * 0.5 + 0.5 * 4) / 2
  const at::Tensor weight = row({2, 0.5f});
  expect_near(td_loss(error, weight, 2), {1.5});
  // slopes: w e / 2 within delta, w delta sign(e) / 2 beyond
  expect_near(gradient(error, [&](const at::Tensor& e) { return td_loss(e, weight, 2); }), {1, -0.5});
  expect_near(gradient(error, [&](const at::Tensor& e) { return td_loss(e, {}, 0); }), {0.5, -1.5});
  // at |e| = delta both pieces agree
  expect_near(td_loss(row({2}), {}, 2), {2});
  expect_near(gradient(row({2}), [](const at::Tensor& e) { return td_loss(e, {}, 2); }), {2});
}

TEST(CategoricalProjection, SharesMassBetweenNeighbours) {
  // Atoms -1, 0, 1. r = 0.25 and discount 0.5: they move to -0.25, 0.25, 0.75.
  //   -0.25: 1/4 to atom -1, 3/4 to 0;  0.25: 3/4 to 0, 1/4 to 1;  0.75: 1/4 to 0, 3/4 to 1
  const at::Tensor p = rows({{0.2f, 0.3f, 0.5f}});
  expect_near(categorical_projection(p, row({0.25f}), row({0.5f}), -1, 1),
              {0.25 * 0.2, 0.75 * 0.2 + 0.75 * 0.3 + 0.25 * 0.5, 0.25 * 0.3 + 0.75 * 0.5});
}

TEST(CategoricalProjection, HitsAtomsExactly) {
  const at::Tensor p = rows({{0.2f, 0.3f, 0.5f}});
  // r = 0, discount 1: nothing moves
  expect_near(categorical_projection(p, row({0}), row({1}), -1, 1), {0.2, 0.3, 0.5});
  // r = 1: one atom up, and what goes beyond the last one stays there
  expect_near(categorical_projection(p, row({1}), row({1}), -1, 1), {0, 0.2, 0.8});
  // support that is not around 0: atoms 2, 4, 6; r = 2 and discount 0.5 give 3, 4, 5
  expect_near(categorical_projection(p, row({2}), row({0.5f}), 2, 6), {0.1, 0.1 + 0.3 + 0.25, 0.25});
}

TEST(CategoricalProjection, KeepsMassOutsideTheSupportAtItsEnds) {
  const at::Tensor p = rows({{0.2f, 0.3f, 0.5f}, {0.2f, 0.3f, 0.5f}});
  expect_near(categorical_projection(p, row({100, -100}), row({1, 1}), -1, 1), {0, 0, 1, 1, 0, 0});
}

TEST(CategoricalProjection, IsTheRewardAloneAtAnEnd) {
  // discount 0: all mass at r = 0.5, half way between 0 and 1; and exactly at the first atom
  const at::Tensor p = rows({{0.2f, 0.3f, 0.5f}, {0.2f, 0.3f, 0.5f}});
  expect_near(categorical_projection(p, row({0.5f, -1}), row({0, 0}), -1, 1), {0, 0.5, 0.5, 1, 0, 0});
}

TEST(CategoricalProjection, KeepsMassAndMeanInsideTheSupport) {
  Rng rng(1);
  const at::Tensor p = at::softmax(normal({20, 51}, rng), 1);
  const at::Tensor reward = normal({20}, rng), discount = at::full({20}, 0.7f);
  const at::Tensor m = categorical_projection(p, reward, discount, -10, 10);
  const at::Tensor support = at::linspace(-10, 10, 51);
  EXPECT_LT(difference(m.sum(1), at::ones({20})), 1e-6);
  EXPECT_GE(m.min().item<float>(), 0);
  EXPECT_LT(difference((m * support).sum(1), reward + discount * (p * support).sum(1)), 1e-6);
}

TEST(CrossEntropy, ByHand) {
  // softmax(0, log 3) = (1/4, 3/4): -(0.5 log 1/4 + 0.5 log 3/4); d/d logit = p - m
  const at::Tensor logits = rows({{0, std::log(3.0f)}}), target = rows({{0.5f, 0.5f}});
  expect_near(cross_entropy(logits, target), {-0.5 * (std::log(0.25) + std::log(0.75))});
  expect_near(gradient(logits, [&](const at::Tensor& x) { return cross_entropy(x, target); }), {-0.25, 0.25});
  // a certain target: -log p of it
  expect_near(cross_entropy(logits, rows({{1, 0}})), {std::log(4.0)});
}

TEST(QuantileMidpoints, ByHand) {
  expect_near(quantile_midpoints(1), {0.5});
  expect_near(quantile_midpoints(4), {0.125, 0.375, 0.625, 0.875});
}

TEST(QuantileHuberLoss, TwoQuantilesAndTwoSamples) {
  // theta = (0, 2) at tau = (1/4, 3/4), samples (1, -2), kappa 1. u = sample - theta:
  //   theta 0: u = 1, -2: 0.25 * 0.5 and |0.25 - 1| * (2 - 0.5): mean (0.125 + 1.125) / 2 = 0.625
  //   theta 2: u = -1, -4: 0.25 * 0.5 and 0.25 * (4 - 0.5): mean (0.125 + 0.875) / 2 = 0.5
  const at::Tensor theta = rows({{0, 2}}), tau = quantile_midpoints(2), samples = rows({{1, -2}});
  auto loss = [&](double kappa) {
    return [&, kappa](const at::Tensor& x) { return quantile_huber_loss(x, tau, samples, kappa); };
  };
  expect_near(loss(1)(theta), {1.125});
  // slopes -side clamp(u) / kappa, mean over samples: -(0.25 * 1 - 0.75 * 1) / 2 and -(-0.25 - 0.25) / 2
  expect_near(gradient(theta, loss(1)), {0.25, 0.25});
  // kappa 2, everything over kappa:
  //   theta 0: 0.25 * 0.5, 0.75 * 2: 1.625 / 2;  theta 2: 0.25 * 0.5, 0.25 * 2 * (4 - 1): 1.625 / 2; sum / 2
  expect_near(loss(2)(theta), {0.8125});
  // -(0.25 * 1 - 0.75 * 2) / 2 / 2 and -(0.25 * -1 + 0.25 * -2) / 2 / 2
  expect_near(gradient(theta, loss(2)), {0.3125, 0.1875});
  // fractions of each row are taken as they are
  expect_near(quantile_huber_loss(theta, tau.unsqueeze(0), samples, 1), {1.125});
  // tau = (0.5, 0): theta 0: 0.5 * 0.5 and 0.5 * 1.5: 0.5;  theta 2: 1 * 0.5 and 1 * 3.5: 2
  expect_near(quantile_huber_loss(theta, rows({{0.5f, 0}}), samples, 1), {2.5});
}

TEST(QuantileHuberLoss, IsLeastAtTheQuantile) {
  // Three samples of four lie below the 3/4 quantile: between 2 and 3 nothing pulls but kappa's rounding.
  const at::Tensor samples = rows({{0, 1, 2, 30}}), tau = row({0.75f});
  auto slope = [&](float theta) {
    return gradient(rows({{theta}}), [&](const at::Tensor& x) { return quantile_huber_loss(x, tau, samples, 1e-3); })
        .item<float>();
  };
  EXPECT_LT(slope(1.5), -0.1);
  EXPECT_NEAR(slope(10), 0, 1e-6);
  EXPECT_GT(slope(31), 0.1);
}

TEST(WeightedMean, ByHand) {
  expect_near(weighted_mean(row({1, 3}), {}), {2});
  expect_near(weighted_mean(row({1, 3}), row({1, 0.5f})), {1.25});  // over the batch, not over the weights
}

}  // namespace
}  // namespace corvid::testing
