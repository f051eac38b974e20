// Fully connected networks without a tape: explicit forward and backward passes over flat parameters, in memory that is
// allocated once. No LibTorch; `Mlp` gives the same network to LibTorch's autograd.
#pragma once

#include <memory>
#include <vector>

#include "core/nn/kernels.h"

namespace corvid {

/// Parameters begin on lines of 64 bytes: in flat memory each weight and bias is padded to a multiple of 16 floats.
inline constexpr std::int64_t kParameterAlignment = 16;

inline std::int64_t padded(std::int64_t floats) {
  return (floats + kParameterAlignment - 1) / kParameterAlignment * kParameterAlignment;
}

struct MlpShape {
  std::int64_t inputs = 0;
  std::vector<std::int64_t> hidden;
  std::int64_t outputs = 0;
  Activation activation = Activation::kTanh;
};

class FusedMlp {
 public:
  explicit FusedMlp(const MlpShape& shape, const Kernels& kernels = corvid::kernels());

  const MlpShape& shape() const { return shape_; }
  std::int64_t num_parameters() const { return num_parameters_; }  // floats, padding included

  /// Where the weight [inputs, outputs] and the bias of a layer begin, from the network's first parameter.
  struct Layer {
    std::int64_t inputs, outputs;
    std::int64_t weight, bias;
  };
  const std::vector<Layer>& layers() const { return layers_; }

  /// Memory of one thread for passes of at most `rows` rows.
  class Workspace {
   public:
    Workspace(const FusedMlp& mlp, std::int64_t rows);
    std::int64_t rows() const { return rows_; }
    std::int64_t stride() const { return stride_; }  // from one column to the next

    // Outputs of `forward`, and the loss's derivatives by them for `backward`; by columns, [outputs, stride()].
    float* outputs() { return outputs_; }
    float* output_gradients() { return output_gradients_; }

   private:
    friend class FusedMlp;
    std::int64_t rows_, stride_;
    struct Free {
      void operator()(float* memory) const;
    };
    std::unique_ptr<float[], Free> memory_;
    std::vector<float*> hidden_, sums_;  // [rows, width] of each hidden layer; sums of SiLU alone
    std::vector<float*> transposed_;     // weights [outputs, inputs] of each layer
    float *outputs_, *output_gradients_;
    float* rows_of_outputs_;  // [rows, outputs], for last layers that are not narrow
    float* gradients_[2];     // [rows, widest]
    float* scratch_;
  };

  /// Writes y [rows, outputs] for x [rows, inputs].
  void infer(const float* parameters, const float* x, std::int64_t rows, float* y, Workspace& work) const;

  /// Leaves outputs, and what `backward` needs, in `work`.
  void forward(const float* parameters, const float* x, std::int64_t rows, Workspace& work) const;

  /// From work.output_gradients() to the gradient of the parameters, written or added, and, where `dx` is not null, of the
  /// inputs [rows, inputs]. Without `gradient` only the latter. `parameters`, `x` and `work` are those of `forward`.
  void backward(const float* parameters, const float* x, std::int64_t rows, Workspace& work, bool accumulate,
                float* gradient, float* dx = nullptr) const;

 private:
  /// All but the last layer; returns what enters the last one and its stride.
  const float* hidden_layers(const float* parameters, const float* x, std::int64_t rows, Workspace& work) const;
  /// The whole forward pass; element (row, output) goes to row * y_row + output * y_column, where only a narrow last layer
  /// takes a y_column other than 1.
  void run_layers(const float* parameters, const float* x, std::int64_t rows, Workspace& work, float* y,
                  std::int64_t y_row, std::int64_t y_column) const;

  MlpShape shape_;
  const Kernels& kernels_;
  std::vector<Layer> layers_;
  std::int64_t num_parameters_ = 0;
  std::int64_t widest_ = 0;  // hidden layer
  bool narrow_;              // the last layer has so few outputs that vectors run along its inputs
};

}  // namespace corvid
