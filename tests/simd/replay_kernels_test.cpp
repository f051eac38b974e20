#include "core/buffer/replay_kernels.h"

#include "tests/simd/simd_testing.h"

namespace corvid {
namespace {

TEST(ReplayKernels, PowersAndWeightsEqualTheLibrary) {
  Rng rng(1);
  for (const Isa set : testing::instruction_sets()) {
    for (const std::int64_t count : {1, 7, 8, 16, 33}) {
      const auto size = static_cast<std::size_t>(count);
      std::vector<float> x(size), out(size);
      for (const float exponent : {0.0f, 0.4f, 0.6f, 1.0f}) {
        float largest = 0, least = 1e30f;
        for (float& value : x) {
          value = static_cast<float>(std::exp(rng.uniform(-20, 14)));
          least = std::min(least, value);
          largest = std::max(largest, std::pow(value, exponent));
        }
        EXPECT_NEAR(replay_kernels(set).power(count, x.data(), exponent, out.data()) / largest, 1, 5e-6);
        for (std::size_t k = 0; k < size; ++k) EXPECT_NEAR(out[k] / std::pow(x[k], exponent), 1, 5e-6);
        replay_kernels(set).weights(count, x.data(), least, exponent, out.data());
        for (std::size_t k = 0; k < size; ++k) {
          EXPECT_NEAR(out[k] / std::pow(static_cast<double>(x[k] / least), -static_cast<double>(exponent)), 1, 5e-6);
          if (x[k] == least) {
            EXPECT_EQ(out[k], 1);
          }
        }
      }
    }
  }
}

TEST(ReplayKernels, ZeroStaysZeroAndTheLeastNumbersStayPositive) {
  const float x[] = {0, 1e-40f, 1.2e-38f, 1};
  for (const Isa set : testing::instruction_sets()) {
    float out[4];
    EXPECT_EQ(replay_kernels(set).power(4, x, 2, out), 1);
    EXPECT_EQ(out[0], 0);
    EXPECT_GT(out[1], 0);
    EXPECT_GT(out[2], 0);
    EXPECT_EQ(out[3], 1);
  }
}

}  // namespace
}  // namespace corvid
