// Networks without a tape against a plain network in double, whose gradients are central differences.
#include "core/nn/fused_mlp.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include "tests/simd/simd_testing.h"

namespace corvid::testing {
namespace {

/// The network of `shape` as plain loops in double.
class PlainMlp {
 public:
  explicit PlainMlp(const FusedMlp& mlp) : mlp_(mlp) {}

  /// y [outputs] for one row x [inputs].
  std::vector<double> operator()(const std::vector<double>& parameters, std::vector<double> x) const {
    for (std::size_t l = 0; l < mlp_.layers().size(); ++l) {
      const FusedMlp::Layer& layer = mlp_.layers()[l];
      std::vector<double> y;
      for (std::int64_t o = 0; o < layer.outputs; ++o) {
        double sum = parameters[static_cast<std::size_t>(layer.bias + o)];
        for (std::int64_t i = 0; i < layer.inputs; ++i)
          sum += x[static_cast<std::size_t>(i)] *
                 parameters[static_cast<std::size_t>(layer.weight + i * layer.outputs + o)];
        y.push_back(sum);
      }
      if (layer.gain >= 0) normalise(parameters, layer, y);
      if (l + 1 < mlp_.layers().size()) {
        for (double& number : y) number = activate(number);
      }
      x = std::move(y);
    }
    return x;
  }

 private:
  static void normalise(const std::vector<double>& parameters, const FusedMlp::Layer& layer, std::vector<double>& z) {
    const auto n = static_cast<double>(z.size());
    double mean = 0, variance = 0;
    for (const double number : z) mean += number / n;
    for (const double number : z) variance += (number - mean) * (number - mean) / n;
    for (std::size_t o = 0; o < z.size(); ++o) {
      z[o] = parameters[static_cast<std::size_t>(layer.gain) + o] * (z[o] - mean) / std::sqrt(variance + 1e-5) +
             parameters[static_cast<std::size_t>(layer.shift) + o];
    }
  }

  double activate(double x) const {
    switch (mlp_.shape().activation) {
      case Activation::kTanh: return std::tanh(x);
      case Activation::kRelu: return std::max(x, 0.0);
      case Activation::kSilu: return x / (1 + std::exp(-x));
      case Activation::kNone: break;
    }
    return x;
  }

  const FusedMlp& mlp_;
};

std::string description(const MlpShape& shape, Isa set, std::int64_t rows) {
  std::ostringstream text;
  text << isa_name(set) << ", activation " << static_cast<int>(shape.activation) << ", " << rows << " rows, "
       << shape.inputs << (shape.layer_norm ? " (layer norm)" : "");
  for (const std::int64_t width : shape.hidden) text << " x " << width;
  text << " x " << shape.outputs;
  return text.str();
}

/// Depth 0 to 4; last layers both narrow (few outputs on many inputs) and wide.
std::vector<MlpShape> shapes() {
  const std::vector<MlpShape> sizes = {{3, {}, 1},
                                       {1, {}, 20},
                                       {70, {}, 2},
                                       {4, {64}, 1},
                                       {5, {7}, 18},
                                       {17, {33, 64}, 3},
                                       {1, {1, 1}, 1},
                                       {6, {16, 31}, 40},
                                       {2, {9, 17, 64}, 5},
                                       {8, {24, 8, 5}, 33},
                                       {3, {10, 16, 5, 48}, 2},
                                       {5, {8, 17, 3, 12}, 21}};
  std::vector<MlpShape> result;
  for (MlpShape shape : sizes) {
    for (const Activation activation : {Activation::kTanh, Activation::kRelu, Activation::kSilu, Activation::kNone}) {
      shape.activation = activation;
      result.push_back(shape);
    }
  }
  // With layer normalisation; a layer of one is normalised to nothing but its shift.
  for (MlpShape shape : {MlpShape{4, {64}, 1}, MlpShape{17, {33, 64}, 3}, MlpShape{3, {1}, 2},
                         MlpShape{6, {16, 31}, 40}, MlpShape{8, {24, 100, 15}, 5}}) {
    for (const Activation activation : {Activation::kTanh, Activation::kRelu, Activation::kSilu, Activation::kNone}) {
      shape.activation = activation;
      shape.layer_norm = true;
      result.push_back(shape);
    }
  }
  return result;
}

/// Parameters in fenced memory: guards where the padding is, so that a network that reads it shows.
struct Network {
  Network(const MlpShape& shape, Isa set, Rng& rng)
      : mlp(shape, kernels(set)), parameters(mlp.num_parameters()), plain(mlp) {
    for (const FusedMlp::Layer& layer : mlp.layers()) {
      const double std = 1 / std::sqrt(static_cast<double>(layer.inputs));
      for (std::int64_t k = 0; k < layer.inputs * layer.outputs; ++k)
        parameters[layer.weight + k] = static_cast<float>(rng.normal(0, std));
      for (std::int64_t k = 0; k < layer.outputs; ++k)
        parameters[layer.bias + k] = static_cast<float>(rng.normal(0, 0.5));
      if (layer.gain < 0) continue;
      for (std::int64_t k = 0; k < layer.outputs; ++k) {
        parameters[layer.gain + k] = static_cast<float>(rng.normal(1, 0.2));
        parameters[layer.shift + k] = static_cast<float>(rng.normal(0, 0.5));
      }
    }
    for (std::int64_t k = 0; k < parameters.size(); ++k) numbers.push_back(parameters[k]);
  }

  std::vector<double> row(const Fenced<float>& x, std::int64_t r) const {
    const float* begin = x.data() + r * mlp.shape().inputs;
    return {begin, begin + mlp.shape().inputs};
  }

  FusedMlp mlp;
  Fenced<float> parameters;
  std::vector<double> numbers;  // the same
  PlainMlp plain;
};

TEST(FusedMlp, InferAndForwardEqualThePlainNetwork) {
  Rng rng(10);
  Comparisons all;
  for (const Isa set : instruction_sets()) {
    for (const MlpShape& shape : shapes()) {
      const Network network(shape, set, rng);
      FusedMlp::Workspace work(network.mlp, 37);  // one for all calls
      for (const std::int64_t rows : {37, 1, 16, 6}) {
        const std::string what = description(shape, set, rows);
        const Fenced<float> x(rows * shape.inputs, rng);
        Fenced<float> y(rows * shape.outputs), one(shape.outputs);
        network.mlp.infer(network.parameters.data(), x.data(), rows, y.data(), work);
        network.mlp.forward(network.parameters.data(), x.data(), rows, work);
        std::vector<float> outputs(work.outputs(), work.outputs() + shape.outputs * work.stride());
        for (std::int64_t r = 0; r < rows; ++r) {
          const std::vector<double> expected = network.plain(network.numbers, network.row(x, r));
          network.mlp.infer(network.parameters.data(), x.data() + r * shape.inputs, 1, one.data(), work);
          for (std::int64_t o = 0; o < shape.outputs; ++o) {
            const float found = y[r * shape.outputs + o];
            all.near(found, expected[static_cast<std::size_t>(o)], 5e-6, what, r, o);
            all.same_bits(outputs[static_cast<std::size_t>(o * work.stride() + r)], found, what, r, o);
            all.same_bits(one[o], found, "a row alone", what, r, o);
          }
        }
      }
    }
  }
  EXPECT_TRUE(all.hold());
}

/// L = sum(c y) for given c [rows, outputs].
struct WeightedSum {
  const Network& network;
  std::int64_t rows;
  const Fenced<float>& x;
  Fenced<float> c;

  WeightedSum(const Network& of, std::int64_t num_rows, const Fenced<float>& inputs, Rng& rng)
      : network(of), rows(num_rows), x(inputs), c(num_rows * of.mlp.shape().outputs, rng) {}

  double row_loss(const std::vector<double>& parameters, const std::vector<double>& input, std::int64_t r) const {
    const std::vector<double> y = network.plain(parameters, input);
    double sum = 0;
    for (std::size_t o = 0; o < y.size(); ++o)
      sum += y[o] * c[r * static_cast<std::int64_t>(y.size()) + static_cast<std::int64_t>(o)];
    return sum;
  }

  double by_parameter(std::int64_t k) const {
    constexpr double kStep = 1e-5;
    std::vector<double> more = network.numbers, less = more;
    more[static_cast<std::size_t>(k)] += kStep;
    less[static_cast<std::size_t>(k)] -= kStep;
    double difference = 0;
    for (std::int64_t r = 0; r < rows; ++r)
      difference += row_loss(more, network.row(x, r), r) - row_loss(less, network.row(x, r), r);
    return difference / (2 * kStep);
  }

  double by_input(std::int64_t r, std::int64_t i) const {
    constexpr double kStep = 1e-5;
    std::vector<double> more = network.row(x, r), less = more;
    more[static_cast<std::size_t>(i)] += kStep;
    less[static_cast<std::size_t>(i)] -= kStep;
    return (row_loss(network.numbers, more, r) - row_loss(network.numbers, less, r)) / (2 * kStep);
  }

  void write(FusedMlp::Workspace& work) const {
    const std::int64_t outputs = network.mlp.shape().outputs;
    std::fill_n(work.output_gradients(), outputs * work.stride(), std::bit_cast<float>(kGuardBits));
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t o = 0; o < outputs; ++o) work.output_gradients()[o * work.stride() + r] = c[r * outputs + o];
    }
  }
};

/// For each number of the flat parameters whether it is padding.
std::vector<bool> padding(const FusedMlp& mlp) {
  std::vector<bool> result(static_cast<std::size_t>(mlp.num_parameters()), true);
  for (const FusedMlp::Layer& layer : mlp.layers()) {
    std::fill_n(result.begin() + layer.weight, layer.inputs * layer.outputs, false);
    for (const std::int64_t place : {layer.bias, layer.gain, layer.shift}) {
      if (place >= 0) std::fill_n(result.begin() + place, layer.outputs, false);
    }
  }
  return result;
}

TEST(FusedMlp, BackwardEqualsCentralDifferences) {
  Rng rng(11);
  Comparisons all;
  for (const MlpShape& shape : shapes()) {
    for (const std::int64_t rows : {1, 7}) {
      const Network network(shape, Isa::kAvx2, rng);
      const Fenced<float> x(rows * shape.inputs, rng);
      const WeightedSum loss(network, rows, x, rng);
      const std::vector<bool> is_padding = padding(network.mlp);
      std::vector<double> expected(is_padding.size(), std::nan(""));
      // Every input and bias, and of the weights at most about 200 to save time.
      const std::int64_t every = std::max<std::int64_t>(1, network.mlp.num_parameters() / 200);
      for (std::int64_t k = rng.integers(0, every); k < network.mlp.num_parameters(); k += every) {
        if (!is_padding[static_cast<std::size_t>(k)]) expected[static_cast<std::size_t>(k)] = loss.by_parameter(k);
      }
      for (const FusedMlp::Layer& layer : network.mlp.layers()) {
        for (std::int64_t o = 0; o < layer.outputs; ++o)
          expected[static_cast<std::size_t>(layer.bias + o)] = loss.by_parameter(layer.bias + o);
      }
      std::vector<double> dx_expected;
      for (std::int64_t k = 0; k < x.size(); ++k)
        dx_expected.push_back(loss.by_input(k / shape.inputs, k % shape.inputs));

      for (const Isa set : instruction_sets()) {
        const std::string what = description(shape, set, rows);
        const FusedMlp mlp(shape, kernels(set));
        FusedMlp::Workspace work(mlp, rows == 1 ? 1 : 20);
        mlp.forward(network.parameters.data(), x.data(), rows, work);
        loss.write(work);
        Fenced<float> gradient(mlp.num_parameters()), dx(x.size());
        mlp.backward(network.parameters.data(), x.data(), rows, work, false, gradient.data(), dx.data());
        for (std::size_t k = 0; k < expected.size(); ++k) {
          const float found = gradient[static_cast<std::int64_t>(k)];
          all.is_true(is_padding[k] == is_guard(found), "padding written or a gradient missing", what, k);
          if (!std::isnan(expected[k]))
            all.near(found, expected[k], 2e-5 * (1 + std::abs(expected[k])), what, "parameter", k);
        }
        for (std::size_t k = 0; k < dx_expected.size(); ++k) {
          all.near(dx[static_cast<std::int64_t>(k)], dx_expected[k], 2e-5 * (1 + std::abs(dx_expected[k])), what,
                   "input", k);
        }
      }
    }
  }
  EXPECT_TRUE(all.hold());
}

TEST(FusedMlp, BackwardAccumulatesAndLeavesOutWhatIsNotWanted) {
  Rng rng(12);
  Comparisons all;
  for (const Isa set : instruction_sets()) {
    for (const MlpShape& shape : shapes()) {
      constexpr std::int64_t kRows = 19;
      const std::string what = description(shape, set, kRows);
      const Network network(shape, set, rng);
      const Fenced<float> x(kRows * shape.inputs, rng);
      const WeightedSum loss(network, kRows, x, rng);
      FusedMlp::Workspace work(network.mlp, kRows);
      auto backward = [&](bool accumulate, float* gradient, float* dx) {
        network.mlp.forward(network.parameters.data(), x.data(), kRows, work);
        loss.write(work);
        network.mlp.backward(network.parameters.data(), x.data(), kRows, work, accumulate, gradient, dx);
      };
      Fenced<float> once(network.mlp.num_parameters()), alone(once.size()), twice(once.size());
      Fenced<float> dx(x.size()), dx_alone(x.size());
      backward(false, once.data(), dx.data());
      backward(false, alone.data(), nullptr);
      backward(false, nullptr, dx_alone.data());
      backward(false, twice.data(), nullptr);
      backward(true, twice.data(), nullptr);
      for (std::int64_t k = 0; k < once.size(); ++k) {
        all.same_bits(alone[k], once[k], "without dx", what, k);
        if (is_guard(once[k]))
          all.same_bits(twice[k], once[k], "padding", what, k);
        else
          all.near(twice[k], 2 * static_cast<double>(once[k]), 0, "twice", what, k);
      }
      for (std::int64_t k = 0; k < dx.size(); ++k) all.same_bits(dx_alone[k], dx[k], "without gradient", what, k);
    }
  }
  EXPECT_TRUE(all.hold());
}

TEST(FusedMlp, LayersBeginOnLinesOf64Bytes) {
  const FusedMlp mlp({3, {5, 33}, 2, Activation::kTanh});
  // weight 15 -> 16, bias 5 -> 16, weight 165 -> 176, bias 33 -> 48, weight 66 -> 80, bias 2 -> 16
  ASSERT_EQ(mlp.layers().size(), 3u);
  EXPECT_EQ(mlp.layers()[0].bias, 16);
  EXPECT_EQ(mlp.layers()[1].weight, 32);
  EXPECT_EQ(mlp.layers()[1].bias, 208);
  EXPECT_EQ(mlp.layers()[2].weight, 256);
  EXPECT_EQ(mlp.layers()[2].bias, 336);
  EXPECT_EQ(mlp.num_parameters(), 352);
}

TEST(FusedMlp, GainAndShiftFollowTheBiasOfHiddenLayers) {
  const FusedMlp mlp({3, {5, 17}, 2, Activation::kTanh, true});
  // weight 15 -> 16, bias, gain, shift 5 -> 16; weight 85 -> 96, bias, gain, shift 17 -> 32; weight 34 -> 48, bias 2 ->
  // 16
  EXPECT_EQ(mlp.layers()[0].gain, 32);
  EXPECT_EQ(mlp.layers()[0].shift, 48);
  EXPECT_EQ(mlp.layers()[1].weight, 64);
  EXPECT_EQ(mlp.layers()[1].gain, 192);
  EXPECT_EQ(mlp.layers()[1].shift, 224);
  EXPECT_EQ(mlp.layers()[2].weight, 256);
  EXPECT_EQ(mlp.layers()[2].gain, -1);
  EXPECT_EQ(mlp.num_parameters(), 320);
}

TEST(FusedMlp, ByHand) {
  // x = 2, hidden relu(2 * (1, -1) + (0.5, 0)) = (2.5, 0), y = 3 * 2.5 + 4 * 0 - 1 = 6.5.  With dL/dy = 1:
  // dy/dw2 = (2.5, 0), dy/db2 = 1, dy/dw1 = (3 * 2, 0), dy/db1 = (3, 0), dy/dx = 3
  for (const Isa set : instruction_sets()) {
    const FusedMlp mlp({1, {2}, 1, Activation::kRelu}, kernels(set));
    std::vector<float> p(64), g(64);
    p[0] = 1, p[1] = -1, p[16] = 0.5f, p[32] = 3, p[33] = 4, p[48] = -1;
    const float x = 2;
    float dx = 0;
    FusedMlp::Workspace work(mlp, 1);
    mlp.forward(p.data(), &x, 1, work);
    EXPECT_EQ(work.outputs()[0], 6.5f);
    work.output_gradients()[0] = 1;
    mlp.backward(p.data(), &x, 1, work, false, g.data(), &dx);
    std::vector<float> expected(64);
    expected[0] = 6, expected[16] = 3, expected[32] = 2.5f, expected[48] = 1;
    EXPECT_EQ(g, expected);
    EXPECT_EQ(dx, 3);
  }
}

}  // namespace
}  // namespace corvid::testing
