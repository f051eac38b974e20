#include "core/nn/kernels.h"

#include "core/simd/vector.h"

namespace corvid::simd {
inline namespace CORVID_ISA {
namespace {

using Size = std::int64_t;

template <Activation A>
CORVID_INLINE Vector activate(Vector x) {
  if constexpr (A == Activation::kTanh) return tanh(x);
  if constexpr (A == Activation::kRelu) return max(set(0.0f), x);  // in this order NaN stays NaN
  if constexpr (A == Activation::kSilu) return x * sigmoid(x);
  return x;
}

/// act', from what left the activation (tanh, ReLU) or what went into it (SiLU).
template <Activation A>
CORVID_INLINE Vector activation_slope(Vector left, Vector entered) {
  if constexpr (A == Activation::kTanh) return fnma(left, left, set(1.0f));
  if constexpr (A == Activation::kRelu) return select(less(set(0.0f), left), set(1.0f), set(0.0f));
  if constexpr (A == Activation::kSilu) {
    const Vector s = sigmoid(entered);
    return s * fma(entered, set(1.0f) - s, set(1.0f));
  }
  return set(1.0f);
}

// Every matrix product here is one micro-kernel: R rows by C vectors of the result stay in registers while k runs,
//   result[r, c] = sum_k a[r * a_row + k * a_k] b[k * b_stride + c]
// What differs is where the sums start and how they end.

struct ForwardEnds {
  const float* bias;
  float* sums;  // null unless SiLU's are to be kept
};
struct SlopeEnds {
  const float *x, *sums;
  Size x_stride;
};
struct StoreEnds {
  bool accumulate;
};

/// `Masked`: the last vector of columns is cut by `mask` (then C is 1). `Listed`: k runs through a list.
template <int R, int C, bool Masked, bool Listed, Activation A, class Ends>
CORVID_INLINE void micro_kernel(Size num_k, const std::int32_t* list, const float* a, Size a_row, Size a_k,
                                const float* b, Size b_stride, float* out, Size out_stride, Size row, Size column,
                                const Ends& ends, Mask mask) {
  auto load_part = [&](const float* p) { return Masked ? load(p, mask) : load(p); };
  Vector sums[R][C];
#pragma GCC unroll 4
  for (int c = 0; c < C; ++c) {
    Vector start = set(0.0f);
    if constexpr (__is_same(Ends, ForwardEnds)) start = load_part(ends.bias + column + c * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) sums[r][c] = start;
  }
  a += row * a_row;
  b += column;
  for (Size n = 0; n < num_k; ++n) {
    const float* const a_at = Listed ? a + list[n] * a_k : a;
    const float* const b_at = Listed ? b + list[n] * b_stride : b;
    Vector from_b[C];
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) from_b[c] = load_part(b_at + c * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Vector from_a = set(a_at[r * a_row]);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) sums[r][c] = fma(from_a, from_b[c], sums[r][c]);
    }
    if constexpr (!Listed) {
      a += a_k;
      b += b_stride;
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) {
      const Size place = (row + r) * out_stride + column + c * kLanes;
      auto store_part = [&](float* p, Vector x) { Masked ? store(p, x, mask) : store(p, x); };
      Vector y = sums[r][c];
      if constexpr (__is_same(Ends, ForwardEnds)) {
        if constexpr (A == Activation::kSilu) {
          if (ends.sums) store_part(ends.sums + place, y);
        }
        y = activate<A>(y);
      }
      if constexpr (__is_same(Ends, SlopeEnds) && A != Activation::kNone) {
        const Size from = (row + r) * ends.x_stride + column + c * kLanes;
        const Vector entered = A == Activation::kSilu ? load_part(ends.sums + from) : set(0.0f);
        y = y * activation_slope<A>(load_part(ends.x + from), entered);
      }
      if constexpr (__is_same(Ends, StoreEnds)) {
        if (ends.accumulate) y = y + load_part(out + place);
      }
      store_part(out + place, y);
    }
  }
}

struct Operands {
  Size num_rows, num_columns, num_k;
  const float* a;
  Size a_row, a_k;
  const float* b;
  Size b_stride;
  float* out;
  Size out_stride;
  const std::int32_t* list;  // of num_k values of k; null: all from 0 on
};

template <int C, bool Masked, bool Listed, Activation A, class Ends>
void all_rows(const Operands& o, Size column, const Ends& ends, Mask mask) {
  Size row = 0;
  auto blocks_of = [&]<int R>() __attribute__((always_inline)) {
    for (; row + R <= o.num_rows; row += R)
      micro_kernel<R, C, Masked, Listed, A>(o.num_k, o.list, o.a, o.a_row, o.a_k, o.b, o.b_stride, o.out, o.out_stride,
                                            row, column, ends, mask);
  };
  blocks_of.template operator()<6>();
  blocks_of.template operator()<4>();
  blocks_of.template operator()<2>();
  blocks_of.template operator()<1>();
}

template <bool Listed, Activation A, class Ends>
void all_columns(const Operands& o, const Ends& ends) {
  Size column = 0;
  const Mask all = first(kLanes);
  for (; column + kPanel * kLanes <= o.num_columns; column += kPanel * kLanes)
    all_rows<kPanel, false, Listed, A>(o, column, ends, all);
  if constexpr (kPanel > 2) {
    for (; column + 2 * kLanes <= o.num_columns; column += 2 * kLanes)
      all_rows<2, false, Listed, A>(o, column, ends, all);
  }
  for (; column + kLanes <= o.num_columns; column += kLanes) all_rows<1, false, Listed, A>(o, column, ends, all);
  if (column < o.num_columns) all_rows<1, true, Listed, A>(o, column, ends, first(o.num_columns - column));
}

template <Activation A, class Ends>
void product(const Operands& o, const Ends& ends) {
  if constexpr (!__is_same(Ends, StoreEnds)) {
    if (o.list) return all_columns<true, A>(o, ends);
  }
  all_columns<false, A>(o, ends);
}

template <class Ends>
void product(Activation activation, const Operands& o, const Ends& ends) {
  switch (activation) {
    case Activation::kTanh: return product<Activation::kTanh>(o, ends);
    case Activation::kRelu: return product<Activation::kRelu>(o, ends);
    case Activation::kSilu: return product<Activation::kSilu>(o, ends);
    case Activation::kNone: return product<Activation::kNone>(o, ends);
  }
}

void forward(Size rows, Size inputs, Size outputs, const float* x, Size x_stride, const float* w, const float* bias,
             Activation activation, float* y, Size y_stride, float* sums, const std::int32_t* used) {
  product(activation, {rows, outputs, inputs, x, x_stride, 1, w, outputs, y, y_stride, used}, ForwardEnds{bias, sums});
}

void input_gradient(Size rows, Size inputs, Size outputs, const float* dy, Size dy_row, Size dy_column, const float* wt,
                    Size wt_stride, Activation activation, const float* x, const float* sums, Size x_stride, float* dx,
                    Size dx_stride, const std::int32_t* used) {
  product(activation, {rows, inputs, outputs, dy, dy_row, dy_column, wt, wt_stride, dx, dx_stride, used},
          SlopeEnds{x, sums, x_stride});
}

Size nonzero_columns(Size rows, Size columns, const float* x, Size x_stride, std::int32_t* list,
                     std::uint16_t* groups) {
  Size count = 0;
  const Vector zero = set(0.0f);
  for (Size column = 0; column < columns; column += kLanes) {
    const Mask mask = first(columns - column < kLanes ? columns - column : kLanes);
    Vector total = zero;  // in which NaN stays
    for (Size row = 0; row < rows; ++row) total = total + abs(load(x + row * x_stride + column, mask));
    std::uint32_t found = bit_mask(not_equal(total, zero));
    if (column % 16 == 0)
      groups[column / 16] = static_cast<std::uint16_t>(found);
    else
      groups[column / 16] = static_cast<std::uint16_t>(groups[column / 16] | found << column % 16);
    for (; found; found &= found - 1) list[count++] = static_cast<std::int32_t>(column + __builtin_ctz(found));
  }
  return count;
}

void pack_columns(Size rows, Size num_groups, const std::uint16_t* groups, const float* x, Size x_stride, float* packed,
                  Size packed_stride) {
  for (Size row = 0; row < rows; ++row) {
    const float* from = x + row * x_stride;
    float* to = packed + row * packed_stride;
    for (Size group = 0; group < num_groups; ++group, from += 16) {
#if defined(__AVX512F__)
      store(to, _mm512_maskz_compress_ps(groups[group], load(from)));
      to += __builtin_popcount(groups[group]);
#else
      for (std::uint32_t left = groups[group]; left; left &= left - 1) *to++ = from[__builtin_ctz(left)];
#endif
    }
  }
}

void unpack_row(Size columns, const std::uint16_t* groups, const float* packed, bool accumulate, float* row) {
#if defined(__AVX512F__)
  for (Size column = 0; column < columns; column += 16, ++groups) {
    const Mask mask = columns - column < 16 ? first(columns - column) : first(16);
    Vector x = _mm512_maskz_expand_ps(*groups, load(packed));
    if (accumulate) x = x + load(row + column, mask);
    store(row + column, x, mask);
    packed += __builtin_popcount(*groups);
  }
#else
  for (Size column = 0; column < columns; column += 16, ++groups) {
    const Size width = columns - column < 16 ? columns - column : 16;
    for (Size c = 0; c < width; ++c) {
      const float x = *groups >> c & 1 ? *packed++ : 0.0f;
      row[column + c] = accumulate ? row[column + c] + x : x;
    }
  }
#endif
}

void weight_gradient(Size rows, Size inputs, Size outputs, const float* x, Size x_stride, const float* dy,
                     Size dy_stride, bool accumulate, float* dw, float* db) {
  product<Activation::kNone>({inputs, outputs, rows, x, 1, x_stride, dy, dy_stride, dw, outputs, nullptr},
                             StoreEnds{accumulate});
  if (!db) return;
  // Column sums, four rows at a time so that additions overlap.
  for (Size column = 0; column < outputs; column += kLanes) {
    const Mask mask = first(outputs - column < kLanes ? outputs - column : kLanes);
    Vector sums[4] = {set(0.0f), set(0.0f), set(0.0f), set(0.0f)};
    Size row = 0;
    for (; row + 4 <= rows; row += 4) {
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) sums[r] = sums[r] + load(dy + (row + r) * dy_stride + column, mask);
    }
    for (; row < rows; ++row) sums[0] = sums[0] + load(dy + row * dy_stride + column, mask);
    Vector sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    if (accumulate) sum = sum + load(db + column, mask);
    store(db + column, sum, mask);
  }
}

#if defined(__AVX512F__)
/// A square of 16 x 16 in registers: neighbours are interleaved at 1, 2, 4 and 8 numbers' distance.
void transpose_square(const float* from, Size from_stride, float* to, Size to_stride) {
  Vector a[16], b[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) a[i] = load(from + i * from_stride);
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    b[i] = _mm512_unpacklo_ps(a[i], a[i + 1]);
    b[i + 1] = _mm512_unpackhi_ps(a[i], a[i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    a[i] = _mm512_shuffle_ps(b[i], b[i + 2], 0x44);
    a[i + 1] = _mm512_shuffle_ps(b[i], b[i + 2], 0xee);
    a[i + 2] = _mm512_shuffle_ps(b[i + 1], b[i + 3], 0x44);
    a[i + 3] = _mm512_shuffle_ps(b[i + 1], b[i + 3], 0xee);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    b[i] = _mm512_shuffle_f32x4(a[i], a[i + 4], 0x88);
    b[i + 4] = _mm512_shuffle_f32x4(a[i], a[i + 4], 0xdd);
    b[i + 8] = _mm512_shuffle_f32x4(a[i + 8], a[i + 12], 0x88);
    b[i + 12] = _mm512_shuffle_f32x4(a[i + 8], a[i + 12], 0xdd);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    store(to + i * to_stride, _mm512_shuffle_f32x4(b[i], b[i + 8], 0x88));
    store(to + (i + 8) * to_stride, _mm512_shuffle_f32x4(b[i], b[i + 8], 0xdd));
    store(to + (i + 4) * to_stride, _mm512_shuffle_f32x4(b[i + 4], b[i + 12], 0x88));
    store(to + (i + 12) * to_stride, _mm512_shuffle_f32x4(b[i + 4], b[i + 12], 0xdd));
  }
}
#else
void transpose_square(const float* from, Size from_stride, float* to, Size to_stride) {
  Vector a[8], b[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) a[i] = load(from + i * from_stride);
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {
    b[i] = _mm256_unpacklo_ps(a[i], a[i + 1]);
    b[i + 1] = _mm256_unpackhi_ps(a[i], a[i + 1]);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4) {
    a[i] = _mm256_shuffle_ps(b[i], b[i + 2], 0x44);
    a[i + 1] = _mm256_shuffle_ps(b[i], b[i + 2], 0xee);
    a[i + 2] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0x44);
    a[i + 3] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0xee);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    store(to + i * to_stride, _mm256_permute2f128_ps(a[i], a[i + 4], 0x20));
    store(to + (i + 4) * to_stride, _mm256_permute2f128_ps(a[i], a[i + 4], 0x31));
  }
}
#endif

void transpose(Size rows, Size columns, const float* w, Size w_stride, float* wt, Size wt_stride) {
  const Size whole_rows = rows - rows % kLanes, whole_columns = columns - columns % kLanes;
  for (Size r = 0; r < whole_rows; r += kLanes) {
    for (Size c = 0; c < whole_columns; c += kLanes)
      transpose_square(w + r * w_stride + c, w_stride, wt + c * wt_stride + r, wt_stride);
  }
  for (Size c = whole_columns; c < columns; ++c) {
    for (Size r = 0; r < whole_rows; ++r) wt[c * wt_stride + r] = w[r * w_stride + c];
  }
  for (Size r = whole_rows; r < rows; ++r) {
    for (Size c = 0; c < columns; ++c) wt[c * wt_stride + r] = w[r * w_stride + c];
  }
}

/// Calls body(i, load, store) for whole vectors of [0, n), then once for the rest.
template <class Body>
CORVID_INLINE void for_each_vector(Size n, Body&& body) {
  Size i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    body(
        i, [](const float* p) { return load(p); }, [](float* p, Vector x) { store(p, x); });
  }
  if (i < n) {
    const Mask mask = first(n - i);
    body(
        i, [mask](const float* p) { return load(p, mask); }, [mask](float* p, Vector x) { store(p, x, mask); });
  }
}

/// Sums term(column, load), a vector of a row, along its columns.
template <class Term>
CORVID_INLINE float sum_along(Size width, Term&& term) {
  Vector sums[2] = {set(0.0f), set(0.0f)};
  auto whole = [](const float* p) { return load(p); };
  Size column = 0;
  for (; column + 2 * kLanes <= width; column += 2 * kLanes) {
    sums[0] = sums[0] + term(column, whole);
    sums[1] = sums[1] + term(column + kLanes, whole);
  }
  for (; column < width; column += kLanes) {
    const Mask mask = first(width - column < kLanes ? width - column : kLanes);
    const Vector last = term(column, [mask](const float* p) { return load(p, mask); });
    sums[0] = sums[0] + select(mask, last, set(0.0f));
  }
  return sum(sums[0] + sums[1]);
}

template <Activation A>
void layer_norm(Size rows, Size width, float* z, Size stride, const float* gain, const float* shift, float* y,
                float* scales, float* sums) {
  const float share = 1 / static_cast<float>(width);
  for (Size row = 0; row < rows; ++row) {
    float* const from = z + row * stride;
    const Vector mean = set(share * sum_along(width, [&](Size c, auto get) { return get(from + c); }));
    const float variance = share * sum_along(width, [&](Size c, auto get) {
                             const Vector away = get(from + c) - mean;
                             return away * away;
                           });
    scales[row] = 1 / sqrt(variance + kLayerNormEps);
    const Vector scale = set(scales[row]);
    for_each_vector(width, [&](Size c, auto get, auto put) {
      const Vector u = (get(from + c) - mean) * scale;
      const Vector entered = fma(get(gain + c), u, get(shift + c));
      put(from + c, u);
      if constexpr (A == Activation::kSilu) {
        if (sums) put(sums + row * stride + c, entered);
      }
      put(y + row * stride + c, activate<A>(entered));
    });
  }
}

void layer_norm(Size rows, Size width, float* z, Size stride, const float* gain, const float* shift,
                Activation activation, float* y, float* scales, float* sums) {
  auto run = [&]<Activation A>() { layer_norm<A>(rows, width, z, stride, gain, shift, y, scales, sums); };
  switch (activation) {
    case Activation::kTanh: return run.template operator()<Activation::kTanh>();
    case Activation::kRelu: return run.template operator()<Activation::kRelu>();
    case Activation::kSilu: return run.template operator()<Activation::kSilu>();
    case Activation::kNone: return run.template operator()<Activation::kNone>();
  }
}

/// dgain (+)= column sums of d u and dshift (+)= those of d.
void gain_and_shift_gradient(Size rows, Size width, const float* u, Size stride, const float* d, bool accumulate,
                             float* dgain, float* dshift) {
  for_each_vector(width, [&](Size c, auto get, auto put) {
    // Four rows at a time so that additions overlap.
    Vector gains[4] = {set(0.0f), set(0.0f), set(0.0f), set(0.0f)},
           shifts[4] = {gains[0], gains[0], gains[0], gains[0]};
    auto add_row = [&](Size row, int chain) {
      const Vector from = get(d + row * stride + c);
      gains[chain] = fma(from, get(u + row * stride + c), gains[chain]);
      shifts[chain] = shifts[chain] + from;
    };
    Size row = 0;
    for (; row + 4 <= rows; row += 4) {
#pragma GCC unroll 4
      for (int chain = 0; chain < 4; ++chain) add_row(row + chain, chain);
    }
    for (; row < rows; ++row) add_row(row, 0);
    Vector by_gain = (gains[0] + gains[1]) + (gains[2] + gains[3]);
    Vector by_shift = (shifts[0] + shifts[1]) + (shifts[2] + shifts[3]);
    if (accumulate) {
      by_gain = by_gain + get(dgain + c);
      by_shift = by_shift + get(dshift + c);
    }
    put(dgain + c, by_gain);
    put(dshift + c, by_shift);
  });
}

void layer_norm_gradient(Size rows, Size width, const float* u, Size stride, const float* scales, const float* gain,
                         float* d, bool accumulate, float* dgain, float* dshift) {
  if (dgain) gain_and_shift_gradient(rows, width, u, stride, d, accumulate, dgain, dshift);
  // With e = d gain: dz = scale (e - mean(e) - u mean(e u))
  const float share = 1 / static_cast<float>(width);
  for (Size row = 0; row < rows; ++row) {
    float* const at = d + row * stride;
    const float* const normal = u + row * stride;
    const Vector mean = set(share * sum_along(width, [&](Size c, auto get) { return get(at + c) * get(gain + c); }));
    const Vector slope =
        set(share * sum_along(width, [&](Size c, auto get) { return get(at + c) * get(gain + c) * get(normal + c); }));
    const Vector scale = set(scales[row]);
    for_each_vector(width, [&](Size c, auto get, auto put) {
      put(at + c, scale * fnma(get(normal + c), slope, get(at + c) * get(gain + c) - mean));
    });
  }
}

/// One row of R outputs at a time: their sums share the loads of x.
template <int R>
CORVID_INLINE void narrow_outputs(Size rows, Size inputs, const float* x, Size x_stride, const float* wt,
                                  Size wt_stride, const float* bias, float* y, Size y_row, Size y_column) {
  const Size whole = inputs - inputs % kLanes;
  const Mask mask = first(inputs - whole);
  for (Size row = 0; row < rows; ++row) {
    Vector sums[R];
#pragma GCC unroll 4
    for (int o = 0; o < R; ++o) sums[o] = set(0.0f);
    for (Size i = 0; i < whole; i += kLanes) {
      const Vector from = load(x + row * x_stride + i);
#pragma GCC unroll 4
      for (int o = 0; o < R; ++o) sums[o] = fma(from, load(wt + o * wt_stride + i), sums[o]);
    }
    if (whole < inputs) {
      const Vector from = load(x + row * x_stride + whole, mask);
#pragma GCC unroll 4
      for (int o = 0; o < R; ++o) sums[o] = fma(from, load(wt + o * wt_stride + whole, mask), sums[o]);
    }
#pragma GCC unroll 4
    for (int o = 0; o < R; ++o) y[row * y_row + o * y_column] = sum(sums[o]) + bias[o];
  }
}

void narrow_forward(Size rows, Size inputs, Size outputs, const float* x, Size x_stride, const float* wt,
                    Size wt_stride, const float* bias, float* y, Size y_row, Size y_column) {
  Size o = 0;
  for (; o + 2 <= outputs; o += 2)
    narrow_outputs<2>(rows, inputs, x, x_stride, wt + o * wt_stride, wt_stride, bias + o, y + o * y_column, y_row,
                      y_column);
  if (o < outputs)
    narrow_outputs<1>(rows, inputs, x, x_stride, wt + o * wt_stride, wt_stride, bias + o, y + o * y_column, y_row,
                      y_column);
}

void narrow_weight_gradient(Size rows, Size inputs, Size outputs, const float* x, Size x_stride, const float* dy,
                            Size dy_column, bool accumulate, float* dw, float* db, float* scratch) {
  const Size stride = inputs + 16 - inputs % 16;
  product<Activation::kNone>({outputs, inputs, rows, dy, dy_column, 1, x, x_stride, scratch, stride, nullptr},
                             StoreEnds{false});
  const Size whole = rows - rows % kLanes;
  const Mask mask = first(rows - whole);
  for (Size o = 0; o < outputs; ++o) {
    for (Size i = 0; i < inputs; ++i) {
      float& place = dw[i * outputs + o];
      place = scratch[o * stride + i] + (accumulate ? place : 0.0f);
    }
    if (!db) continue;
    Vector sums = load(dy + o * dy_column + whole, mask);
    for (Size row = 0; row < whole; row += kLanes) sums = sums + load(dy + o * dy_column + row);
    db[o] = sum(sums) + (accumulate ? db[o] : 0.0f);
  }
}

double sum_of_squares(Size n, const float* x) {
  // Partial sums in float over at most 4,096 numbers, in double beyond: exact enough for a norm of millions.
  double total = 0;
  for (Size begin = 0; begin < n; begin += 4096) {
    const Size end = begin + 4096 < n ? begin + 4096 : n;
    Vector sums[4] = {set(0.0f), set(0.0f), set(0.0f), set(0.0f)};
    Size i = begin;
    for (; i + 4 * kLanes <= end; i += 4 * kLanes) {
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) {
        const Vector v = load(x + i + k * kLanes);
        sums[k] = fma(v, v, sums[k]);
      }
    }
    for (; i < end; i += kLanes) {
      const Vector v = load(x + i, first(end - i < kLanes ? end - i : kLanes));
      sums[0] = fma(v, v, sums[0]);
    }
    total += sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
  }
  return total;
}

void adam(Size n, const AdamFactors& f, float scale, const float* gradient, float* parameters, float* mean,
          float* square) {
  const Vector beta1 = set(f.beta1), beta2 = set(f.beta2), rest1 = set(f.rest1), rest2 = set(f.rest2);
  for_each_vector(n, [&](Size i, auto get, auto put) {
    const Vector g = get(gradient + i) * set(scale);
    const Vector m = fma(beta1, get(mean + i), rest1 * g);
    const Vector v = fma(beta2, get(square + i), rest2 * g * g);
    put(mean + i, m);
    put(square + i, v);
    const Vector root = fma(fast_root(v), set(f.root_scale), set(f.eps));
    const Vector p = get(parameters + i);
    put(parameters + i, fnma(set(f.step_size), divide(m, root), fnma(set(f.weight_decay), p, p)));
  });
}

void rms_prop(Size n, float learning_rate, float alpha, float rest, float eps, float scale, const float* gradient,
              float* parameters, float* square) {
  for_each_vector(n, [&](Size i, auto get, auto put) {
    const Vector g = get(gradient + i) * set(scale);
    const Vector v = fma(set(alpha), get(square + i), set(rest) * g * g);
    put(square + i, v);
    put(parameters + i, fnma(set(learning_rate), g / (sqrt(v) + set(eps)), get(parameters + i)));
  });
}

void polyak(Size n, float tau, const float* source, float* target) {
  for_each_vector(n, [&](Size i, auto get, auto put) {
    const Vector t = get(target + i);
    put(target + i, fma(set(tau), get(source + i) - t, t));
  });
}

void add(Size n, const float* x, float* sum) {
  for_each_vector(n, [&](Size i, auto get, auto put) { put(sum + i, get(sum + i) + get(x + i)); });
}

void lstm(Size rows, Size hidden, float* gates, const float* c, float* next_c, float* next_h, Size h_stride) {
  for (Size row = 0; row < rows; ++row) {
    float *in = gates + row * 4 * hidden, *forget = in + hidden, *candidate = forget + hidden,
          *out = candidate + hidden;
    for_each_vector(hidden, [&](Size k, auto get, auto put) {
      const Vector i = sigmoid(get(in + k)), f = sigmoid(get(forget + k)), g = tanh(get(candidate + k)),
                   o = sigmoid(get(out + k));
      const Vector cell = fma(f, get(c + row * hidden + k), i * g);
      put(in + k, i);
      put(forget + k, f);
      put(candidate + k, g);
      put(out + k, o);
      put(next_c + row * hidden + k, cell);
      put(next_h + row * h_stride + k, o * tanh(cell));
    });
  }
}

void lstm_gradient(Size rows, Size hidden, const float* gates, const float* c, const float* next_c, const float* dh,
                   float* dc, float* d_sums) {
  const Vector one = set(1.0f);
  for (Size row = 0; row < rows; ++row) {
    const float *in = gates + row * 4 * hidden, *forget = in + hidden, *candidate = forget + hidden,
                *out = candidate + hidden;
    float* to = d_sums + row * 4 * hidden;
    for_each_vector(hidden, [&](Size k, auto get, auto put) {
      const Size cell = row * hidden + k;
      const Vector i = get(in + k), f = get(forget + k), g = get(candidate + k), o = get(out + k);
      const Vector squashed = tanh(get(next_c + cell)), d_h = get(dh + cell);
      const Vector d_c = fma(d_h * o, fnma(squashed, squashed, one), get(dc + cell));
      put(to + k, d_c * g * i * (one - i));
      put(to + hidden + k, d_c * get(c + cell) * f * (one - f));
      put(to + 2 * hidden + k, d_c * i * fnma(g, g, one));
      put(to + 3 * hidden + k, d_h * squashed * o * (one - o));
      put(dc + cell, d_c * f);
    });
  }
}

double peak(Size rounds, float* result) {
  constexpr int kChains = 12;  // enough to hide a latency of four cycles on two ports
  Vector sums[kChains];
#pragma GCC unroll 12
  for (int i = 0; i < kChains; ++i) sums[i] = set(static_cast<float>(i));
  Vector factor = set(0.999f);
  for (Size k = 0; k < rounds; ++k) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sums[i] = fma(sums[i], factor, set(0.001f));
    asm volatile("" : "+x"(factor));  // every round counts
  }
  Vector total = sums[0];
  for (int i = 1; i < kChains; ++i) total = total + sums[i];
  *result = sum(total);
  return static_cast<double>(rounds) * kChains * kLanes;
}

}  // namespace

extern const Kernels kKernels;
const Kernels kKernels = {forward,
                          input_gradient,
                          nonzero_columns,
                          pack_columns,
                          unpack_row,
                          weight_gradient,
                          transpose,
                          layer_norm,
                          layer_norm_gradient,
                          narrow_forward,
                          narrow_weight_gradient,
                          lstm,
                          lstm_gradient,
                          sum_of_squares,
                          adam,
                          rms_prop,
                          polyak,
                          add,
                          peak};

}  // namespace CORVID_ISA
}  // namespace corvid::simd
