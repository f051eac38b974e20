#include "core/nn/fused_mlp.h"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

#include "core/base/check.h"

namespace corvid {

namespace {

/// Of rows with `count` packed columns: whole vectors are written from any of them on.
std::int64_t packed_stride(std::int64_t count) { return padded(count) + 16; }

}  // namespace

FusedMlp::FusedMlp(const MlpShape& shape, const Kernels& kernels) : shape_(shape), kernels_(kernels) {
  CORVID_CHECK(shape.inputs > 0 && shape.outputs > 0, "a network needs inputs and outputs");
  std::int64_t inputs = shape.inputs;
  auto take = [&](std::int64_t floats) {
    const std::int64_t place = num_parameters_;
    num_parameters_ += padded(floats);
    return place;
  };
  auto add_layer = [&](std::int64_t outputs) {
    const std::int64_t weight = take(inputs * outputs), bias = take(outputs);
    layers_.push_back({inputs, outputs, weight, bias});
    inputs = outputs;
  };
  for (std::int64_t width : shape.hidden) {
    CORVID_CHECK(width > 0, "a layer needs a width");
    add_layer(width);
    if (shape.layer_norm) {
      layers_.back().gain = take(width);
      layers_.back().shift = take(width);
    }
    widest_ = std::max(widest_, width);
  }
  add_layer(shape.outputs);
  // A row costs a narrow layer outputs * (inputs / 16 vectors + a sum over one), any other layer inputs * (outputs /
  // 16).
  const Layer& last = layers_.back();
  narrow_ = last.outputs * (last.inputs / 16 + 8) < last.inputs * ((last.outputs + 15) / 16) || last.outputs == 1;
}

void FusedMlp::Workspace::Free::operator()(float* memory) const { std::free(memory); }

FusedMlp::Workspace::Workspace(const FusedMlp& mlp, std::int64_t rows) : rows_(rows), stride_(padded(rows)) {
  const bool silu = mlp.shape_.activation == Activation::kSilu;
  // Twice: first the size is counted, then the places are given out.
  std::int64_t used = 0;
  float* memory = nullptr;
  auto take = [&](std::int64_t floats) {
    float* place = memory ? memory + used : nullptr;
    used += padded(floats);
    return place;
  };
  auto lay_out = [&] {
    used = 0;
    for (auto* list : {&hidden_, &sums_, &normal_, &scales_, &gradients_, &d_gains_, &d_shifts_, &transposed_})
      list->clear();
    for (std::int64_t width : mlp.shape_.hidden) {
      hidden_.push_back(take(rows * padded(width)));
      sums_.push_back(silu ? take(rows * padded(width)) : nullptr);
      normal_.push_back(mlp.shape_.layer_norm ? take(rows * padded(width)) : nullptr);
      scales_.push_back(mlp.shape_.layer_norm ? take(rows) : nullptr);
      gradients_.push_back(take(rows * padded(width)));
      d_gains_.push_back(mlp.shape_.layer_norm ? take(width) : nullptr);
      d_shifts_.push_back(mlp.shape_.layer_norm ? take(width) : nullptr);
    }
    for (const Layer& layer : mlp.layers_) transposed_.push_back(take(layer.outputs * padded(layer.inputs)));
    outputs_ = take(mlp.shape_.outputs * stride_);
    output_gradients_ = take(mlp.shape_.outputs * stride_);
    rows_of_outputs_ = mlp.narrow_ ? nullptr : take(rows * mlp.shape_.outputs);
    scratch_ = take(mlp.narrow_ ? mlp.shape_.outputs * (mlp.layers_.back().inputs + 16) : 0);
    const bool relu = mlp.shape_.activation == Activation::kRelu;
    std::int64_t most_inputs = 0, most_weights = 0;
    for (std::size_t l = 0; relu && l + 1 < mlp.layers_.size(); ++l) {
      most_inputs = std::max(most_inputs, mlp.layers_[l].inputs);
      most_weights = std::max(most_weights, mlp.layers_[l].inputs * mlp.layers_[l].outputs / 2);
    }
    packed_inputs_ = take(relu ? rows * packed_stride(most_inputs) : 0);
    packed_gradients_ = take(relu ? rows * packed_stride(mlp.widest_) : 0);
    packed_weights_ = take(most_weights + 16);
    packed_bias_ = take(relu ? packed_stride(mlp.widest_) : 0);
  };
  lay_out();
  const std::size_t bytes = static_cast<std::size_t>(std::max<std::int64_t>(used, kParameterAlignment)) * sizeof(float);
  memory = static_cast<float*>(std::aligned_alloc(64, bytes));
  if (!memory) throw std::bad_alloc();
  memory_.reset(memory);
  lay_out();
  for (std::int64_t width : mlp.shape_.hidden) {
    used_.emplace_back();
    used_.back().columns.resize(static_cast<std::size_t>(width));
    used_.back().groups.resize(static_cast<std::size_t>((width + 15) / 16));
  }
}

const float* FusedMlp::hidden_layers(const float* parameters, const float* x, std::int64_t rows,
                                     Workspace& work) const {
  CORVID_DCHECK(rows <= work.rows_, "more rows than the workspace holds");
  std::int64_t stride = shape_.inputs, inputs = shape_.inputs;
  const std::int32_t* used = nullptr;
  for (std::size_t l = 0; l + 1 < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    const std::int64_t y_stride = padded(layer.outputs);
    const float *weight = parameters + layer.weight, *bias = parameters + layer.bias;
    if (shape_.layer_norm) {
      float* const z = work.normal_[l];
      kernels_.forward(rows, inputs, layer.outputs, x, stride, weight, bias, Activation::kNone, z, y_stride, nullptr,
                       used);
      kernels_.layer_norm(rows, layer.outputs, z, y_stride, parameters + layer.gain, parameters + layer.shift,
                          shape_.activation, work.hidden_[l], work.scales_[l], work.sums_[l]);
    } else {
      kernels_.forward(rows, inputs, layer.outputs, x, stride, weight, bias, shape_.activation, work.hidden_[l],
                       y_stride, work.sums_[l], used);
    }
    x = work.hidden_[l];
    stride = y_stride;
    inputs = layer.outputs;
    if (shape_.activation != Activation::kRelu) continue;
    Workspace::Columns& columns = work.used_[l];
    columns.count =
        kernels_.nonzero_columns(rows, layer.outputs, x, stride, columns.columns.data(), columns.groups.data());
    columns.all = 8 * columns.count > 7 * layer.outputs;
    used = columns.list();
    if (used) inputs = columns.count;
  }
  return x;
}

void FusedMlp::run_layers(const float* parameters, const float* x, std::int64_t rows, Workspace& work, float* y,
                          std::int64_t y_row, std::int64_t y_column) const {
  const float* last_inputs = hidden_layers(parameters, x, rows, work);
  const Layer& last = layers_.back();
  const std::int64_t stride = layers_.size() == 1 ? last.inputs : padded(last.inputs);
  const float *weight = parameters + last.weight, *bias = parameters + last.bias;
  if (narrow_) {
    float* const wt = work.transposed_.back();
    kernels_.transpose(last.inputs, last.outputs, weight, last.outputs, wt, padded(last.inputs));
    kernels_.narrow_forward(rows, last.inputs, last.outputs, last_inputs, stride, wt, padded(last.inputs), bias, y,
                            y_row, y_column);
  } else {
    const std::int32_t* used = work.used_.empty() ? nullptr : work.used_.back().list();
    kernels_.forward(rows, used ? work.used_.back().count : last.inputs, last.outputs, last_inputs, stride, weight,
                     bias, Activation::kNone, y, y_row, nullptr, used);
  }
}

void FusedMlp::infer(const float* parameters, const float* x, std::int64_t rows, float* y, Workspace& work) const {
  run_layers(parameters, x, rows, work, y, shape_.outputs, 1);
}

void FusedMlp::forward(const float* parameters, const float* x, std::int64_t rows, Workspace& work) const {
  if (narrow_) {
    run_layers(parameters, x, rows, work, work.outputs_, 1, work.stride_);
  } else {
    run_layers(parameters, x, rows, work, work.rows_of_outputs_, shape_.outputs, 1);
    kernels_.transpose(rows, shape_.outputs, work.rows_of_outputs_, shape_.outputs, work.outputs_, work.stride_);
  }
}

void FusedMlp::backward(const float* parameters, const float* x, std::int64_t rows, Workspace& work, bool accumulate,
                        float* gradient, float* dx) const {
  transpose_weights(parameters, dx != nullptr, work);
  backward_rows(parameters, rows, work, work, dx);
  if (gradient) weight_gradients(x, rows, work, work, accumulate, gradient);
}

void FusedMlp::transpose_weights(const float* parameters, bool first_layer, Workspace& work) const {
  for (std::size_t l = first_layer ? 0 : 1; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    kernels_.transpose(layer.inputs, layer.outputs, parameters + layer.weight, layer.outputs, work.transposed_[l],
                       padded(layer.inputs));
  }
}

void FusedMlp::backward_rows(const float* parameters, std::int64_t rows, Workspace& work, const Workspace& weights,
                             float* dx) const {
  // dy of the layer at hand; the last layer's is stored by columns.
  const float* dy = work.output_gradients_;
  std::int64_t dy_row = 1, dy_column = work.stride_;
  if (!narrow_) {
    kernels_.transpose(shape_.outputs, rows, work.output_gradients_, work.stride_, work.rows_of_outputs_,
                       shape_.outputs);
    dy = work.rows_of_outputs_;
    dy_row = shape_.outputs;
    dy_column = 1;
  }
  for (std::size_t l = layers_.size(); l-- > (dx ? 0 : 1);) {
    const Layer& layer = layers_[l];
    const bool last = l + 1 == layers_.size(), first = l == 0;
    const float* inputs = first ? nullptr : work.hidden_[l - 1];
    const float* wt = weights.transposed_[l];
    // Where a ReLU is shut in every row, so is its derivative.
    const std::int32_t* used = last || shape_.layer_norm ? nullptr : work.used_[l].list();
    float* to = first ? dx : work.gradients_[l - 1];
    const std::int64_t stride = first ? layer.inputs : padded(layer.inputs);
    kernels_.input_gradient(rows, layer.inputs, used ? work.used_[l].count : layer.outputs, dy, dy_row, dy_column, wt,
                            padded(layer.inputs), first ? Activation::kNone : shape_.activation, inputs,
                            first ? nullptr : work.sums_[l - 1], stride, to, stride, used);
    if (!first && shape_.layer_norm) {
      const Layer& below = layers_[l - 1];
      kernels_.layer_norm_gradient(rows, layer.inputs, work.normal_[l - 1], stride, work.scales_[l - 1],
                                   parameters + below.gain, to, false, work.d_gains_[l - 1], work.d_shifts_[l - 1]);
    }
    dy = to;
    dy_row = stride;
    dy_column = 1;
  }
}

void FusedMlp::weight_gradients(const float* x, std::int64_t rows, const Workspace& work, Workspace& scratch,
                                bool accumulate, float* gradient, std::int64_t part, std::int64_t num_parts) const {
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    const std::int64_t first = layer.inputs * part / num_parts, last = layer.inputs * (part + 1) / num_parts;
    if (first == last) continue;
    const bool whole = last == layer.inputs;  // one part does what a layer has once
    weight_gradient(l, l == 0 ? x : work.hidden_[l - 1], rows, work, scratch, accumulate, gradient + layer.weight,
                    whole ? gradient + layer.bias : nullptr, first, last);
    if (!whole || layer.gain < 0) continue;
    for (auto [from, to] : {std::pair(work.d_gains_[l], layer.gain), {work.d_shifts_[l], layer.shift}}) {
      if (!accumulate) std::fill_n(gradient + to, layer.outputs, 0.0f);
      kernels_.add(layer.outputs, from, gradient + to);
    }
  }
}

void FusedMlp::weight_gradient(std::size_t l, const float* x, std::int64_t rows, const Workspace& work,
                               Workspace& scratch, bool accumulate, float* dw, float* db, std::int64_t first,
                               std::int64_t last) const {
  const Layer& layer = layers_[l];
  const std::int64_t outputs = layer.outputs, inputs = last - first;
  const std::int64_t stride = l == 0 ? layer.inputs : padded(layer.inputs);
  float* const to = dw + first * outputs;
  if (l + 1 == layers_.size()) {
    if (narrow_) {
      kernels_.narrow_weight_gradient(rows, inputs, outputs, x + first, stride, work.output_gradients_, work.stride_,
                                      accumulate, to, db, scratch.scratch_);
    } else {
      kernels_.weight_gradient(rows, inputs, outputs, x + first, stride, work.rows_of_outputs_, outputs, accumulate, to,
                               db);
    }
    return;
  }
  const float* dy = work.gradients_[l];
  const std::int64_t dy_stride = padded(outputs);
  const bool listed =
      shape_.activation == Activation::kRelu && !shape_.layer_norm && 2 * work.used_[l].count <= outputs;
  if (!listed) {
    kernels_.weight_gradient(rows, inputs, outputs, x + first, stride, dy, dy_stride, accumulate, to, db);
    return;
  }
  // Only weights between columns that are not empty have a gradient: these are packed, multiplied, and put in their
  // places.
  const Workspace::Columns& used = work.used_[l];
  const auto groups_of = [](std::int64_t columns) { return (columns + 15) / 16; };
  const std::int64_t dy_packed = packed_stride(used.count);
  kernels_.pack_columns(rows, groups_of(outputs), used.groups.data(), dy, dy_stride, scratch.packed_gradients_,
                        dy_packed);
  std::int64_t num_rows = inputs, x_stride = stride, list_from = 0;
  const std::int32_t* list = nullptr;  // rows of dw; null: all
  x += first;
  if (l > 0 && !work.used_[l - 1].all) {
    const Workspace::Columns& from = work.used_[l - 1];
    const auto begin = from.columns.begin(), end = begin + from.count;
    list_from = std::lower_bound(begin, end, static_cast<std::int32_t>(first)) - begin;
    num_rows = std::lower_bound(begin, end, static_cast<std::int32_t>(last)) - begin - list_from;
    list = from.columns.data() + list_from;
    x_stride = packed_stride(from.count);
    kernels_.pack_columns(rows, groups_of(layer.inputs), from.groups.data(), x - first, stride, scratch.packed_inputs_,
                          x_stride);
    x = scratch.packed_inputs_ + list_from;
  }
  float* const packed = scratch.packed_weights_;
  kernels_.weight_gradient(rows, num_rows, used.count, x, x_stride, scratch.packed_gradients_, dy_packed, false, packed,
                           db ? scratch.packed_bias_ : nullptr);
  std::int64_t next = first;  // row of dw
  auto clear_until = [&](std::int64_t row) {
    if (!accumulate) std::fill(dw + next * outputs, dw + row * outputs, 0.0f);
    next = row + 1;
  };
  for (std::int64_t k = 0; k < num_rows; ++k) {
    const std::int64_t row = list ? list[k] : first + k;
    clear_until(row);
    kernels_.unpack_row(outputs, used.groups.data(), packed + k * used.count, accumulate, dw + row * outputs);
  }
  clear_until(last);
  if (db) kernels_.unpack_row(outputs, used.groups.data(), scratch.packed_bias_, accumulate, db);
}

}  // namespace corvid
