// Optimizer steps on Corvid's kernels against the same steps on LibTorch.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/nn/optimizer.h"
#include "tests/nn/torch_testing.h"

namespace corvid::testing {
namespace {

using Make = std::function<std::unique_ptr<Optimizer>(const Parameters&, bool fused)>;

Parameters some_parameters(std::uint64_t seed) {
  Rng rng(seed);
  return Parameters({normal({33, 7}, rng), normal({33}, rng), normal({1, 1}, rng), normal({5, 100}, rng)});
}

/// A gradient of the given size, the same in both; padding stays 0.
void set_gradients(Parameters& one, Parameters& two, double size, Rng& rng) {
  for (std::int64_t k = 0; k < one.size(); ++k) {
    const bool is_padding = one.flat().const_data_ptr<float>()[k] == 0;
    const float g = is_padding ? 0 : static_cast<float>(rng.normal(0, size));
    one.gradient().data_ptr<float>()[k] = two.gradient().data_ptr<float>()[k] = g;
  }
}

double largest_difference(const Parameters& one, const Parameters& two) {
  return (one.flat() - two.flat()).abs().max().item<double>();
}

const std::vector<std::pair<std::string, Make>>& optimizers() {
  static const std::vector<std::pair<std::string, Make>> all = {
      {"Adam", [](const Parameters& p, bool fused) { return std::make_unique<Adam>(p, AdamConfig{.fused = fused}); }},
      {"AdamW",
       [](const Parameters& p, bool fused) {
         return std::make_unique<Adam>(
             p, AdamConfig{.eps = 1e-8, .beta1 = 0.8, .beta2 = 0.99, .weight_decay = 0.1, .fused = fused});
       }},
      {"RAdam",
       [](const Parameters& p, bool fused) { return std::make_unique<RAdam>(p, RAdamConfig{.fused = fused}); }},
      {"RmsProp",
       [](const Parameters& p, bool fused) { return std::make_unique<RmsProp>(p, RmsPropConfig{.fused = fused}); }},
      {"RmsProp with much memory", [](const Parameters& p, bool fused) {
         return std::make_unique<RmsProp>(p, RmsPropConfig{.eps = 1e-3, .alpha = 0.9, .fused = fused});
       }}};
  return all;
}

TEST(FusedOptimizers, TakeTheStepsThatLibTorchTakes) {
  for (const auto& [name, make] : optimizers()) {
    for (const double max_norm : {kNoClipping, 0.5}) {
      Parameters fused = some_parameters(1), reference = some_parameters(1);
      const at::Tensor start = fused.flat().clone();
      const auto fused_optimizer = make(fused, true), reference_optimizer = make(reference, false);
      Rng rng(2);
      for (int step = 0; step < 10; ++step) {
        // Gradients of norm about 0.3 to 300: some are clipped, some are not.
        set_gradients(fused, reference, 0.01 * std::pow(10.0, step % 4), rng);
        const double rate = 0.01 * (1 - 0.05 * step);
        fused_optimizer->step(fused, rate, max_norm);
        reference_optimizer->step(reference, rate, max_norm);
        EXPECT_LT(largest_difference(fused, reference), 1e-5) << name << ", step " << step << ", max_norm " << max_norm;
      }
      EXPECT_GT((fused.flat() - start).abs().max().item<double>(), 1e-3) << name;
    }
  }
}

TEST(FusedOptimizers, ClipAsTheNormSays) {
  // RMSProp with alpha 0 and a huge eps moves by rate * g / eps: its steps show the clipped gradient.
  for (const bool fused : {true, false}) {
    at::Tensor x = at::zeros({2});
    Parameters parameters({x});
    RmsProp optimizer(parameters, {.eps = 1e6, .alpha = 0, .fused = fused});
    auto step = [&](float a, float b, double max_norm) {
      x.mutable_grad().data_ptr<float>()[0] = a;
      x.mutable_grad().data_ptr<float>()[1] = b;
      at::NoGradGuard no_grad;
      x.zero_();
      optimizer.step(parameters, 1e6, max_norm);
      return std::pair{-x[0].item<float>(), -x[1].item<float>()};
    };
    const auto [a, b] = step(3, 4, 1);  // norm 5
    EXPECT_NEAR(a, 0.6, 1e-5) << fused;
    EXPECT_NEAR(b, 0.8, 1e-5) << fused;
    const auto [c, d] = step(3, 4, 10);
    EXPECT_NEAR(c, 3, 1e-4) << fused;
    EXPECT_NEAR(d, 4, 1e-4) << fused;
  }
}

TEST(FusedOptimizers, ShareTheirState) {
  // An agent may go on with the other way: five steps of one, then five of the other.
  for (const auto& [name, make] : optimizers()) {
    for (const bool fused_first : {true, false}) {
      Parameters one = some_parameters(1), two = some_parameters(1);
      const auto whole = make(one, true), first = make(two, fused_first), second = make(two, !fused_first);
      Rng rng(3);
      for (int step = 0; step < 10; ++step) {
        if (step == 5) {
          BlobWriter writer;
          first->visit(writer);
          const auto bytes = writer.take();
          BlobReader reader(bytes);
          second->visit(reader);
        }
        set_gradients(one, two, 1, rng);
        whole->step(one, 0.01, 1.0);
        (step < 5 ? first : second)->step(two, 0.01, 1.0);
      }
      EXPECT_LT(largest_difference(one, two), 1e-5) << name;
    }
  }
}

TEST(FusedOptimizers, LetNaNThrough) {
  for (const auto& [name, make] : optimizers()) {
    for (const bool fused : {true, false}) {
      for (const double max_norm : {kNoClipping, 0.5}) {
        Parameters parameters = some_parameters(1);
        parameters.gradient().data_ptr<float>()[40] = std::numeric_limits<float>::quiet_NaN();
        make(parameters, fused)->step(parameters, 0.01, max_norm);
        EXPECT_TRUE(std::isnan(parameters.flat()[40].item<float>())) << name << fused;
        // Clipped, the norm is NaN, and with it every step.
        EXPECT_EQ(std::isnan(parameters.flat()[0].item<float>()), max_norm != kNoClipping) << name << fused;
      }
    }
  }
}

TEST(FusedOptimizers, LeaveThePaddingAtZero) {
  for (const auto& [name, make] : optimizers()) {
    Parameters parameters = some_parameters(1);
    const at::Tensor is_padding = parameters.flat() == 0;
    ASSERT_GT(is_padding.sum().item<int>(), 0);
    const auto optimizer = make(parameters, true);
    Rng rng(2);
    for (int step = 0; step < 3; ++step) {
      set_gradients(parameters, parameters, 1, rng);
      optimizer->step(parameters, 0.01, 0.5);
    }
    EXPECT_EQ(parameters.flat().masked_select(is_padding).abs().max().item<float>(), 0) << name;
  }
}

TEST(PolyakUpdate, IsTheSameBothWays) {
  for (const double tau : {0.0, 0.005, 0.4, 1.0}) {
    const Parameters source = some_parameters(5);
    Parameters fused = some_parameters(6), reference = some_parameters(6);
    const at::Tensor expected = (1 - tau) * fused.flat().to(at::kDouble) + tau * source.flat().to(at::kDouble);
    polyak_update(source, fused, tau, true);
    polyak_update(source, reference, tau, false);
    EXPECT_LT((fused.flat() - expected).abs().max().item<double>(), 1e-6) << tau;
    EXPECT_LT(largest_difference(fused, reference), 1e-6) << tau;
  }
}

}  // namespace
}  // namespace corvid::testing
