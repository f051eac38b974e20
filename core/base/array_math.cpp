#include "core/base/array_math.h"

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "core/base/numpy_math.h"
#include "core/base/rng.h"

namespace corvid::array_math {
namespace {

#define CORVID_INLINE __attribute__((always_inline)) inline
#define CORVID_AVX2 __attribute__((target("avx2,fma")))
#define CORVID_AVX512 __attribute__((target("avx512f,avx512dq,avx512vl,fma,prefer-vector-width=512")))

using Bits = std::int64_t;
constexpr Bits kSign = std::numeric_limits<Bits>::min();
constexpr double kLargest = 0x1.921fbp+26;  // the library reduces larger arguments in another way

/// Sine and cosine of k / 128 as sums of two doubles. A sine needs the columns in one order, a cosine in another.
struct Table {
  double rows[128][2][4] = {};

  Table() {
    for (int k = 0; k < 128; ++k) {
      const __float128 x = static_cast<__float128>(k) / 128;
      __float128 sine = 0, cosine = 0, term = 1;
      for (int power = 0; power < 40; ++power) {  // Taylor; |x| < 1
        (power % 2 ? sine : cosine) += power % 4 < 2 ? term : -term;
        term = term * x / (power + 1);
      }
      const double s = static_cast<double>(sine), c = static_cast<double>(cosine);
      const double s_low = static_cast<double>(sine - s), c_low = static_cast<double>(cosine - c);
      const double both[2][4] = {{s, s_low, c, c_low}, {c, c_low, -s, -s_low}};
      for (int kind = 0; kind < 2; ++kind) std::copy_n(both[kind], 4, rows[k][kind]);
    }
  }
};
const Table table;

// The loops over arrays below become vector code, because one evaluation has no branch: masks of 64 bits choose.

CORVID_INLINE double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
CORVID_INLINE Bits bits(double x) { return std::bit_cast<Bits>(x); }
CORVID_INLINE double number(Bits x) { return std::bit_cast<double>(x); }
CORVID_INLINE Bits choose(Bits mask, Bits yes, Bits no) { return (yes & mask) | (no & ~mask); }
CORVID_INLINE double choose(Bits mask, double yes, double no) { return number(choose(mask, bits(yes), bits(no))); }

/// All ones where 0 <= x < limit, for x that is not negative.
CORVID_INLINE Bits below(double x, double limit) { return (bits(x) - bits(limit)) >> 63; }

template <bool cosine>
CORVID_INLINE double evaluate(double input, const double* rows) {
  // The angle as a + da, |a| <= about pi / 4, in one of three ways: as it is, as pi / 2 - |x|, or less a multiple of a
  // pi / 2 that is given in four parts (Cody and Waite 1980).
  const double magnitude = std::fabs(input);
  const double shifted = fma(input, 0x1.45f306dc9c883p-1, 0x1.8p52);
  const double turns = shifted - 0x1.8p52;
  const double y = fma(-turns, -0x1.dde973cp-27, fma(-turns, 0x1.921fb58p+0, input));
  const double y2 = fma(-turns, -0x1.cb3b398p-55, y);
  const double da2 = fma(-turns, -0x1.cb3b398p-55, y - y2);
  const double a3 = fma(-turns, -0x1.d747f23e32ed7p-83, y2);
  const double da3 = da2 + fma(-turns, -0x1.d747f23e32ed7p-83, y2 - a3);
  const Bits quarter = bits(shifted) + cosine;
  const double half_pi_low = 0x1.1a62633145c07p-54;
  const double rest = 0x1.921fb54442d18p+0 - magnitude;
  const double sum = rest + half_pi_low;
  const double sum_low = (rest - sum) + half_pi_low;
  const Bits small = below(magnitude, 0x1.b6p-1), middle = below(magnitude, 0x1.368fdp+1);
  const double a = choose(small, input, choose(middle, cosine ? sum : rest, a3));
  const double da = choose(small, 0.0, choose(middle, cosine ? sum_low : half_pi_low, da3));

  // What is wanted of it: a sine, or where `odd` a cosine; and the sign of the result.
  const Bits odd = -choose(small, Bits{cosine}, choose(middle, Bits{!cosine}, quarter & 1));
  const Bits negative = choose(small, Bits{0}, choose(middle, cosine ? 0 : bits(input), quarter << 62)) & kSign;

  // The nearest k / 128, and sine and cosine of the small angle from there by polynomials.
  const Bits sign = bits(a) & kSign;
  const double signed_da = number(bits(da) ^ sign);
  const double snapped = std::fabs(a) + 0x1.8p45;
  const double left = std::fabs(a) - (snapped - 0x1.8p45);
  const double x = choose(odd, left + signed_da, left);
  const double d = choose(odd, 0.0, signed_da);
  const double xx = x * x, xxx = x * xx;
  const double p = fma(0x1.11110e829872fp-7, xx, -0x1.5555555555515p-3);
  const double q = fma(fma(0x1.6c16bedd9e239p-10, xx, -0x1.5555555555535p-5), xx, 0.5);
  const double s = choose(odd, fma(xxx, p, x), x + fma(xxx, p, d));
  const double c = fma(d, x, xx * q);
  const Bits row = ((bits(snapped) & 127) * 2 - odd) * 4;
  const double high = rows[row], low = rows[row + 1], other = rows[row + 2], other_low = rows[row + 3];
  const double sum_of_angles = high + fma(s, other, fma(-c, high, fma(s, other_low, low)));
  const double general = number(bits(sum_of_angles) ^ (sign & ~odd));

  // A sine of a small angle: Taylor's series.
  const double aa = a * a;
  double t = fma(-0x1.addffc2fcdf59p-26, aa, 0x1.71de27b9a7ed9p-19);
  t = fma(t, aa, -0x1.a01a019db08b8p-13);
  t = fma(t, aa, 0x1.1111111110ecep-7);
  t = fma(t, aa, -0x1.5555555555555p-3);
  const double taylor = a + fma(aa, fma(t, a, -(da * 0.5)), da);
  const double result = number(bits(choose(below(std::fabs(a), 0.126) & ~odd, taylor, general)) ^ negative);
  return cosine ? result : choose(below(magnitude, 0x1p-26), input, result);
}

CORVID_AVX2 void sin_avx2(const double* x, double* out, std::size_t count) {
  const double* rows = table.rows[0][0];
#pragma GCC ivdep
  for (std::size_t i = 0; i < count; ++i) out[i] = evaluate<false>(x[i], rows);
}

CORVID_AVX512 void sin_avx512(const double* x, double* out, std::size_t count) {
  const double* rows = table.rows[0][0];
#pragma GCC ivdep
  for (std::size_t i = 0; i < count; ++i) out[i] = evaluate<false>(x[i], rows);
}

CORVID_AVX2 void cos_avx2(const double* x, double* out, std::size_t count) {
  const double* rows = table.rows[0][0];
#pragma GCC ivdep
  for (std::size_t i = 0; i < count; ++i) out[i] = evaluate<true>(x[i], rows);
}

CORVID_AVX512 void cos_avx512(const double* x, double* out, std::size_t count) {
  const double* rows = table.rows[0][0];
#pragma GCC ivdep
  for (std::size_t i = 0; i < count; ++i) out[i] = evaluate<true>(x[i], rows);
}

/// False where a number is too large or none; the library takes such arrays.
bool in_range(std::span<const double> x) {
  Bits outside = 0;
  for (double value : x) outside |= ~below(std::fabs(value), kLargest);
  return outside == 0;
}

using Kernel = void (*)(const double*, double*, std::size_t);
struct Kernels {
  Kernel sin = nullptr, cos = nullptr;
};

using V = __m256d;

/// As numpy::square, with the rounding error of the product from one fused operation.
CORVID_AVX2 void square_by_fours(std::span<const double> x, std::span<double> out) {
  const V half_ulp_scale = _mm256_set1_pd(0x1p-53 * (1 - 0x1p-5)),
          no_sign = _mm256_castsi256_pd(_mm256_set1_epi64x(~kSign));
  const __m256i exponent = _mm256_set1_epi64x(0x7ff0000000000000), mantissa = _mm256_set1_epi64x(0x000fffffffffffff);
  std::size_t i = 0;
  for (; i + 4 <= x.size(); i += 4) {
    const V in = _mm256_loadu_pd(&x[i]);
    const V product = _mm256_mul_pd(in, in);
    const V error = _mm256_and_pd(no_sign, _mm256_fmsub_pd(in, in, product));
    const __m256i pattern = _mm256_castpd_si256(product);
    const V spacing = _mm256_castsi256_pd(_mm256_and_si256(pattern, exponent));
    const V clear = _mm256_cmp_pd(error, _mm256_mul_pd(spacing, half_ulp_scale), _CMP_LT_OQ);
    const V moderate = _mm256_and_pd(_mm256_cmp_pd(product, _mm256_set1_pd(0x1p120), _CMP_LT_OQ),
                                     _mm256_cmp_pd(product, _mm256_set1_pd(0x1p-120), _CMP_GT_OQ));
    const __m256i power_of_two = _mm256_cmpeq_epi64(_mm256_and_si256(pattern, mantissa), _mm256_setzero_si256());
    const V safe = _mm256_andnot_pd(_mm256_castsi256_pd(power_of_two), _mm256_and_pd(clear, moderate));
    if (_mm256_movemask_pd(safe) == 15) [[likely]] {
      _mm256_storeu_pd(&out[i], product);
    } else {
      for (std::size_t k = i; k < i + 4; ++k) out[k] = numpy::square(x[k]);
    }
  }
  for (; i < x.size(); ++i) out[i] = numpy::square(x[i]);
}

/// Whether this library gives what the kernels give: a few thousand numbers of every range.
bool equals_library(const Kernels& kernels) {
  constexpr std::size_t kCount = 4096;
  std::array<double, kCount> x, sine, cosine;
  Rng rng(1);
  for (std::size_t i = 0; i < kCount; ++i) {
    const double scales[] = {0.2, 0.9, 3, 10, 100, 1e7};
    x[i] = rng.uniform(-1, 1) * scales[i % 6];
  }
  kernels.sin(x.data(), sine.data(), kCount);
  kernels.cos(x.data(), cosine.data(), kCount);
  for (std::size_t i = 0; i < kCount; ++i) {
    if (sine[i] != std::sin(x[i]) || cosine[i] != std::cos(x[i])) return false;
  }
  return true;
}

/// The fastest that this processor runs and this library equals; null when there is none.
const Kernels& kernels() {
  static const Kernels chosen = [] {
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return Kernels{};
    const bool wide =
        __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    const Kernels fast = wide ? Kernels{sin_avx512, cos_avx512} : Kernels{sin_avx2, cos_avx2};
    return equals_library(fast) ? fast : Kernels{};
  }();
  return chosen;
}

}  // namespace

bool vectorised() { return kernels().sin != nullptr; }

void sin(std::span<const double> x, std::span<double> out) {
  if (vectorised() && in_range(x)) return kernels().sin(x.data(), out.data(), x.size());
  for (std::size_t i = 0; i < x.size(); ++i) out[i] = std::sin(x[i]);
}

void cos(std::span<const double> x, std::span<double> out) {
  if (vectorised() && in_range(x)) return kernels().cos(x.data(), out.data(), x.size());
  for (std::size_t i = 0; i < x.size(); ++i) out[i] = std::cos(x[i]);
}

void square(std::span<const double> x, std::span<double> out) {
  if (vectorised()) return square_by_fours(x, out);
  for (std::size_t i = 0; i < x.size(); ++i) out[i] = numpy::square(x[i]);
}

}  // namespace corvid::array_math
