// The arithmetic of fully connected networks and their optimizers on plain memory, as vector code for the processor at
// hand.
//
// Matrices are row-major with a row length ("stride") that may exceed their width. Weights are [inputs, outputs], so
// that both a forward pass and a weight gradient run along rows. Results do not depend on how many rows a call gets:
// every element is one chain of fused multiply-adds in a fixed order.
#pragma once

#include <cstdint>

#include "core/simd/isa.h"

namespace corvid {

/// What stands between the layers; kNone behind the last.
enum class Activation : std::uint8_t { kTanh, kRelu, kSilu, kNone };

/// Factors of one Adam step (Kingma and Ba 2015; decoupled weight decay after Loshchilov and Hutter 2019).
struct AdamFactors {
  float beta1, beta2, eps;
  float rest1, rest2;  // 1 - beta, which a float of beta does not give exactly
  float step_size;     // learning_rate / (1 - beta1^t)
  float root_scale;    // 1 / sqrt(1 - beta2^t)
  float weight_decay;  // learning_rate times the decay
};

/// Of step t = 1, 2, ...
AdamFactors adam_factors(std::int64_t t, double learning_rate, double beta1, double beta2, double eps,
                         double weight_decay = 0);

/// Of step t of RAdam (Liu et al. 2020, algorithm 2): Adam's step times the rectification of its variance or, in the
/// first steps, in which that variance cannot be bounded, the mean of the gradients alone. eps is added to the root
/// before its bias is corrected, as in PyTorch.
AdamFactors radam_factors(std::int64_t t, double learning_rate, double beta1, double beta2, double eps);

inline constexpr float kLayerNormEps = 1e-5f;  // added to the variance

struct Kernels {
  /// y = act(x w + bias): x [rows, inputs], w [inputs, outputs] with stride `outputs`, y [rows, outputs]. With SiLU the
  /// sums before it go to `sums` [rows, outputs] (stride of y), where that is not null. `used` lists the columns of x
  /// that are not zero in every row, and `inputs` counts these; null: all.
  void (*forward)(std::int64_t rows, std::int64_t inputs, std::int64_t outputs, const float* x, std::int64_t x_stride,
                  const float* w, const float* bias, Activation activation, float* y, std::int64_t y_stride,
                  float* sums, const std::int32_t* used);

  /// dx = (dy w^T) * act'(x), where x [rows, inputs] left the activation before this layer and `sums` went into it
  /// (SiLU only). wt is w transposed, [outputs, inputs] with stride `wt_stride`. Element (row, output) of dy lies at
  /// row * dy_row + output * dy_column. dx and x may be one. `used` as in forward, of dy.
  void (*input_gradient)(std::int64_t rows, std::int64_t inputs, std::int64_t outputs, const float* dy,
                         std::int64_t dy_row, std::int64_t dy_column, const float* wt, std::int64_t wt_stride,
                         Activation activation, const float* x, const float* sums, std::int64_t x_stride, float* dx,
                         std::int64_t dx_stride, const std::int32_t* used);

  // ReLU leaves many columns empty in every row of a batch, and products do without them: a term of zero changes no sum
  // of finite numbers.

  /// Lists the columns of x [rows, columns] that are not zero in every row; returns how many there are. `groups` gets
  /// them as bits, one word for every 16 columns.
  std::int64_t (*nonzero_columns)(std::int64_t rows, std::int64_t columns, const float* x, std::int64_t x_stride,
                                  std::int32_t* list, std::uint16_t* groups);

  /// Moves the columns of x that `groups` names together. x is read, and packed written, up to the end of a group of
  /// 16.
  void (*pack_columns)(std::int64_t rows, std::int64_t num_groups, const std::uint16_t* groups, const float* x,
                       std::int64_t x_stride, float* packed, std::int64_t packed_stride);

  /// The other way, for one row: writes `columns` numbers, 0 where no column was, or adds to what is there.
  void (*unpack_row)(std::int64_t columns, const std::uint16_t* groups, const float* packed, bool accumulate,
                     float* row);

  /// dw (+)= x^T dy and db (+)= column sums of dy, where db is not null; adds to what is there when `accumulate`.
  void (*weight_gradient)(std::int64_t rows, std::int64_t inputs, std::int64_t outputs, const float* x,
                          std::int64_t x_stride, const float* dy, std::int64_t dy_stride, bool accumulate, float* dw,
                          float* db);

  /// wt[c, r] = w[r, c].
  void (*transpose)(std::int64_t rows, std::int64_t columns, const float* w, std::int64_t w_stride, float* wt,
                    std::int64_t wt_stride);

  /// Layer normalisation (Ba et al. 2016, eq. 3) along each row, and the activation: u = (z - mean(z)) / sqrt(var(z) +
  /// kLayerNormEps), y = act(gain u + shift). z, y and sums are [rows, width], all with stride `stride`; u takes the
  /// place of z, one over the root goes to `scales` [rows]. With SiLU what enters it goes to `sums`, where that is not
  /// null.
  void (*layer_norm)(std::int64_t rows, std::int64_t width, float* z, std::int64_t stride, const float* gain,
                     const float* shift, Activation activation, float* y, float* scales, float* sums);

  /// From the derivative by gain u + shift, in `d` [rows, width], to that by z, in its place. dgain and dshift [width]
  /// are written, or added to when `accumulate`; where dgain is null, neither.
  void (*layer_norm_gradient)(std::int64_t rows, std::int64_t width, const float* u, std::int64_t stride,
                              const float* scales, const float* gain, float* d, bool accumulate, float* dgain,
                              float* dshift);

  // A last layer of few outputs: weights transposed, [outputs, inputs], so that vectors run along the inputs.

  /// y = x w + bias; element (row, output) goes to row * y_row + output * y_column.
  void (*narrow_forward)(std::int64_t rows, std::int64_t inputs, std::int64_t outputs, const float* x,
                         std::int64_t x_stride, const float* wt, std::int64_t wt_stride, const float* bias, float* y,
                         std::int64_t y_row, std::int64_t y_column);

  /// As weight_gradient (db may be null here too), for dy stored by columns, [outputs, rows] with stride `dy_column`;
  /// writes dw [inputs, outputs]. `scratch` holds outputs * (inputs + 16) floats.
  void (*narrow_weight_gradient)(std::int64_t rows, std::int64_t inputs, std::int64_t outputs, const float* x,
                                 std::int64_t x_stride, const float* dy, std::int64_t dy_column, bool accumulate,
                                 float* dw, float* db, float* scratch);

  // One step of an LSTM with forget gates (Gers et al. 2000), H = `hidden` cells a row. Gates are [rows, 4 H] in the
  // order input, forget, candidate, output. h has a stride, everything else is dense.

  /// Sums become gates in place: i, f, o = sigmoid, g = tanh. c' = f c + i g, h' = o tanh(c'). next_c and c may be one.
  void (*lstm)(std::int64_t rows, std::int64_t hidden, float* gates, const float* c, float* next_c, float* next_h,
               std::int64_t h_stride);

  /// From the loss's derivatives dh by h', and dc by c' through later steps, to those by the sums and, in place of dc,
  /// by c.
  void (*lstm_gradient)(std::int64_t rows, std::int64_t hidden, const float* gates, const float* c, const float* next_c,
                        const float* dh, float* dc, float* d_sums);

  /// The sum of squares of n numbers.
  double (*sum_of_squares)(std::int64_t n, const float* x);

  /// One step of Adam on n parameters along `gradient` times `scale`.
  void (*adam)(std::int64_t n, const AdamFactors& factors, float scale, const float* gradient, float* parameters,
               float* mean, float* square);

  /// One step of RMSProp (Tieleman and Hinton 2012): square = alpha square + rest g^2 with rest = 1 - alpha,
  /// p -= rate g / (sqrt(square) + eps), with g = gradient * scale.
  void (*rms_prop)(std::int64_t n, float learning_rate, float alpha, float rest, float eps, float scale,
                   const float* gradient, float* parameters, float* square);

  /// target += tau (source - target) (Polyak averaging).
  void (*polyak)(std::int64_t n, float tau, const float* source, float* target);

  /// sum += x.
  void (*add)(std::int64_t n, const float* x, float* sum);

  /// Nothing but multiply-adds in registers, to measure what a core can do at most; returns how many there were.
  double (*peak)(std::int64_t rounds, float* result);
};

/// The kernels of an instruction set; by default of the one in use.
const Kernels& kernels(Isa set = isa());

}  // namespace corvid
