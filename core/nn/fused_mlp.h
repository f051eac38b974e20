// Fully connected networks without a tape: explicit forward and backward passes over flat parameters, in memory that is
// allocated once. No LibTorch; `Mlp` gives the same network to LibTorch's autograd.
#pragma once

#include <memory>
#include <vector>

#include "core/nn/kernels.h"

namespace corvid {

/// Parameters begin on lines of 64 bytes: in flat memory each of a layer's parameters is padded to a multiple of 16
/// floats.
inline constexpr std::int64_t kParameterAlignment = 16;

inline std::int64_t padded(std::int64_t floats) {
  return (floats + kParameterAlignment - 1) / kParameterAlignment * kParameterAlignment;
}

struct MlpShape {
  std::int64_t inputs = 0;
  std::vector<std::int64_t> hidden;
  std::int64_t outputs = 0;
  Activation activation = Activation::kTanh;
  bool layer_norm = false;  // between each hidden layer's sums and the activation (Ba et al. 2016)
};

class FusedMlp {
 public:
  explicit FusedMlp(const MlpShape& shape, const Kernels& kernels = corvid::kernels());

  const MlpShape& shape() const { return shape_; }
  std::int64_t num_parameters() const { return num_parameters_; }  // floats, padding included

  /// Where the weight [inputs, outputs] and the bias of a layer begin, from the network's first parameter, and with
  /// layer normalisation the hidden layers' gain and shift [outputs].
  struct Layer {
    std::int64_t inputs, outputs;
    std::int64_t weight, bias;
    std::int64_t gain = -1, shift = -1;  // -1: not there
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
    std::vector<float*> hidden_, sums_;       // [rows, width] of each hidden layer; sums of SiLU alone
    std::vector<float*> normal_;              // [rows, width] with layer normalisation: what gain and shift apply to
    std::vector<float*> scales_;              // [rows] its 1 / standard deviation
    std::vector<float*> gradients_;           // [rows, width] by the sums of each hidden layer
    std::vector<float*> d_gains_, d_shifts_;  // [width] with layer normalisation
    std::vector<float*> transposed_;          // weights [outputs, inputs] of each layer
    float *outputs_, *output_gradients_;
    float* rows_of_outputs_;  // [rows, outputs], for last layers that are not narrow
    float* scratch_;
    float *packed_inputs_, *packed_gradients_, *packed_weights_, *packed_bias_;  // of a product without empty columns

    /// Columns of a layer's outputs that are not zero in every row.
    struct Columns {
      const std::int32_t* list() const { return all ? nullptr : columns.data(); }
      std::vector<std::int32_t> columns;
      std::vector<std::uint16_t> groups;  // the same as bits
      std::int64_t count = 0;
      bool all = true;  // so many of them that leaving the others out does not pay
    };
    std::vector<Columns> used_;  // of each hidden layer
  };

  /// Writes y [rows, outputs] for x [rows, inputs].
  void infer(const float* parameters, const float* x, std::int64_t rows, float* y, Workspace& work) const;

  /// Leaves outputs, and what `backward` needs, in `work`.
  void forward(const float* parameters, const float* x, std::int64_t rows, Workspace& work) const;

  /// From work.output_gradients() to the gradient of the parameters, written or added, and, where `dx` is not null, of
  /// the inputs [rows, inputs]. Without `gradient` only the latter. `parameters`, `x` and `work` are those of
  /// `forward`.
  void backward(const float* parameters, const float* x, std::int64_t rows, Workspace& work, bool accumulate,
                float* gradient, float* dx = nullptr) const;

  // The two halves of `backward`, for threads that share a batch: first each one its rows, then each one a part of the
  // weights.

  /// From work.output_gradients() to the derivatives by every layer's sums, which stay in `work`, and by x where `dx`
  /// is not null. Reads the transposed weights in `weights`.
  void backward_rows(const float* parameters, std::int64_t rows, Workspace& work, const Workspace& weights,
                     float* dx = nullptr) const;

  /// Leaves the weights transposed in `work`, as backward_rows reads them; the first layer's only for derivatives by x.
  void transpose_weights(const float* parameters, bool first_layer, Workspace& work) const;

  /// The gradient of the parameters, of every layer the weights of one `num_parts`-th of its inputs. `scratch` is a
  /// workspace of the calling thread, and may be `work`.
  void weight_gradients(const float* x, std::int64_t rows, const Workspace& work, Workspace& scratch, bool accumulate,
                        float* gradient, std::int64_t part = 0, std::int64_t num_parts = 1) const;

 private:
  /// All but the last layer; returns what enters the last one and its stride.
  const float* hidden_layers(const float* parameters, const float* x, std::int64_t rows, Workspace& work) const;
  /// Of one layer, the weights of inputs [first, last); dw, and db unless null, are those of the layer.
  void weight_gradient(std::size_t l, const float* x, std::int64_t rows, const Workspace& work, Workspace& scratch,
                       bool accumulate, float* dw, float* db, std::int64_t first, std::int64_t last) const;

  /// The whole forward pass; element (row, output) goes to row * y_row + output * y_column, where only a narrow last
  /// layer takes a y_column other than 1.
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
