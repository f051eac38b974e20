#include "core/nn/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace corvid {
namespace {

/// Runs an optimizer on one parameter that starts at 1 with the given gradients.
template <class Make>
std::vector<double> path(const std::vector<double>& gradients, double learning_rate, Make make) {
  at::Tensor x = at::ones({1});
  Parameters parameters({x});
  auto optimizer = make(parameters);
  std::vector<double> values;
  for (double gradient : gradients) {
    at::Tensor slot = parameters.gradient();
    slot.fill_(gradient);
    optimizer.step(parameters, learning_rate);
    values.push_back(x.item<double>());
  }
  return values;
}

TEST(Adam, FollowsAlgorithmOne) {
  const std::vector<double> gradients = {0.5, -0.25, 2.0};
  const double eps = 1e-5, rate = 0.1;
  double x = 1, m = 0, v = 0;
  std::vector<double> expected;
  for (std::size_t t = 1; t <= gradients.size(); ++t) {
    const double g = gradients[t - 1];
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    x -= rate * (m / (1 - std::pow(0.9, t))) / (std::sqrt(v / (1 - std::pow(0.999, t))) + eps);
    expected.push_back(x);
  }
  EXPECT_NEAR(expected[0], 0.9, 1e-4);  // the first step is the learning rate, whatever the gradient
  const auto values = path(gradients, rate, [&](Parameters& p) { return Adam(p, {.eps = eps}); });
  for (std::size_t t = 0; t < values.size(); ++t) EXPECT_NEAR(values[t], expected[t], 2e-6) << t;
}

TEST(RAdam, IsMomentumAtFirstAndRectifiedAdamThen) {
  const std::vector<double> gradients = {0.5, -0.25, 2.0, 1.0, -0.5, 0.75, 0.25};
  const double eps = 1e-8, rate = 0.1, rho_inf = 1999;
  double x = 1, m = 0, v = 0;
  const auto values = path(gradients, rate, [&](Parameters& p) { return RAdam(p, {.eps = eps}); });
  EXPECT_NEAR(values[0], 1 - 0.1 * 0.5, 1e-6);
  for (std::size_t t = 1; t <= gradients.size(); ++t) {
    const double g = gradients[t - 1], decay = std::pow(0.999, t);
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    const double mean = m / (1 - std::pow(0.9, t)), rho = rho_inf - 2 * static_cast<double>(t) * decay / (1 - decay);
    EXPECT_EQ(rho > 5, t >= 6) << t;
    const double r = std::sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho));
    x -= rho > 5 ? rate * mean * r * std::sqrt(1 - decay) / (std::sqrt(v) + eps) : rate * mean;
    EXPECT_NEAR(values[t - 1], x, 2e-6) << t;
  }
}

TEST(RmsProp, FollowsItsDefinition) {
  const std::vector<double> gradients = {0.5, -0.25, 2.0};
  const double eps = 1e-5, rate = 0.1;
  double x = 1, v = 0;
  const auto values = path(gradients, rate, [&](Parameters& p) { return RmsProp(p, {.eps = eps}); });
  for (std::size_t t = 0; t < values.size(); ++t) {
    v = 0.99 * v + 0.01 * gradients[t] * gradients[t];
    x -= rate * gradients[t] / (std::sqrt(v) + eps);
    EXPECT_NEAR(values[t], x, 5e-6) << t;
  }
}

TEST(Optimizers, GoOnFromAnArchive) {
  for (const int kind : {0, 1, 2}) {
    auto make = [&](Parameters& p) -> std::unique_ptr<Optimizer> {
      if (kind == 0) return std::make_unique<Adam>(p);
      if (kind == 1) return std::make_unique<RAdam>(p);
      return std::make_unique<RmsProp>(p);
    };
    at::Tensor a = at::ones({4}), b = at::ones({4});
    Parameters first({a}), second({b});
    auto one = make(first), two = make(second);
    auto step = [](Optimizer& optimizer, Parameters& p, double g) {
      at::Tensor slot = p.gradient();
      slot.fill_(g);
      optimizer.step(p, 0.01);
    };
    for (double g : {1.0, -2.0}) step(*one, first, g);
    BlobWriter writer;
    first.visit(writer);
    one->visit(writer);
    const auto bytes = writer.take();
    BlobReader reader(bytes);
    second.visit(reader);
    two->visit(reader);
    for (double g : {0.3, 0.7}) {
      step(*one, first, g);
      step(*two, second, g);
    }
    EXPECT_TRUE(at::equal(a, b));
  }
}

}  // namespace
}  // namespace corvid
