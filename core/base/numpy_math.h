// Scalar functions as NumPy computes them, where that differs from the obvious expression in the last bit.
//
// `x ** 2` of a NumPy scalar is the C library's pow(x, 2), whose error reaches 0.51 ulp: about one result in a thousand
// is not the rounded x * x. The float32 sine and cosine are NumPy's own polynomials (machines with FMA).
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace corvid::numpy {

/// The C library's pow(x, 2), which compilers would otherwise replace by x * x.
double pow_two(double x);
float pow_two(float x);

/// `x ** 2` of a float64 scalar. Takes pow() only where x * x lies so close to a rounding boundary that pow might differ.
inline double square(double x) {
  const double product = x * x;
  // What rounding cut off, exactly (Dekker 1971).
  const double split = 134217729.0 * x;
  const double high = split - (split - x);
  const double low = x - high;
  const double error = ((high * high - product) + 2 * high * low) + low * low;
  // Half the distance to the next double, as a power of two.
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(product);
  const double half_ulp = std::bit_cast<double>(bits & 0x7ff0000000000000ULL) * 0x1p-53;
  const bool power_of_two = (bits & 0x000fffffffffffffULL) == 0;  // the spacing changes here
  const bool moderate = product > 0x1p-120 && product < 0x1p120;  // pow's error bound grows beyond
  if (std::fabs(error) < half_ulp * (1 - 0x1p-5) && moderate && !power_of_two) [[likely]]
    return product;
  return pow_two(x);
}

/// `x ** 2` of a float32 scalar: powf(x, 2), with the same shortcut.
inline float square(float x) {
  const double product = static_cast<double>(x) * x;  // exact
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(product);
  const auto cut = static_cast<std::int64_t>(bits & 0x1fffffff);  // what rounding to float32 cuts off; 2^29 is one ulp
  const bool near_tie = cut > 0x10000000 - 0x400000 && cut < 0x10000000 + 0x400000;
  if (!near_tie && product > 0x1p-60 && product < 0x1p60) [[likely]]
    return static_cast<float>(product);
  return pow_two(x);
}

/// np.sin and np.cos of a float32, for |x| below 70,000.
float sin(float x);
float cos(float x);

}  // namespace corvid::numpy
