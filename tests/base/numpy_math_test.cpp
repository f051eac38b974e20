#include "core/base/numpy_math.h"

#include <gtest/gtest.h>

#include "core/base/rng.h"

namespace corvid {
namespace {

TEST(NumpyMath, SquareOfADoubleIsThatOfPow) {
  Rng rng(1);
  int unequal = 0;  // how often the plain product would have been wrong
  for (int i = 0; i < 2'000'000; ++i) {
    double x = rng.uniform(-30, 30);
    if (i % 4 == 0) x *= std::ldexp(1.0, static_cast<int>(rng.integers(-200, 200)));
    if (i % 4 == 1) x = static_cast<double>(rng.integers(-5'000'000'000, 5'000'000'000)) / 67108864;  // many exact ties
    ASSERT_EQ(numpy::square(x), numpy::pow_two(x)) << x;
    unequal += x * x != numpy::pow_two(x);
  }
  EXPECT_GT(unequal, 0);
  EXPECT_EQ(numpy::square(0.0), 0);
  EXPECT_EQ(numpy::square(-1.0), 1);
  EXPECT_EQ(numpy::square(1e-170), numpy::pow_two(1e-170));
  EXPECT_TRUE(std::isinf(numpy::square(1e200)));
}

TEST(NumpyMath, SquareOfAFloatIsThatOfPowf) {
  int unequal = 0;
  for (std::uint32_t mantissa = 0; mantissa < 1u << 23; ++mantissa) {  // every value of one octave
    const auto x = std::bit_cast<float>(0x3f800000u | mantissa);
    ASSERT_EQ(numpy::square(x), numpy::pow_two(x)) << x;
    unequal += x * x != numpy::pow_two(x);
  }
  EXPECT_GT(unequal, 0);
  EXPECT_EQ(numpy::square(0.0f), 0);
  EXPECT_EQ(numpy::square(1e-30f), 0);
}

// Recorded from NumPy 2.4.6; the first six differ from sinf or cosf of the C library.
TEST(NumpyMath, FloatSineAndCosineEqualNumPys) {
  const struct {
    float x, sine, cosine;
  } rows[] = {
      {-0x1.8228b80000000p-1f, -0x1.5e93620000000p-1f, 0x1.7526520000000p-1f},
      {0x1.800d840000000p-1f, 0x1.5d09a40000000p-1f, 0x1.7696b60000000p-1f},
      {0x1.d95c380000000p-2f, 0x1.c8ae460000000p-2f, 0x1.ca433e0000000p-1f},
      {0x1.f46e300000000p-2f, 0x1.e0bf540000000p-2f, 0x1.c411200000000p-1f},
      {-0x1.78bd920000000p-1f, -0x1.57a7080000000p-1f, 0x1.7b89060000000p-1f},
      {0x1.37b84e0000000p-1f, 0x1.24d0ec0000000p-1f, 0x1.a400d40000000p-1f},
      {0x1.99999a0000000p-4f, 0x1.98eaee0000000p-4f, 0x1.fd71300000000p-1f},
      {-0x1.eb851e0000000p-6f, -0x1.eb723e0000000p-6f, 0x1.ffc5060000000p-1f},
      {0x0.0p+0f, 0x0.0p+0f, 0x1.0000000000000p+0f},
      {0x1.4f8b580000000p-17f, 0x1.4f8b580000000p-17f, 0x1.0000000000000p+0f},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(numpy::sin(row.x), row.sine) << row.x;
    EXPECT_EQ(numpy::cos(row.x), row.cosine) << row.x;
  }
}

}  // namespace
}  // namespace corvid
