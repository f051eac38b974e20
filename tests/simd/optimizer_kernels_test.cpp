// Optimizer steps of the vector kernels against their formulas in double.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/nn/kernels.h"
#include "tests/simd/simd_testing.h"

namespace corvid::testing {
namespace {

constexpr std::int64_t kSizes[] = {1, 15, 16, 17, 1000};

std::vector<double> doubles(const Fenced<float>& x) { return {x.data(), x.data() + x.size()}; }

TEST(OptimizerKernels, AdamFollowsItsAlgorithm) {
  // Kingma and Ba 2015, algorithm 1; decay after Loshchilov and Hutter 2019, algorithm 2.
  Comparisons all;
  for (const Isa set : instruction_sets()) {
    for (const double decay : {0.0, 0.1}) {
      for (const std::int64_t n : kSizes) {
        Rng rng(20);
        Fenced<float> parameters(n, rng), mean(std::vector<float>(static_cast<std::size_t>(n), 0));
        Fenced<float> square(std::vector<float>(static_cast<std::size_t>(n), 0));
        std::vector<double> p = doubles(parameters), m(p.size()), v(p.size());
        const double beta1 = 0.9, beta2 = 0.999, eps = 1e-5, rate = 0.01, scale = 0.3;
        for (int t = 1; t <= 4; ++t) {
          const Fenced<float> gradient(n, rng, 2);
          const AdamFactors factors = adam_factors(t, rate, beta1, beta2, eps, decay);
          kernels(set).adam(n, factors, static_cast<float>(scale), gradient.data(), parameters.data(), mean.data(),
                            square.data());
          for (std::size_t k = 0; k < p.size(); ++k) {
            const auto at = static_cast<std::int64_t>(k);
            const double g = gradient[at] * scale;
            m[k] = beta1 * m[k] + (1 - beta1) * g;
            v[k] = beta2 * v[k] + (1 - beta2) * g * g;
            const double m_hat = m[k] / (1 - std::pow(beta1, t)), v_hat = v[k] / (1 - std::pow(beta2, t));
            p[k] = p[k] - rate * decay * p[k] - rate * m_hat / (std::sqrt(v_hat) + eps);
            all.near(mean[at], m[k], 2e-7, "mean", isa_name(set), n, t, k);
            all.near(square[at], v[k], 2e-5 * v[k], "square", isa_name(set), n, t, k);  // 1 - 0.999f errs by 1e-5
            all.near(parameters[at], p[k], 3e-7 * (1 + std::abs(p[k])), isa_name(set), n, t, k, decay);
          }
        }
      }
    }
  }
  EXPECT_TRUE(all.hold());
}

TEST(OptimizerKernels, RAdamFollowsItsAlgorithm) {
  // Liu et al. 2020, algorithm 2, as PyTorch writes it: rectified where rho_t > 5, with eps beside the root of v.
  Comparisons all;
  for (const Isa set : instruction_sets()) {
    for (const double beta2 : {0.999, 0.9}) {
      const std::int64_t n = 17;
      Rng rng(26);
      Fenced<float> parameters(n, rng), mean(std::vector<float>(n, 0)), square(std::vector<float>(n, 0));
      std::vector<double> p = doubles(parameters), m(p.size()), v(p.size());
      const double beta1 = 0.9, eps = 1e-3, rate = 0.01;
      const double longest = 2 / (1 - beta2) - 1;
      int num_rectified = 0;
      for (int t = 1; t <= 9; ++t) {
        const Fenced<float> gradient(n, rng, 2);
        kernels(set).adam(n, radam_factors(t, rate, beta1, beta2, eps), 1, gradient.data(), parameters.data(),
                          mean.data(), square.data());
        const double correction1 = 1 - std::pow(beta1, t), correction2 = 1 - std::pow(beta2, t);
        const double length = longest - 2 * t * std::pow(beta2, t) / correction2;
        const double rectification =
            std::sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length));
        num_rectified += length > 5;
        for (std::size_t k = 0; k < p.size(); ++k) {
          const double g = gradient[static_cast<std::int64_t>(k)];
          m[k] = beta1 * m[k] + (1 - beta1) * g;
          v[k] = beta2 * v[k] + (1 - beta2) * g * g;
          const double scale = length > 5 ? rectification * std::sqrt(correction2) / (std::sqrt(v[k]) + eps) : 1;
          p[k] -= rate * m[k] / correction1 * scale;
          all.near(parameters[static_cast<std::int64_t>(k)], p[k], 1e-6 * (1 + std::abs(p[k])), isa_name(set), beta2, t,
                   k);
        }
      }
      EXPECT_EQ(num_rectified, 4);  // from step 6 on: with 0.9, rho_5 = 19 - 10 * 0.59 / 0.41 = 4.6 and rho_6 = 5.4
    }
  }
  EXPECT_TRUE(all.hold());
}

TEST(OptimizerKernels, AdamByHand) {
  // First step, g = 4 * 0.5 = 2: m = 0.2, v = 0.004, so m^ = 2, v^ = 4 and
  // p = 1 - 0.1 * 0.5 * 1 - 0.1 * 2 / (2 + 0.5) = 0.87
  for (const Isa set : instruction_sets()) {
    const AdamFactors factors = {.beta1 = 0.9f,
                                 .beta2 = 0.999f,
                                 .eps = 0.5f,
                                 .rest1 = 0.1f,
                                 .rest2 = 0.001f,
                                 .step_size = 1,
                                 .root_scale = 31.6227766f,
                                 .weight_decay = 0.05f};
    const float gradient = 4;
    float p = 1, m = 0, v = 0;
    kernels(set).adam(1, factors, 0.5f, &gradient, &p, &m, &v);
    EXPECT_NEAR(m, 0.2, 1e-7);
    EXPECT_NEAR(v, 0.004, 1e-7);
    EXPECT_NEAR(p, 0.87, 2e-6);
  }
}

TEST(OptimizerKernels, RmsPropFollowsItsDefinition) {
  Comparisons all;
  for (const Isa set : instruction_sets()) {
    for (const std::int64_t n : kSizes) {
      Rng rng(21);
      Fenced<float> parameters(n, rng), square(std::vector<float>(static_cast<std::size_t>(n), 0));
      std::vector<double> p = doubles(parameters), v(p.size());
      const double alpha = 0.99, eps = 1e-5, rate = 0.01, scale = 0.7;
      for (int t = 1; t <= 4; ++t) {
        const Fenced<float> gradient(n, rng, 3);
        kernels(set).rms_prop(n, static_cast<float>(rate), static_cast<float>(alpha), static_cast<float>(1 - alpha),
                              static_cast<float>(eps), static_cast<float>(scale), gradient.data(), parameters.data(),
                              square.data());
        for (std::size_t k = 0; k < p.size(); ++k) {
          const auto at = static_cast<std::int64_t>(k);
          const double g = gradient[at] * scale;
          v[k] = alpha * v[k] + (1 - alpha) * g * g;
          p[k] -= rate * g / (std::sqrt(v[k]) + eps);
          all.near(square[at], v[k], 2e-6 * v[k], "square", isa_name(set), n, t, k);
          all.near(parameters[at], p[k], 3e-7 * (1 + std::abs(p[k])), isa_name(set), n, t, k);
        }
      }
    }
  }
  EXPECT_TRUE(all.hold());
}

TEST(OptimizerKernels, RmsPropByHand) {
  // alpha 0.75, g = 4: square = 0.75 * 0 + 0.25 * 16 = 4, p = 1 - 0.5 * 4 / (2 + 2) = 0.5
  for (const Isa set : instruction_sets()) {
    const float gradient = 4;
    float p = 1, square = 0;
    kernels(set).rms_prop(1, 0.5f, 0.75f, 0.25f, 2, 1, &gradient, &p, &square);
    EXPECT_EQ(square, 4.0f);
    EXPECT_EQ(p, 0.5f);
  }
}

TEST(OptimizerKernels, PolyakMovesTheTargetByItsShare) {
  Comparisons all;
  for (const Isa set : instruction_sets()) {
    for (const std::int64_t n : kSizes) {
      Rng rng(22);
      const Fenced<float> source(n, rng);
      for (const float tau : {0.0f, 0.005f, 0.5f, 1.0f}) {
        Fenced<float> target(n, rng);
        const std::vector<double> before = doubles(target);
        kernels(set).polyak(n, tau, source.data(), target.data());
        for (std::int64_t k = 0; k < n; ++k) {
          const double old = before[static_cast<std::size_t>(k)];
          all.near(target[k], (1 - static_cast<double>(tau)) * old + tau * static_cast<double>(source[k]), 5e-7,
                   isa_name(set), n, tau, k);
        }
      }
    }
  }
  EXPECT_TRUE(all.hold());
}

TEST(OptimizerKernels, AddAdds) {
  Comparisons all;
  for (const Isa set : instruction_sets()) {
    for (const std::int64_t n : kSizes) {
      Rng rng(23);
      const Fenced<float> x(n, rng);
      Fenced<float> sum(n, rng);
      const std::vector<double> before = doubles(sum);
      kernels(set).add(n, x.data(), sum.data());
      for (std::int64_t k = 0; k < n; ++k)
        all.near(sum[k], static_cast<float>(before[static_cast<std::size_t>(k)] + x[k]), 0, isa_name(set), n, k);
    }
  }
  EXPECT_TRUE(all.hold());
}

TEST(OptimizerKernels, SumOfSquaresStaysExactForManyNumbers) {
  Comparisons all;
  for (const Isa set : instruction_sets()) {
    EXPECT_EQ(kernels(set).sum_of_squares(0, nullptr), 0);
    for (const std::int64_t n : {1, 15, 16, 17, 63, 64, 65, 1000, 4095, 4096, 4097, 100000}) {
      Rng rng(24);
      const Fenced<float> x(n, rng);
      double expected = 0;
      for (std::int64_t k = 0; k < n; ++k) expected += static_cast<double>(x[k]) * x[k];
      all.near(kernels(set).sum_of_squares(n, x.data()), expected, 1e-6 * expected, isa_name(set), n);
    }
    const float three_four[] = {3, -4};
    EXPECT_EQ(kernels(set).sum_of_squares(2, three_four), 25);
  }
  EXPECT_TRUE(all.hold());
}

TEST(OptimizerKernels, NothingPastTheLastNumberIsTouched) {
  // Beside the fence: guards right behind the numbers.
  for (const Isa set : instruction_sets()) {
    for (const std::int64_t n : kSizes) {
      Rng rng(25);
      const Fenced<float> source(n + 16, rng);
      Fenced<float> a(n + 16), b(n + 16), c(n + 16);
      for (std::int64_t k = 0; k < n; ++k) a[k] = b[k] = c[k] = 1;
      const Kernels& table = kernels(set);
      table.adam(n,
                 {.beta1 = 0.9f,
                  .beta2 = 0.9f,
                  .eps = 1,
                  .rest1 = 0.1f,
                  .rest2 = 0.1f,
                  .step_size = 1,
                  .root_scale = 1,
                  .weight_decay = 0.1f},
                 1, source.data(), a.data(), b.data(), c.data());
      table.rms_prop(n, 0.1f, 0.9f, 0.1f, 1e-5f, 1, source.data(), a.data(), c.data());
      table.polyak(n, 0.5f, source.data(), b.data());
      table.add(n, source.data(), c.data());
      for (std::int64_t k = 0; k < n + 16; ++k) {
        for (const float number : {a[k], b[k], c[k]}) EXPECT_EQ(is_guard(number), k >= n) << isa_name(set) << n << k;
      }
    }
  }
}

}  // namespace
}  // namespace corvid::testing
