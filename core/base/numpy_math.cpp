#include "core/base/numpy_math.h"

namespace corvid::numpy {

double pow_two(double x) {
  volatile double exponent = 2;
  return std::pow(x, exponent);
}

float pow_two(float x) {
  volatile float exponent = 2;
  return std::pow(x, exponent);
}

namespace {

/// Sine of the angle x + quarters * pi / 2, for |x| <= pi / 4: NumPy's minimax polynomials by Horner's rule with fused
/// multiply-adds. It runs only when an episode begins, so a call per fma is no matter.
float sine_in_quadrant(float x, int quarters) {
  const float square = x * x;
  float result;
  if (quarters % 2 == 0) {
    result = std::fma(0x1.7d3bbcp-19f, square, -0x1.a06bbap-13f);
    result = std::fma(result, square, 0x1.11119ap-07f);
    result = std::fma(result, square, -0x1.555556p-03f);
    result = std::fma(result * square, x, x);
  } else {
    result = std::fma(0x1.98e616p-16f, square, -0x1.6c06dcp-10f);
    result = std::fma(result, square, 0x1.55553cp-05f);
    result = std::fma(result, square, -0.5f);
    result = std::fma(result, square, 1.0f);
  }
  return quarters & 2 ? -result : result;
}

float sine(float x, int quarters) {
  // x less the nearest multiple of pi / 2, which is given in three parts (Cody and Waite 1980).
  const float nearest = std::nearbyint(x * 0x1.45f306p-1f);
  float rest = std::fma(nearest, -0x1.921fb0p+00f, x);
  rest = std::fma(nearest, -0x1.5110b4p-22f, rest);
  rest = std::fma(nearest, -0x1.846988p-48f, rest);
  return sine_in_quadrant(rest, static_cast<int>(nearest) + quarters);
}

}  // namespace

float sin(float x) { return sine(x, 0); }
float cos(float x) { return sine(x, 1); }

}  // namespace corvid::numpy
