#include "core/nn/parameters.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/nn/mlp.h"

namespace corvid {
namespace {

TEST(Parameters, KeepValuesAndSendGradientsToTheFlatTensor) {
  at::Tensor a = at::arange(6, at::kFloat).view({2, 3}), b = at::full({2}, 7.0f);
  Parameters parameters({a, b});
  ASSERT_EQ(parameters.size(), 32);  // each begins on a line of 64 bytes
  at::Tensor expected = at::zeros({32});
  expected.narrow(0, 0, 6).copy_(at::arange(6));
  expected.narrow(0, 16, 2).fill_(7);
  EXPECT_TRUE(at::equal(parameters.flat(), expected));

  // d/da sum(3 a) = 3, d/db sum(b^2) = 2 b
  (a.sum() * 3 + b.pow(2).sum()).backward();
  expected.narrow(0, 0, 6).fill_(3);
  expected.narrow(0, 16, 2).fill_(14);
  EXPECT_TRUE(at::equal(parameters.gradient(), expected));
  parameters.zero_grad();
  EXPECT_TRUE(at::equal(a.grad(), at::zeros({2, 3})));

  // A change of the flat tensor is a change of the layers.
  {
    at::NoGradGuard no_grad;
    at::Tensor flat = parameters.flat();
    flat.fill_(1);
  }
  EXPECT_TRUE(at::equal(a.detach(), at::ones({2, 3})));
}

TEST(Parameters, ClipsOnlyGradientsThatAreTooLong) {
  at::Tensor a = at::zeros({2});
  Parameters parameters({a});
  (a * at::tensor({3.f, 4.f})).sum().backward();  // gradient (3, 4), norm 5
  parameters.clip_grad_norm(10);
  EXPECT_NEAR(parameters.gradient()[0].item<float>(), 3, 1e-6);
  parameters.clip_grad_norm(1);
  EXPECT_NEAR(parameters.gradient()[0].item<float>(), 0.6, 1e-5);
  EXPECT_NEAR(parameters.gradient()[1].item<float>(), 0.8, 1e-5);
}

TEST(Parameters, SurviveAnArchive) {
  at::Tensor a = at::randn({3, 2}), b = at::randn({5});
  Parameters first({a, b});
  BlobWriter writer;
  first.visit(writer);
  const std::vector<std::byte> bytes = writer.take();

  at::Tensor c = at::zeros({3, 2}), d = at::zeros({5});
  Parameters second({c, d});
  BlobReader reader(bytes);
  second.visit(reader);
  EXPECT_TRUE(at::equal(a, c));
  EXPECT_TRUE(at::equal(b, d));
}

TEST(Mlp, OrthogonalMatricesAreOrthonormalTimesGain) {
  for (const auto& [rows, columns] : {std::pair{3, 8}, {8, 3}, {5, 5}, {1, 4}}) {
    Rng rng(1);
    const at::Tensor m = orthogonal(rows, columns, 2.0, rng).to(at::kDouble);
    const at::Tensor gram = rows <= columns ? at::matmul(m, m.t()) : at::matmul(m.t(), m);
    EXPECT_LT((gram - 4 * at::eye(gram.size(0), at::kDouble)).abs().max().item<double>(), 1e-6)
        << rows << " x " << columns;
  }
}

TEST(Mlp, ForwardEqualsTheArithmeticByHand) {
  Rng rng(3);
  const Mlp net(2, {3}, 1, Activation::kTanh, 0.5, rng);
  const auto p = net.parameters();
  const float x[2] = {0.3f, -1.2f};
  double expected = p[3][0].item<double>();
  for (int h = 0; h < 3; ++h) {
    double sum = p[1][h].item<double>();
    for (int k = 0; k < 2; ++k) sum += p[0][h][k].item<double>() * x[k];
    expected += p[2][0][h].item<double>() * std::tanh(sum);
  }
  EXPECT_NEAR(net.forward(at::tensor({x[0], x[1]}).view({1, 2})).item<double>(), expected, 1e-6);
}

TEST(Mlp, WithoutHiddenLayersIsLinear) {
  Rng rng(3);
  const Mlp net(4, {}, 2, Activation::kRelu, 1.0, rng);
  EXPECT_EQ(net.parameters().size(), 2u);
  const at::Tensor x = at::randn({5, 4});
  EXPECT_LT((net.forward(2 * x) - 2 * net.forward(x)).abs().max().item<float>(), 1e-5);
}

}  // namespace
}  // namespace corvid
