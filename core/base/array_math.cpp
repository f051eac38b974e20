#include "core/base/array_math.h"

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/numpy_math.h"
#include "core/base/rng.h"

#define CORVID_FMA __attribute__((target("avx2,fma"), always_inline)) inline

namespace corvid::array_math {
namespace {

using V = __m256d;
constexpr double kLargest = 0x1.921fbp+26;  // the library reduces larger arguments in another way

/// Sine and cosine of k / 128 as sums of two doubles. A sine needs the columns in one order, a cosine in another.
struct Table {
  alignas(32) double rows[128][2][4] = {};

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

CORVID_FMA V set(double value) { return _mm256_set1_pd(value); }
CORVID_FMA V fma(V a, V b, V c) { return _mm256_fmadd_pd(a, b, c); }
CORVID_FMA V fnma(V a, V b, V c) { return _mm256_fnmadd_pd(a, b, c); }
CORVID_FMA V pick(V mask, V yes, V no) { return _mm256_blendv_pd(no, yes, mask); }
CORVID_FMA V sign_of(V x) { return _mm256_and_pd(x, set(-0.0)); }
CORVID_FMA V below(V x, double limit) { return _mm256_cmp_pd(x, set(limit), _CMP_LT_OQ); }

/// Bit `bit` of the low bits of each number, moved to its sign: a mask for pick and for sign changes.
template <int bit>
CORVID_FMA V bit_to_sign(__m256i bits) {
  return _mm256_castsi256_pd(_mm256_slli_epi64(bits, 63 - bit));
}

/// An angle as a + da, |a| <= about pi / 4, of which a sine (odd: a cosine) is wanted, negated where `negative` is set.
struct Reduced {
  V a, da, odd, negative;  // of the last two only the sign bit counts
};

/// Three ranges, as in the library: no reduction, pi / 2 - |x|, and Cody and Waite's with a pi / 2 of four parts.
template <bool cosine>
CORVID_FMA Reduced reduce(V x) {
  const V magnitude = _mm256_andnot_pd(set(-0.0), x);
  const V shifted = fma(x, set(0x1.45f306dc9c883p-1), set(0x1.8p52));
  const V turns = _mm256_sub_pd(shifted, set(0x1.8p52));
  const V y = fnma(turns, set(-0x1.dde973cp-27), fnma(turns, set(0x1.921fb58p+0), x));
  const V y2 = fnma(turns, set(-0x1.cb3b398p-55), y);
  const V da2 = fnma(turns, set(-0x1.cb3b398p-55), _mm256_sub_pd(y, y2));
  const V a = fnma(turns, set(-0x1.d747f23e32ed7p-83), y2);
  const V da = _mm256_add_pd(da2, fnma(turns, set(-0x1.d747f23e32ed7p-83), _mm256_sub_pd(y2, a)));
  const __m256i quarter = _mm256_add_epi64(_mm256_castpd_si256(shifted), _mm256_set1_epi64x(cosine));

  const V half_pi_low = set(0x1.1a62633145c07p-54);
  const V rest = _mm256_sub_pd(set(0x1.921fb54442d18p+0), magnitude);
  const V sum = _mm256_add_pd(rest, half_pi_low);
  const V sum_low = _mm256_add_pd(_mm256_sub_pd(rest, sum), half_pi_low);
  const V small = below(magnitude, 0x1.b6p-1), middle = below(magnitude, 0x1.368fdp+1);

  Reduced r = {a, da, bit_to_sign<0>(quarter), bit_to_sign<1>(quarter)};
  r.a = pick(small, x, pick(middle, cosine ? sum : rest, r.a));
  r.da = _mm256_andnot_pd(small, pick(middle, cosine ? sum_low : half_pi_low, r.da));
  r.odd = pick(small, set(cosine ? -0.0 : 0.0), pick(middle, set(cosine ? 0.0 : -0.0), r.odd));
  r.negative = _mm256_andnot_pd(small, pick(middle, cosine ? set(0.0) : x, r.negative));
  return r;
}

template <bool cosine>
CORVID_FMA V evaluate(V input) {
  const Reduced in = reduce<cosine>(input);
  const V magnitude = _mm256_andnot_pd(set(-0.0), in.a);
  const V signed_da = _mm256_xor_pd(in.da, sign_of(in.a));

  // The nearest k / 128 and what is left of |a|.
  const V shifted = _mm256_add_pd(magnitude, set(0x1.8p45));
  const V left = _mm256_sub_pd(magnitude, _mm256_sub_pd(shifted, set(0x1.8p45)));
  const V x = pick(in.odd, _mm256_add_pd(left, signed_da), left);
  const V d = pick(in.odd, set(0.0), signed_da);
  const V xx = _mm256_mul_pd(x, x), xxx = _mm256_mul_pd(x, xx);
  const V p = fma(set(0x1.11110e829872fp-7), xx, set(-0x1.5555555555515p-3));
  const V q = fma(fma(set(0x1.6c16bedd9e239p-10), xx, set(-0x1.5555555555535p-5)), xx, set(0.5));
  const V s = pick(in.odd, fma(xxx, p, x), _mm256_add_pd(x, fma(xxx, p, d)));
  const V c = fma(d, x, _mm256_mul_pd(xx, q));

  // Rows of the table, turned into columns.
  const __m256i k = _mm256_and_si256(_mm256_castpd_si256(shifted), _mm256_set1_epi64x(127));
  const __m256i kind = _mm256_srli_epi64(_mm256_castpd_si256(in.odd), 63);
  alignas(32) std::int64_t row[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(row), _mm256_add_epi64(_mm256_add_epi64(k, k), kind));
  const double(*const rows)[4] = table.rows[0];
  const V r0 = _mm256_load_pd(rows[row[0]]), r1 = _mm256_load_pd(rows[row[1]]);
  const V r2 = _mm256_load_pd(rows[row[2]]), r3 = _mm256_load_pd(rows[row[3]]);
  const V t0 = _mm256_unpacklo_pd(r0, r1), t1 = _mm256_unpackhi_pd(r0, r1);
  const V t2 = _mm256_unpacklo_pd(r2, r3), t3 = _mm256_unpackhi_pd(r2, r3);
  const V high = _mm256_permute2f128_pd(t0, t2, 0x20), other = _mm256_permute2f128_pd(t0, t2, 0x31);
  const V low = _mm256_permute2f128_pd(t1, t3, 0x20), other_low = _mm256_permute2f128_pd(t1, t3, 0x31);
  const V correction = fma(s, other, fnma(c, high, fma(s, other_low, low)));
  V result = _mm256_add_pd(high, correction);
  result = _mm256_xor_pd(result, _mm256_andnot_pd(in.odd, sign_of(in.a)));

  // A sine of a small angle: Taylor's series.
  const V aa = _mm256_mul_pd(in.a, in.a);
  V sum = fma(set(-0x1.addffc2fcdf59p-26), aa, set(0x1.71de27b9a7ed9p-19));
  sum = fma(sum, aa, set(-0x1.a01a019db08b8p-13));
  sum = fma(sum, aa, set(0x1.1111111110ecep-7));
  sum = fma(sum, aa, set(-0x1.5555555555555p-3));
  sum = _mm256_fmsub_pd(sum, in.a, _mm256_mul_pd(in.da, set(0.5)));
  const V taylor = _mm256_add_pd(in.a, fma(aa, sum, in.da));
  result = pick(_mm256_andnot_pd(in.odd, below(magnitude, 0.126)), taylor, result);
  result = _mm256_xor_pd(result, sign_of(in.negative));

  if constexpr (!cosine) result = pick(below(_mm256_andnot_pd(set(-0.0), input), 0x1p-26), input, result);
  return result;
}

CORVID_FMA bool in_range(V x) { return _mm256_movemask_pd(below(_mm256_andnot_pd(set(-0.0), x), kLargest)) == 15; }

/// Whether the rounded product is pow(x, 2) for all four: numpy::square's test, with the error from a fused operation.
CORVID_FMA bool product_is_square(V x) {
  const V product = _mm256_mul_pd(x, x);
  const V error = _mm256_andnot_pd(set(-0.0), _mm256_fmsub_pd(x, x, product));
  const __m256i bits = _mm256_castpd_si256(product);
  const __m256i exponent = _mm256_and_si256(bits, _mm256_set1_epi64x(0x7ff0000000000000));
  const __m256i mantissa = _mm256_and_si256(bits, _mm256_set1_epi64x(0x000fffffffffffff));
  const V clear = _mm256_cmp_pd(error, _mm256_mul_pd(_mm256_castsi256_pd(exponent), set(0x1p-53 * (1 - 0x1p-5))), _CMP_LT_OQ);
  const V moderate = _mm256_and_pd(below(product, 0x1p120), _mm256_cmp_pd(product, set(0x1p-120), _CMP_GT_OQ));
  const V power_of_two = _mm256_castsi256_pd(_mm256_cmpeq_epi64(mantissa, _mm256_setzero_si256()));
  return _mm256_movemask_pd(_mm256_andnot_pd(power_of_two, _mm256_and_pd(clear, moderate))) == 15;
}

CORVID_FMA V product(V x) { return _mm256_mul_pd(x, x); }

double sin_of(double x) { return std::sin(x); }
double cos_of(double x) { return std::cos(x); }
double square_of(double x) { return numpy::square(x); }

/// four() where all of four numbers are usable, one() elsewhere.
template <bool (*usable)(V), V (*four)(V), double (*one)(double)>
CORVID_FMA void by_fours(std::span<const double> x, std::span<double> out) {
  std::size_t i = 0;
  for (; i + 4 <= x.size(); i += 4) {
    const V in = _mm256_loadu_pd(&x[i]);
    if (usable(in)) [[likely]] {
      _mm256_storeu_pd(&out[i], four(in));
    } else {
      for (std::size_t k = i; k < i + 4; ++k) out[k] = one(x[k]);
    }
  }
  for (; i < x.size(); ++i) out[i] = one(x[i]);
}

__attribute__((target("avx2,fma"))) void sin_by_fours(std::span<const double> x, std::span<double> out) {
  by_fours<in_range, evaluate<false>, sin_of>(x, out);
}

__attribute__((target("avx2,fma"))) void cos_by_fours(std::span<const double> x, std::span<double> out) {
  by_fours<in_range, evaluate<true>, cos_of>(x, out);
}

__attribute__((target("avx2,fma"))) void square_by_fours(std::span<const double> x, std::span<double> out) {
  by_fours<product_is_square, product, square_of>(x, out);
}

/// Whether this library gives what the kernels give: a few thousand numbers of every range.
bool equals_library() {
  constexpr std::size_t kCount = 4096;
  std::array<double, kCount> x, sine, cosine;
  Rng rng(1);
  for (std::size_t i = 0; i < kCount; ++i) {
    const double scales[] = {0.2, 0.9, 3, 10, 100, 1e7};
    x[i] = rng.uniform(-1, 1) * scales[i % 6];
  }
  sin_by_fours(x, sine);
  cos_by_fours(x, cosine);
  for (std::size_t i = 0; i < kCount; ++i) {
    if (sine[i] != std::sin(x[i]) || cosine[i] != std::cos(x[i])) return false;
  }
  return true;
}

}  // namespace

bool vectorised() {
  static const bool fast = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && equals_library();
  return fast;
}

void sin(std::span<const double> x, std::span<double> out) {
  if (vectorised()) return sin_by_fours(x, out);
  for (std::size_t i = 0; i < x.size(); ++i) out[i] = std::sin(x[i]);
}

void cos(std::span<const double> x, std::span<double> out) {
  if (vectorised()) return cos_by_fours(x, out);
  for (std::size_t i = 0; i < x.size(); ++i) out[i] = std::cos(x[i]);
}

void sincos(std::span<const double> x, std::span<double> sine, std::span<double> cosine) {
  sin(x, sine);
  cos(x, cosine);
}

void square(std::span<const double> x, std::span<double> out) {
  if (vectorised()) return square_by_fours(x, out);
  for (std::size_t i = 0; i < x.size(); ++i) out[i] = numpy::square(x[i]);
}

}  // namespace corvid::array_math
