// One vector register of floats and what can be done with it, for files named *.simd.cpp alone.
//
// Such a file is compiled once for each instruction set, with CORVID_ISA naming it. Everything here and there stands in
// an inline namespace of that name, so that the linker cannot mix up code of two instruction sets. For the same reason
// these files use no inline functions of the standard library.
#pragma once

#include <immintrin.h>

#include <cstdint>

#define CORVID_INLINE inline __attribute__((always_inline))

namespace corvid::simd {
inline namespace CORVID_ISA {

#if defined(__AVX512F__)

using Vector = __m512;
using Mask = __mmask16;
using Ints = __m512i;
inline constexpr int kLanes = 16;
inline constexpr int kPanel =
    4;  // vectors of columns that a matrix kernel works on at once: of 32 registers it fills 29

CORVID_INLINE Vector set(float x) { return _mm512_set1_ps(x); }
CORVID_INLINE Vector load(const float* p) { return _mm512_loadu_ps(p); }
CORVID_INLINE void store(float* p, Vector x) { _mm512_storeu_ps(p, x); }
CORVID_INLINE Mask first(std::int64_t n) { return static_cast<Mask>((1u << n) - 1); }  // 0 <= n <= kLanes
CORVID_INLINE Vector load(const float* p, Mask mask) { return _mm512_maskz_loadu_ps(mask, p); }
CORVID_INLINE void store(float* p, Vector x, Mask mask) { _mm512_mask_storeu_ps(p, mask, x); }
CORVID_INLINE Vector fma(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }    // a b + c
CORVID_INLINE Vector fnma(Vector a, Vector b, Vector c) { return _mm512_fnmadd_ps(a, b, c); }  // c - a b
CORVID_INLINE Vector min(Vector a, Vector b) { return _mm512_min_ps(a, b); }
CORVID_INLINE Vector max(Vector a, Vector b) { return _mm512_max_ps(a, b); }
CORVID_INLINE Vector sqrt(Vector x) { return _mm512_sqrt_ps(x); }
CORVID_INLINE Vector abs(Vector x) { return _mm512_abs_ps(x); }
CORVID_INLINE Mask less(Vector a, Vector b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
CORVID_INLINE Mask equal(Ints a, Ints b) { return _mm512_cmpeq_epi32_mask(a, b); }
CORVID_INLINE Mask not_equal(Vector a, Vector b) { return _mm512_cmp_ps_mask(a, b, _CMP_NEQ_UQ); }
CORVID_INLINE std::uint32_t bit_mask(Mask mask) { return mask; }
CORVID_INLINE Vector select(Mask mask, Vector yes, Vector no) { return _mm512_mask_blend_ps(mask, no, yes); }
CORVID_INLINE Mask either(Mask a, Mask b) { return a | b; }
CORVID_INLINE Mask is_nan(Vector x) { return _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q); }
CORVID_INLINE Vector with_sign_of(Vector sign, Vector x) {
  const Vector negative_zero = _mm512_set1_ps(-0.0f);
  return _mm512_or_ps(_mm512_and_ps(negative_zero, sign), _mm512_andnot_ps(negative_zero, x));
}
CORVID_INLINE Vector reciprocal_estimate(Vector x) { return _mm512_rcp14_ps(x); }
CORVID_INLINE Vector reciprocal_root_estimate(Vector x) { return _mm512_rsqrt14_ps(x); }
CORVID_INLINE float sum(Vector x) { return _mm512_reduce_add_ps(x); }
CORVID_INLINE Ints set_int(std::int32_t x) { return _mm512_set1_epi32(x); }
CORVID_INLINE Ints load_ints(const std::int32_t* p, Mask mask) { return _mm512_maskz_loadu_epi32(mask, p); }
CORVID_INLINE Vector to_float(Ints x) { return _mm512_cvtepi32_ps(x); }
CORVID_INLINE Ints bits(Vector x) { return _mm512_castps_si512(x); }
CORVID_INLINE Vector from_bits(Ints x) { return _mm512_castsi512_ps(x); }
CORVID_INLINE Ints add(Ints a, Ints b) { return _mm512_add_epi32(a, b); }
CORVID_INLINE Ints bit_and(Ints a, Ints b) { return _mm512_and_si512(a, b); }
template <int N>
CORVID_INLINE Ints shift_left(Ints x) {
  return _mm512_slli_epi32(x, N);
}
template <int N>
CORVID_INLINE Ints shift_right(Ints x) {
  return _mm512_srai_epi32(x, N);
}

#else

using Vector = __m256;
using Mask = __m256i;
using Ints = __m256i;
inline constexpr int kLanes = 8;
inline constexpr int kPanel = 2;  // of 16 registers it fills 15

CORVID_INLINE Vector set(float x) { return _mm256_set1_ps(x); }
CORVID_INLINE Vector load(const float* p) { return _mm256_loadu_ps(p); }
CORVID_INLINE void store(float* p, Vector x) { _mm256_storeu_ps(p, x); }
CORVID_INLINE Mask first(std::int64_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
CORVID_INLINE Vector load(const float* p, Mask mask) { return _mm256_maskload_ps(p, mask); }
CORVID_INLINE void store(float* p, Vector x, Mask mask) { _mm256_maskstore_ps(p, mask, x); }
CORVID_INLINE Vector fma(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
CORVID_INLINE Vector fnma(Vector a, Vector b, Vector c) { return _mm256_fnmadd_ps(a, b, c); }
CORVID_INLINE Vector min(Vector a, Vector b) { return _mm256_min_ps(a, b); }
CORVID_INLINE Vector max(Vector a, Vector b) { return _mm256_max_ps(a, b); }
CORVID_INLINE Vector sqrt(Vector x) { return _mm256_sqrt_ps(x); }
CORVID_INLINE Vector abs(Vector x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x); }
CORVID_INLINE Mask less(Vector a, Vector b) { return _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_LT_OQ)); }
CORVID_INLINE Mask equal(Ints a, Ints b) { return _mm256_cmpeq_epi32(a, b); }
CORVID_INLINE Mask not_equal(Vector a, Vector b) { return _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_NEQ_UQ)); }
CORVID_INLINE std::uint32_t bit_mask(Mask mask) {
  return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(mask)));
}
CORVID_INLINE Vector select(Mask mask, Vector yes, Vector no) {
  return _mm256_blendv_ps(no, yes, _mm256_castsi256_ps(mask));
}
CORVID_INLINE Mask either(Mask a, Mask b) { return _mm256_or_si256(a, b); }
CORVID_INLINE Mask is_nan(Vector x) { return _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q)); }
CORVID_INLINE Vector with_sign_of(Vector sign, Vector x) {
  const Vector negative_zero = _mm256_set1_ps(-0.0f);
  return _mm256_or_ps(_mm256_and_ps(negative_zero, sign), _mm256_andnot_ps(negative_zero, x));
}
CORVID_INLINE Vector reciprocal_estimate(Vector x) {
  const Vector r = _mm256_rcp_ps(x);  // 12 bits; one step of Newton's
  return _mm256_mul_ps(r, _mm256_fnmadd_ps(x, r, _mm256_set1_ps(2.0f)));
}
CORVID_INLINE Vector reciprocal_root_estimate(Vector x) { return _mm256_rsqrt_ps(x); }  // 12 bits
CORVID_INLINE float sum(Vector x) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}
CORVID_INLINE Ints set_int(std::int32_t x) { return _mm256_set1_epi32(x); }
CORVID_INLINE Ints load_ints(const std::int32_t* p, Mask mask) { return _mm256_maskload_epi32(p, mask); }
CORVID_INLINE Vector to_float(Ints x) { return _mm256_cvtepi32_ps(x); }
CORVID_INLINE Ints bits(Vector x) { return _mm256_castps_si256(x); }
CORVID_INLINE Vector from_bits(Ints x) { return _mm256_castsi256_ps(x); }
CORVID_INLINE Ints add(Ints a, Ints b) { return _mm256_add_epi32(a, b); }
CORVID_INLINE Ints bit_and(Ints a, Ints b) { return _mm256_and_si256(a, b); }
template <int N>
CORVID_INLINE Ints shift_left(Ints x) {
  return _mm256_slli_epi32(x, N);
}
template <int N>
CORVID_INLINE Ints shift_right(Ints x) {
  return _mm256_srai_epi32(x, N);
}

#endif

CORVID_INLINE float sqrt(float x) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))); }

// GCC and clang give vectors + - * / and unary minus. min and max give their second argument where one is NaN.

/// x within [low, high]; NaN stays NaN.
CORVID_INLINE Vector clamp(Vector x, Vector low, Vector high) { return min(high, max(low, x)); }

/// The smaller one; NaN where either is.
CORVID_INLINE Vector least(Vector a, Vector b) { return select(is_nan(a), a, min(a, b)); }

/// a / b to a unit or two in the last place; b must be finite and not tiny.
CORVID_INLINE Vector divide(Vector a, Vector b) {
  const Vector r = reciprocal_estimate(b);
  const Vector q = a * r;
  return fma(fnma(b, r, set(1.0f)), q, q);
}

/// The root of x >= 0 to a unit or two in the last place, without the processor's slow divider; 0 below 1e-37. NaN
/// stays NaN.
CORVID_INLINE Vector fast_root(Vector x) {
  const Vector r = reciprocal_root_estimate(x);
  // One step of Newton's for 1 / sqrt(x), taken on the root itself.
  const Vector root = x * r;
  const Vector better = fma(fnma(root, root, x), r * set(0.5f), root);
  return select(less(x, set(1e-37f)), set(0.0f), better);
}

/// x = n ln 2 + r with |r| <= ln 2 / 2, for |x| < 2^21. Writes 2^n; 2^-127 counts as 0, and n is at most 127.
CORVID_INLINE Vector reduce_exponent(Vector x, Vector& power) {
  // Adding 1.5 2^23 rounds to a whole number and leaves it in the lowest bits.
  const Vector shift = set(12582912.0f);
  const Vector shifted = fma(x, set(1.44269504f), shift);
  power = from_bits(add(shift_left<23>(bits(shifted)), set_int(127 << 23)));
  const Vector turns = shifted - shift;
  const Vector r = fnma(turns, set(0.693359375f), x);  // ln 2 in two parts, the first exact
  return fnma(turns, set(-2.12194440e-4f), r);
}

/// (e^r - 1 - r) / r^2 for |r| <= ln 2 / 2, fitted for the least error of e^r - 1 (1.4e-8, relative).
CORVID_INLINE Vector exp_tail(Vector r) {
  Vector p = set(1.38824976e-03f);
  p = fma(p, r, set(8.36659331e-03f));
  p = fma(p, r, set(4.16672023e-02f));
  p = fma(p, r, set(0.166665431f));
  return fma(p, r, set(0.499999981f));
}

/// tanh(x) = -e / (e + 2) with e = exp(-2 |x|) - 1 computed without cancellation: exact to about two units in the last
/// place everywhere, never beyond +-1. NaN stays NaN.
CORVID_INLINE Vector tanh(Vector x) {
  Vector power;
  const Vector r = reduce_exponent(max(set(-80.0f), abs(x) * set(-2.0f)), power);
  const Vector e = fma(power, fma(exp_tail(r), r * r, r), power - set(1.0f));
  return with_sign_of(x, divide(e, e + set(2.0f)));
}

/// e^x, about 1e-7 relative; 0 below -87.7, e^88 above 88. NaN stays NaN.
CORVID_INLINE Vector exp(Vector x) {
  Vector power;
  const Vector r = reduce_exponent(clamp(x, set(-88.0f), set(88.0f)), power);
  return fma(exp_tail(r), r * r, r + set(1.0f)) * power;
}

/// 1 / (1 + e^-x), as exact for large negative x as for others.
CORVID_INLINE Vector sigmoid(Vector x) {
  const Vector e = exp(-abs(x));
  const Vector s = divide(set(1.0f), e + set(1.0f));
  return select(less(x, set(0.0f)), e * s, s);
}

/// The natural logarithm of normal positive finite x: exponent times ln 2 plus 2 artanh(s), s = (m - 1) / (m + 1), with
/// the mantissa m in [sqrt(1/2), sqrt(2)); about 1e-7 absolute near 1, relative elsewhere.
CORVID_INLINE Vector log(Vector x) {
  const Ints half_root = set_int(0x3f3504f3);  // sqrt(1/2)
  const Ints offset = add(bits(x), set_int(0x3f800000 - 0x3f3504f3));
  const Vector exponent = to_float(add(shift_right<23>(offset), set_int(-127)));
  const Vector m = from_bits(add(bit_and(offset, set_int(0x007fffff)), half_root));
  const Vector s = (m - set(1.0f)) / (m + set(1.0f));
  const Vector u = s * s;
  Vector p = set(2.0f / 9);
  p = fma(p, u, set(2.0f / 7));
  p = fma(p, u, set(2.0f / 5));
  p = fma(p, u, set(2.0f / 3));
  const Vector artanh = fma(p * u, s, s + s);
  return fma(exponent, set(0.693147181f), artanh + (x - x));  // x - x carries NaN on
}

}  // namespace CORVID_ISA
}  // namespace corvid::simd
