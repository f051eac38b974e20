// The implicit quantile network against its formula in plain loops.
#include "core/nn/iqn_network.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/nn/value_network_testing.h"

namespace corvid::testing {
namespace {

constexpr std::int64_t kFeatures = 3, kActions = 4, kCosines = 6;

IqnNetwork network(const std::vector<std::int64_t>& net_arch, const Compute& compute,
                   const Space& observation = flat_observation(kFeatures), std::int64_t frame_stack = 1) {
  Rng rng(3);
  return {spec_with(observation, kActions), {.net_arch = net_arch, .frame_stack = frame_stack}, kCosines, compute, rng};
}

at::Tensor some_tau(std::int64_t rows, std::int64_t n) {
  at::Tensor tau = at::empty({rows, n});
  Rng rng(4);
  for (std::int64_t k = 0; k < tau.numel(); ++k) tau.data_ptr<float>()[k] = static_cast<float>(rng.random());
  return tau;
}

std::vector<double> relu(std::vector<double> x) {
  for (double& number : x) number = std::max(0.0, number);
  return x;
}

/// Z_tau(s, .) = f(psi(s) * phi(tau)) of one state and fraction; psi is the hidden layers but the last.
std::vector<double> naive(IqnNetwork& network, const std::vector<std::int64_t>& psi,
                          const std::vector<std::int64_t>& rest, const std::vector<double>& features, double tau) {
  const float* parameters = network.parameters().flat().const_data_ptr<float>();
  const std::int64_t width = psi.back();
  const MlpShape psi_shape{kFeatures, {psi.begin(), psi.end() - 1}, width, Activation::kRelu};
  const MlpShape phi_shape{kCosines, {}, width, Activation::kRelu},
      head_shape{width, rest, kActions, Activation::kRelu};
  const std::vector<double> state = relu(naive_mlp(psi_shape, parameters, features));
  parameters += FusedMlp(psi_shape).num_parameters();
  std::vector<double> cosines;
  for (int i = 0; i < kCosines; ++i) cosines.push_back(std::cos(M_PI * i * tau));
  std::vector<double> mixed = relu(naive_mlp(phi_shape, parameters, cosines));
  parameters += FusedMlp(phi_shape).num_parameters();
  for (std::size_t k = 0; k < mixed.size(); ++k) mixed[k] *= state[k];
  return naive_mlp(head_shape, parameters, mixed);
}

TEST(IqnNetwork, EqualsPlainLoops) {
  struct Widths {
    std::vector<std::int64_t> all, psi, rest;
  };
  for (const Widths& widths : {Widths{{8, 5}, {8}, {5}}, Widths{{7}, {7}, {}}, Widths{{8, 6, 5}, {8, 6}, {5}}}) {
    for (const bool fused : {true, false}) {
      IqnNetwork q = network(widths.all, {.fused = fused});
      Rng rng(1);
      disturb(q.parameters().flat(), rng, 0.2);
      const at::Tensor x = normal({3, kFeatures}, rng), tau = some_tau(3, 5), y = q.forward(x, tau).detach();
      ASSERT_EQ(y.sizes(), (std::vector<std::int64_t>{3, 5, kActions}));
      for (std::int64_t b = 0; b < 3; ++b) {
        const float* row = x[b].const_data_ptr<float>();
        for (std::int64_t j = 0; j < 5; ++j) {
          const std::vector<double> expected =
              naive(q, widths.psi, widths.rest, {row, row + kFeatures}, tau[b][j].item<double>());
          for (std::int64_t a = 0; a < kActions; ++a)
            EXPECT_NEAR(y[b][j][a].item<double>(), expected[static_cast<std::size_t>(a)], 1e-5) << fused << b << j << a;
        }
      }
    }
  }
}

TEST(IqnNetwork, GradientsOnKernelsEqualAutograd) {
  for (const Space& observation : {flat_observation(kFeatures), Space::box(0, 255, {5, 5, 2}, DType::kUint8)}) {
    for (const std::int64_t frame_stack : {1, 2}) {
      IqnNetwork fused = network({16, 8}, {.fused = true}, observation, frame_stack),
                 plain = network({16, 8}, {.fused = false}, observation, frame_stack);
      Rng rng(1);
      const at::Tensor x = normal({6, frame_stack * observation.size()}, rng), tau = some_tau(6, 7),
                       weight = normal({6, 7, kActions}, rng);
      for (IqnNetwork* q : {&fused, &plain}) (q->forward(x, tau) * weight).sum().backward();
      EXPECT_LT(difference(fused.parameters().gradient(), plain.parameters().gradient()), 1e-5);
      EXPECT_GT(plain.parameters().gradient().abs().max().item<double>(), 1e-2);
    }
  }
}

TEST(IqnNetwork, BeginsWithinTheRootOfItsInputs) {
  IqnNetwork q = network({32, 16}, {});
  const float* parameters = q.parameters().flat().const_data_ptr<float>();
  const MlpShape shapes[] = {{kFeatures, {}, 32}, {kCosines, {}, 32}, {32, {16}, kActions}};
  for (const MlpShape& shape : shapes) {
    const FusedMlp mlp(shape);
    for (const FusedMlp::Layer& layer : mlp.layers()) {
      const double bound = 1 / std::sqrt(static_cast<double>(layer.inputs));
      double largest = 0, largest_bias = 0;
      for (std::int64_t k = 0; k < layer.inputs * layer.outputs; ++k)
        largest = std::max(largest, std::abs(static_cast<double>(parameters[layer.weight + k])));
      for (std::int64_t k = 0; k < layer.outputs; ++k)
        largest_bias = std::max(largest_bias, std::abs(static_cast<double>(parameters[layer.bias + k])));
      EXPECT_LE(std::max(largest, largest_bias), bound * 1.000001);
      EXPECT_GT(largest, bound * 0.8);
      EXPECT_GT(largest_bias, bound * 0.3);
    }
    parameters += mlp.num_parameters();
  }
}

TEST(IqnNetwork, AnArchiveHoldsAllOfIt) {
  IqnNetwork from = network({8, 5}, {}), to = network({8, 5}, {});
  Rng rng(6);
  disturb(from.parameters().flat(), rng, 0.1);
  const at::Tensor x = normal({2, kFeatures}, rng), tau = some_tau(2, 3), expected = from.forward(x, tau);
  ASSERT_FALSE(at::equal(to.forward(x, tau), expected));
  copy_through_archive(from, to);
  EXPECT_TRUE(at::equal(to.forward(x, tau), expected));
}

}  // namespace
}  // namespace corvid::testing
