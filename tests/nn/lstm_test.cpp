// The LSTM on Corvid's kernels against LibTorch's, small cases by hand.
#include "core/nn/lstm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <tuple>

#include "core/base/check.h"
#include "core/nn/parameters.h"
#include "tests/nn/torch_testing.h"

namespace corvid::testing {
namespace {

/// The same layer twice: fused, and as LibTorch's operations.
struct Pair {
  Pair(std::int64_t inputs, std::int64_t hidden) {
    Rng first(4), second(4);
    fused = Lstm(inputs, hidden, first);
    reference = Lstm(inputs, hidden, second);
    fused_parameters = Parameters(fused.parameters());
    reference_parameters = Parameters(reference.parameters());
    fused.fuse();
  }
  Lstm fused, reference;
  Parameters fused_parameters, reference_parameters;
};

TEST(LstmTest, EqualsLibTorchForwardAndBackward) {
  for (const auto& [steps, rows, inputs, hidden] :
       {std::tuple(1, 1, 1, 1), {3, 2, 5, 7}, {20, 32, 64, 64}, {6, 17, 3, 33}, {40, 5, 2, 16}}) {
    SCOPED_TRACE(::testing::Message() << steps << " steps, " << rows << " rows, " << inputs << " to " << hidden);
    Pair pair(inputs, hidden);
    Rng rng(1);
    const at::Tensor x = normal({steps, rows, inputs}, rng), state = normal({rows, 2 * hidden}, rng),
                     weights = normal({steps, rows, hidden}, rng);
    at::Tensor own_x = x.clone().set_requires_grad(true), reference_x = x.clone().set_requires_grad(true);
    const at::Tensor h = pair.fused.forward(own_x, state), expected = pair.reference.forward(reference_x, state);
    EXPECT_LT(difference(h, expected), 1e-5);
    (h * weights).sum().backward();
    (expected * weights).sum().backward();
    EXPECT_LT(difference(pair.fused_parameters.gradient(), pair.reference_parameters.gradient()), 1e-5);
    EXPECT_LT(difference(own_x.grad(), reference_x.grad()), 1e-5);
    {
      at::NoGradGuard no_grad;
      EXPECT_TRUE(at::equal(pair.fused.forward(x, state), h));
    }
    const at::Tensor last = pair.fused.advance(x, {}, state);
    EXPECT_LT(difference(last, pair.reference.advance(x, {}, state)), 1e-5);
    EXPECT_TRUE(at::equal(last.narrow(1, 0, hidden), h.detach()[steps - 1]));
  }
}

TEST(LstmTest, StepsOneByOneAreTheSequence) {
  Pair pair(3, 10);
  Rng rng(2);
  const at::Tensor x = normal({9, 4, 3}, rng), state = normal({4, 20}, rng);
  at::NoGradGuard no_grad;
  const at::Tensor h = pair.fused.forward(x, state);
  at::Tensor now = state;
  for (std::int64_t t = 0; t < 9; ++t) {
    now = pair.fused.advance(x.narrow(0, t, 1), {}, now);
    EXPECT_TRUE(at::equal(now.narrow(1, 0, 10), h[t])) << t;
  }
  EXPECT_TRUE(at::equal(now, pair.fused.advance(x, {}, state)));
}

TEST(LstmTest, PaddingInFrontLeavesTheStateAsItIs) {
  Pair pair(3, 6);
  Rng rng(3);
  const at::Tensor x = normal({5, 4, 3}, rng), state = normal({4, 12}, rng);
  const at::Tensor first = at::tensor({0, 2, 4, 5}, at::kLong);
  for (const Lstm* lstm : {&pair.fused, &pair.reference}) {
    const at::Tensor padded = lstm->advance(x, first, state);
    for (std::int64_t b = 0; b < 4; ++b) {
      const std::int64_t skip = first[b].item<std::int64_t>();
      at::Tensor expected = state.narrow(0, b, 1);
      if (skip < 5) expected = lstm->advance(x.narrow(0, skip, 5 - skip).narrow(1, b, 1), {}, expected);
      EXPECT_LT(difference(padded.narrow(0, b, 1), expected), 1e-6) << b;
    }
  }
}

/// One cell, one input: h' = o tanh(f c + i g).
TEST(LstmTest, OneCellByHand) {
  Rng rng(1);
  for (const bool fuse : {true, false}) {
    Lstm lstm(1, 1, rng);
    Parameters parameters(lstm.parameters());
    {
      at::NoGradGuard no_grad;
      // Rows input, forget, candidate, output; columns x, h.
      lstm.parameters()[0].copy_(at::tensor({0.5, 0.0, 0.0, 1.0, 1.0, -1.0, 0.0, 2.0}).view({4, 2}));
      lstm.parameters()[1].copy_(at::tensor({0.0, 1.0, 0.25, 0.0}));
    }
    if (fuse) lstm.fuse();
    auto sigmoid = [](double z) { return 1 / (1 + std::exp(-z)); };
    double h = 0.5, c = -1;
    const at::Tensor state = at::tensor({0.5f, -1.0f}).view({1, 2});
    const at::Tensor found = lstm.forward(at::tensor({2.0f, -1.0f}).view({2, 1, 1}), state);
    for (int t = 0; t < 2; ++t) {
      const double x = t == 0 ? 2 : -1;
      const double i = sigmoid(0.5 * x), f = sigmoid(h + 1), g = std::tanh(x - h + 0.25), o = sigmoid(2 * h);
      c = f * c + i * g;
      h = o * std::tanh(c);
      EXPECT_NEAR(found[t].item<double>(), h, 1e-6) << t;
    }
  }
}

TEST(LstmTest, WeightsStartWithinOneOverTheRootOfTheCells) {
  Rng rng(5);
  Lstm lstm(8, 16, rng);
  const at::Tensor bias = lstm.parameters()[1].clone();
  EXPECT_NEAR(bias.narrow(0, 16, 16).mean().item<double>(), 1, 0.15);
  bias.narrow(0, 16, 16).sub_(1);
  for (const at::Tensor& tensor : {lstm.parameters()[0], bias}) {
    EXPECT_LE(tensor.abs().max().item<double>(), 0.25 + 1e-6);
    EXPECT_GT(tensor.abs().max().item<double>(), 0.2);
  }
}

TEST(LstmTest, TheFirstStateIsAConstant) {
  Pair pair(1, 1);
  EXPECT_THROW(pair.fused.forward(at::zeros({1, 1, 1}), at::zeros({1, 2}).set_requires_grad(true)), std::logic_error);
}

}  // namespace
}  // namespace corvid::testing
