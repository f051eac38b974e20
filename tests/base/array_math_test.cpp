#include "core/base/array_math.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "core/base/numpy_math.h"
#include "core/base/rng.h"

namespace corvid {
namespace {

/// Every range of the algorithm, its borders, and what is no angle.
std::vector<double> arguments(std::size_t count) {
  const double pi = std::numbers::pi;
  std::vector<double> x = {0.0,
                           -0.0,
                           0x1p-26,
                           0x1p-27,
                           0x1p-28,
                           5e-324,
                           0.126,
                           -0.126,
                           0x1.b6p-1,
                           0x1.368fdp+1,
                           105414350,
                           1e9,
                           1e300,
                           std::numeric_limits<double>::infinity(),
                           std::numeric_limits<double>::quiet_NaN()};
  for (int k = -40; k <= 40; ++k) {
    for (double at : {k * pi / 4, k / 128.0, (k + 0.5) / 128}) {
      x.insert(x.end(), {at, std::nextafter(at, 10), std::nextafter(at, -10), at + 1e-9});
    }
  }
  Rng rng(3);
  const double scales[] = {0.01, 0.2, 0.9, 1.6, 3.2, 10, 100, 1e5, 1e8};
  while (x.size() < count) x.push_back(rng.uniform(-1, 1) * scales[x.size() % 9]);
  return x;
}

std::uint64_t bits(double value) { return std::bit_cast<std::uint64_t>(value); }

TEST(ArrayMath, SineAndCosineEqualTheLibraryToTheLastBit) {
  const std::vector<double> x = arguments(1'000'003);
  std::vector<double> sine(x.size()), cosine(x.size());
  for (std::size_t first = 0; first < x.size();
       first += 61) {  // the odd number among the first goes through the library
    const std::size_t count = std::min<std::size_t>(61, x.size() - first);
    array_math::sin(std::span(x).subspan(first, count), std::span(sine).subspan(first, count));
    array_math::cos(std::span(x).subspan(first, count), std::span(cosine).subspan(first, count));
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!std::isfinite(x[i])) {
      EXPECT_TRUE(std::isnan(sine[i]) && std::isnan(cosine[i]));
      continue;
    }
    ASSERT_EQ(bits(sine[i]), bits(std::sin(x[i]))) << "sin " << std::hexfloat << x[i];
    ASSERT_EQ(bits(cosine[i]), bits(std::cos(x[i]))) << "cos " << std::hexfloat << x[i];
  }
}

TEST(ArrayMath, SquareEqualsThatOfOneNumber) {
  std::vector<double> x = arguments(200'002);
  std::vector<double> out(x.size());
  array_math::square(x, out);
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(x[i])) continue;
    ASSERT_EQ(bits(out[i]), bits(numpy::pow_two(x[i]))) << x[i];
  }
  array_math::square(x, x);  // in place
  EXPECT_EQ(bits(x[20'000]), bits(out[20'000]));
}

}  // namespace
}  // namespace corvid
