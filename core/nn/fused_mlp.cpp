#include "core/nn/fused_mlp.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "core/base/check.h"

namespace corvid {

FusedMlp::FusedMlp(const MlpShape& shape, const Kernels& kernels) : shape_(shape), kernels_(kernels) {
  CORVID_CHECK(shape.inputs > 0 && shape.outputs > 0, "a network needs inputs and outputs");
  std::int64_t inputs = shape.inputs;
  auto add_layer = [&](std::int64_t outputs) {
    const std::int64_t weight = num_parameters_, bias = weight + padded(inputs * outputs);
    layers_.push_back({inputs, outputs, weight, bias});
    num_parameters_ = bias + padded(outputs);
    inputs = outputs;
  };
  for (std::int64_t width : shape.hidden) {
    CORVID_CHECK(width > 0, "a layer needs a width");
    add_layer(width);
    widest_ = std::max(widest_, width);
  }
  add_layer(shape.outputs);
  // A row costs a narrow layer outputs * (inputs / 16 vectors + a sum over one), any other layer inputs * (outputs / 16).
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
    hidden_.clear(), sums_.clear(), transposed_.clear();
    for (std::int64_t width : mlp.shape_.hidden) {
      hidden_.push_back(take(rows * padded(width)));
      sums_.push_back(silu ? take(rows * padded(width)) : nullptr);
    }
    for (const Layer& layer : mlp.layers_) transposed_.push_back(take(layer.outputs * padded(layer.inputs)));
    outputs_ = take(mlp.shape_.outputs * stride_);
    output_gradients_ = take(mlp.shape_.outputs * stride_);
    rows_of_outputs_ = mlp.narrow_ ? nullptr : take(rows * mlp.shape_.outputs);
    for (float*& gradients : gradients_) gradients = take(rows * padded(mlp.widest_));
    scratch_ = take(mlp.narrow_ ? mlp.shape_.outputs * (mlp.layers_.back().inputs + 16) : 0);
  };
  lay_out();
  const std::size_t bytes = static_cast<std::size_t>(std::max<std::int64_t>(used, kParameterAlignment)) * sizeof(float);
  memory = static_cast<float*>(std::aligned_alloc(64, bytes));
  if (!memory) throw std::bad_alloc();
  memory_.reset(memory);
  lay_out();
}

const float* FusedMlp::hidden_layers(const float* parameters, const float* x, std::int64_t rows,
                                     Workspace& work) const {
  CORVID_DCHECK(rows <= work.rows_, "more rows than the workspace holds");
  std::int64_t stride = shape_.inputs;
  for (std::size_t l = 0; l + 1 < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    kernels_.forward(rows, layer.inputs, layer.outputs, x, stride, parameters + layer.weight, parameters + layer.bias,
                     shape_.activation, work.hidden_[l], padded(layer.outputs), work.sums_[l]);
    x = work.hidden_[l];
    stride = padded(layer.outputs);
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
    kernels_.forward(rows, last.inputs, last.outputs, last_inputs, stride, weight, bias, Activation::kNone, y, y_row,
                     nullptr);
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
  for (std::size_t l = layers_.size(); l-- > 0;) {
    const Layer& layer = layers_[l];
    const bool last = l + 1 == layers_.size();
    const float* inputs = l == 0 ? x : work.hidden_[l - 1];
    const std::int64_t stride = l == 0 ? layer.inputs : padded(layer.inputs);
    if (gradient) {
      float *dw = gradient + layer.weight, *db = gradient + layer.bias;
      if (last && narrow_) {
        kernels_.narrow_weight_gradient(rows, layer.inputs, layer.outputs, inputs, stride, dy, dy_column, accumulate,
                                        dw, db, work.scratch_);
      } else {
        kernels_.weight_gradient(rows, layer.inputs, layer.outputs, inputs, stride, dy, dy_row, accumulate, dw, db);
      }
    }
    if (l == 0 && !dx) return;
    float* wt = work.transposed_[l];
    if (!(last && narrow_))
      kernels_.transpose(layer.inputs, layer.outputs, parameters + layer.weight, layer.outputs, wt,
                         padded(layer.inputs));
    float* to = l == 0 ? dx : work.gradients_[l % 2];
    kernels_.input_gradient(rows, layer.inputs, layer.outputs, dy, dy_row, dy_column, wt, padded(layer.inputs),
                            l == 0 ? Activation::kNone : shape_.activation, l == 0 ? nullptr : inputs,
                            l == 0 ? nullptr : work.sums_[l - 1], stride, to, l == 0 ? layer.inputs : stride);
    dy = to;
    dy_row = stride;
    dy_column = 1;
  }
}

}  // namespace corvid
