#include "core/base/numpy_math.h"

namespace corvid::numpy {

// The minimax coefficients of NumPy's float32 loops, evaluated by Horner's rule with fused multiply-adds. These two run
// only when an episode begins, so a call per fma is no matter.

float sin_small(float x) {
  const float square = x * x;
  float sum = std::fma(0x1.7d3bbcp-19f, square, -0x1.a06bbap-13f);
  sum = std::fma(sum, square, 0x1.11119ap-07f);
  sum = std::fma(sum, square, -0x1.555556p-03f);
  return std::fma(sum * square, x, x);
}

float cos_small(float x) {
  const float square = x * x;
  float sum = std::fma(0x1.98e616p-16f, square, -0x1.6c06dcp-10f);
  sum = std::fma(sum, square, 0x1.55553cp-05f);
  sum = std::fma(sum, square, -0.5f);
  return std::fma(sum, square, 1.0f);
}

}  // namespace corvid::numpy
