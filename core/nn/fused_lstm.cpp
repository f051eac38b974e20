#include "core/nn/fused_lstm.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/nn/fused_mlp.h"

namespace corvid {
namespace {

/// Rows of `columns` numbers from one stride to another.
void copy_rows(std::int64_t rows, std::int64_t columns, const float* from, std::int64_t from_stride, float* to,
               std::int64_t to_stride) {
  for (std::int64_t b = 0; b < rows; ++b) std::copy_n(from + b * from_stride, columns, to + b * to_stride);
}

std::size_t floats(std::int64_t n) { return static_cast<std::size_t>(n); }

}  // namespace

FusedLstm::FusedLstm(std::int64_t inputs, std::int64_t hidden, const Kernels& kernels)
    : inputs_(inputs),
      hidden_(hidden),
      width_(inputs + hidden),
      bias_(padded((inputs + hidden) * 4 * hidden)),
      kernels_(kernels) {
  CORVID_CHECK(inputs > 0 && hidden > 0, "an LSTM needs inputs and cells");
}

void FusedLstm::forward(const float* parameters, const float* x, std::int64_t steps, std::int64_t rows, float* state,
                        Workspace& work) const {
  const std::int64_t gates = 4 * hidden_;
  work.x_and_h_.resize(floats((steps + 1) * rows * width_));
  work.gates_.resize(floats(steps * rows * gates));
  work.cells_.resize(floats((steps + 1) * rows * hidden_));
  work.outputs_.resize(floats(steps * rows * hidden_));
  float *in = work.x_and_h_.data(), *gate = work.gates_.data(), *cell = work.cells_.data();
  copy_rows(rows, hidden_, state, 2 * hidden_, in + inputs_, width_);
  copy_rows(rows, hidden_, state + hidden_, 2 * hidden_, cell, hidden_);
  copy_rows(steps * rows, inputs_, x, inputs_, in, width_);
  for (std::int64_t t = 0; t < steps; ++t) {
    kernels_.forward(rows, width_, gates, in, width_, parameters, parameters + bias_, Activation::kNone, gate, gates,
                     nullptr, nullptr);
    float *next_in = in + rows * width_, *next_cell = cell + rows * hidden_;
    kernels_.lstm(rows, hidden_, gate, cell, next_cell, next_in + inputs_, width_);
    in = next_in;
    cell = next_cell;
    gate += rows * gates;
  }
  copy_rows(steps * rows, hidden_, work.x_and_h_.data() + rows * width_ + inputs_, width_, work.outputs_.data(),
            hidden_);
  copy_rows(rows, hidden_, in + inputs_, width_, state, 2 * hidden_);
  copy_rows(rows, hidden_, cell, hidden_, state + hidden_, 2 * hidden_);
}

void FusedLstm::advance(const float* parameters, const float* x, std::int64_t steps, std::int64_t rows,
                        const std::int64_t* first, float* state) const {
  const std::int64_t gates = 4 * hidden_;
  AlignedVector<float> in(floats(rows * width_)), gate(floats(rows * gates)), cell(floats(rows * hidden_));
  copy_rows(rows, hidden_, state, 2 * hidden_, in.data() + inputs_, width_);
  copy_rows(rows, hidden_, state + hidden_, 2 * hidden_, cell.data(), hidden_);
  for (std::int64_t t = 0; t < steps; ++t) {
    copy_rows(rows, inputs_, x + t * rows * inputs_, inputs_, in.data(), width_);
    kernels_.forward(rows, width_, gates, in.data(), width_, parameters, parameters + bias_, Activation::kNone,
                     gate.data(), gates, nullptr, nullptr);
    kernels_.lstm(rows, hidden_, gate.data(), cell.data(), cell.data(), in.data() + inputs_, width_);
    for (std::int64_t b = 0; first && b < rows; ++b) {
      if (t >= first[b]) continue;
      std::copy_n(state + b * 2 * hidden_, hidden_, in.data() + b * width_ + inputs_);
      std::copy_n(state + b * 2 * hidden_ + hidden_, hidden_, cell.data() + b * hidden_);
    }
  }
  copy_rows(rows, hidden_, in.data() + inputs_, width_, state, 2 * hidden_);
  copy_rows(rows, hidden_, cell.data(), hidden_, state + hidden_, 2 * hidden_);
}

void FusedLstm::backward(const float* parameters, std::int64_t steps, std::int64_t rows, const float* dh,
                         const Workspace& work, float* gradient, float* dx) const {
  const std::int64_t gates = 4 * hidden_, stride = padded(width_);
  AlignedVector<float> transposed(floats(gates * stride)), d_sums(floats(steps * rows * gates)),
      d_in(floats(rows * width_)), d_out(floats(rows * hidden_)), dc(floats(rows * hidden_), 0.0f);
  kernels_.transpose(width_, gates, parameters, gates, transposed.data(), stride);
  for (std::int64_t t = steps; t-- > 0;) {
    // Outputs reach the loss at once and through the next step's gates.
    std::copy_n(dh + t * rows * hidden_, rows * hidden_, d_out.data());
    for (std::int64_t b = 0; t + 1 < steps && b < rows; ++b)
      kernels_.add(hidden_, d_in.data() + b * width_ + inputs_, d_out.data() + b * hidden_);
    const float* cell = work.cells_.data() + t * rows * hidden_;
    float* d_gate = d_sums.data() + t * rows * gates;
    kernels_.lstm_gradient(rows, hidden_, work.gates_.data() + t * rows * gates, cell, cell + rows * hidden_,
                           d_out.data(), dc.data(), d_gate);
    if (t == 0 && !dx) break;
    kernels_.input_gradient(rows, width_, gates, d_gate, gates, 1, transposed.data(), stride, Activation::kNone,
                            nullptr, nullptr, width_, d_in.data(), width_, nullptr);
    if (dx) copy_rows(rows, inputs_, d_in.data(), width_, dx + t * rows * inputs_, inputs_);
  }
  kernels_.weight_gradient(steps * rows, width_, gates, work.x_and_h_.data(), width_, d_sums.data(), gates, false,
                           gradient, gradient + bias_);
}

}  // namespace corvid
