// ReLU networks leave out the columns that are empty in a whole batch: the result is the same, bit for bit where sums
// are the same, as with all columns.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "core/nn/fused_mlp.h"
#include "tests/simd/simd_testing.h"

namespace corvid::testing {
namespace {

constexpr std::int64_t kWidths[] = {1, 7, 15, 16, 17, 33, 64, 100};

/// Numbers [rows, columns] with every column empty whose entry in `empty` is set.
std::vector<float> with_empty_columns(std::int64_t rows, const std::vector<bool>& empty, std::int64_t stride,
                                      Rng& rng) {
  std::vector<float> x(static_cast<std::size_t>(rows * stride));
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < empty.size(); ++c)
      x[static_cast<std::size_t>(r * stride) + c] = empty[c] ? 0.0f : static_cast<float>(rng.standard_normal());
  }
  return x;
}

std::vector<bool> some_of(std::int64_t width, double share, Rng& rng) {
  std::vector<bool> some;
  for (std::int64_t c = 0; c < width; ++c) some.push_back(rng.random() < share);
  return some;
}

TEST(EmptyColumns, AreLeftOutOfTheList) {
  Rng rng(1);
  for (const Isa set : instruction_sets()) {
    for (const std::int64_t width : kWidths) {
      const std::int64_t rows = 5, stride = padded(width);
      const std::vector<bool> empty = some_of(width, 0.5, rng);
      std::vector<float> x = with_empty_columns(rows, empty, stride, rng);
      std::vector<std::int32_t> list(static_cast<std::size_t>(width)), expected;
      std::vector<std::uint16_t> groups(static_cast<std::size_t>((width + 15) / 16), 0xffff);
      for (std::size_t c = 0; c < empty.size(); ++c) {
        if (!empty[c]) expected.push_back(static_cast<std::int32_t>(c));
      }
      list.resize(static_cast<std::size_t>(
          kernels(set).nonzero_columns(rows, width, x.data(), stride, list.data(), groups.data())));
      EXPECT_EQ(list, expected) << isa_name(set) << " width " << width;
      for (std::size_t c = 0; c < empty.size(); ++c)
        EXPECT_EQ(groups[c / 16] >> c % 16 & 1, !empty[c]) << isa_name(set) << " width " << width << " column " << c;
    }
  }
}

TEST(EmptyColumns, NanIsNotEmpty) {
  for (const Isa set : instruction_sets()) {
    std::vector<float> x(32);
    x[3] = std::numeric_limits<float>::quiet_NaN();
    x[16 + 5] = -1;
    std::vector<std::int32_t> list(16);
    std::uint16_t group = 0;
    ASSERT_EQ(kernels(set).nonzero_columns(2, 16, x.data(), 16, list.data(), &group), 2) << isa_name(set);
    EXPECT_EQ(list[0], 3);
    EXPECT_EQ(list[1], 5);
  }
}

TEST(EmptyColumns, PackedColumnsComeBackToTheirPlaces) {
  Rng rng(2);
  for (const Isa set : instruction_sets()) {
    for (const std::int64_t width : kWidths) {
      const std::int64_t rows = 3, stride = padded(width), packed_stride = padded(width) + 16;
      const std::vector<bool> empty = some_of(width, 0.6, rng);
      const std::vector<float> x = with_empty_columns(rows, empty, stride, rng);
      std::vector<std::int32_t> list(static_cast<std::size_t>(width));
      std::vector<std::uint16_t> groups(static_cast<std::size_t>((width + 15) / 16));
      const std::int64_t count =
          kernels(set).nonzero_columns(rows, width, x.data(), stride, list.data(), groups.data());
      std::vector<float> packed(static_cast<std::size_t>(rows * packed_stride));
      kernels(set).pack_columns(rows, static_cast<std::int64_t>(groups.size()), groups.data(), x.data(), stride,
                                packed.data(), packed_stride);
      for (std::int64_t r = 0; r < rows; ++r) {
        for (std::int64_t k = 0; k < count; ++k)
          EXPECT_EQ(packed[static_cast<std::size_t>(r * packed_stride + k)],
                    x[static_cast<std::size_t>(r * stride + list[static_cast<std::size_t>(k)])]);
        std::vector<float> row(static_cast<std::size_t>(width) + 1, 7);
        kernels(set).unpack_row(width, groups.data(), packed.data() + r * packed_stride, false, row.data());
        for (std::int64_t c = 0; c < width; ++c)
          EXPECT_EQ(row[static_cast<std::size_t>(c)], x[static_cast<std::size_t>(r * stride + c)]);
        kernels(set).unpack_row(width, groups.data(), packed.data() + r * packed_stride, true, row.data());
        for (std::int64_t c = 0; c < width; ++c)
          EXPECT_EQ(row[static_cast<std::size_t>(c)], 2 * x[static_cast<std::size_t>(r * stride + c)]);
        EXPECT_EQ(row.back(), 7) << "written behind the row, width " << width;
      }
    }
  }
}

TEST(EmptyColumns, ProductsWithAListEqualThoseOfAllColumns) {
  Rng rng(3);
  for (const Isa set : instruction_sets()) {
    for (const std::int64_t width : kWidths) {
      for (const std::int64_t rows : {1, 6, 13}) {
        const std::int64_t outputs = 37, stride = padded(width);
        const std::vector<bool> empty = some_of(width, 0.5, rng);
        const std::vector<float> x = with_empty_columns(rows, empty, stride, rng);
        std::vector<std::int32_t> list;
        for (std::size_t c = 0; c < empty.size(); ++c) {
          if (!empty[c]) list.push_back(static_cast<std::int32_t>(c));
        }
        const auto listed = static_cast<std::int64_t>(list.size());
        list.push_back(0);  // so that an empty list is a list
        const Matrix w(width, outputs, outputs, rng), bias(1, outputs, outputs, rng);
        std::vector<float> all(static_cast<std::size_t>(rows * outputs)), some(all.size());
        kernels(set).forward(rows, width, outputs, x.data(), stride, w.data(), bias.data(), Activation::kRelu,
                             all.data(), outputs, nullptr, nullptr);
        kernels(set).forward(rows, listed, outputs, x.data(), stride, w.data(), bias.data(), Activation::kRelu,
                             some.data(), outputs, nullptr, list.data());
        EXPECT_EQ(all, some) << isa_name(set) << " forward, width " << width << " rows " << rows;
        // x as dy, w as the transposed weights of a layer with 37 inputs.
        kernels(set).input_gradient(rows, outputs, width, x.data(), stride, 1, w.data(), outputs, Activation::kNone,
                                    nullptr, nullptr, outputs, all.data(), outputs, nullptr);
        kernels(set).input_gradient(rows, outputs, listed, x.data(), stride, 1, w.data(), outputs, Activation::kNone,
                                    nullptr, nullptr, outputs, some.data(), outputs, list.data());
        EXPECT_EQ(all, some) << isa_name(set) << " input_gradient, width " << width << " rows " << rows;
      }
    }
  }
}

/// A ReLU network most of whose columns are shut by their biases, so that every way around empty columns is taken.
std::vector<float> shut_parameters(const FusedMlp& mlp, double share, Rng& rng) {
  std::vector<float> parameters(static_cast<std::size_t>(mlp.num_parameters()));
  for (std::size_t l = 0; l < mlp.layers().size(); ++l) {
    const FusedMlp::Layer& layer = mlp.layers()[l];
    for (std::int64_t k = 0; k < layer.inputs * layer.outputs; ++k)
      parameters[static_cast<std::size_t>(layer.weight + k)] = static_cast<float>(0.3 * rng.standard_normal());
    for (std::int64_t k = 0; k < layer.outputs; ++k)
      parameters[static_cast<std::size_t>(layer.bias + k)] =
          l + 1 < mlp.layers().size() && rng.random() < share ? -100.0f : static_cast<float>(rng.random());
  }
  return parameters;
}

/// Gradient by plain loops in double.
std::vector<double> plain_gradient(const FusedMlp& mlp, const std::vector<float>& p, const std::vector<float>& x,
                                   std::int64_t rows, const std::vector<float>& dy) {
  std::vector<double> gradient(p.size());
  for (std::int64_t row = 0; row < rows; ++row) {
    std::vector<std::vector<double>> values = {
        {x.begin() + row * mlp.shape().inputs, x.begin() + (row + 1) * mlp.shape().inputs}};
    for (std::size_t l = 0; l < mlp.layers().size(); ++l) {
      const FusedMlp::Layer& layer = mlp.layers()[l];
      std::vector<double> y;
      for (std::int64_t o = 0; o < layer.outputs; ++o) {
        double sum = p[static_cast<std::size_t>(layer.bias + o)];
        for (std::int64_t i = 0; i < layer.inputs; ++i)
          sum += values[l][static_cast<std::size_t>(i)] *
                 p[static_cast<std::size_t>(layer.weight + i * layer.outputs + o)];
        y.push_back(l + 1 < mlp.layers().size() ? std::max(sum, 0.0) : sum);
      }
      values.push_back(y);
    }
    const std::int64_t outputs = mlp.shape().outputs;
    std::vector<double> d(dy.begin() + row * outputs, dy.begin() + (row + 1) * outputs);
    for (std::size_t l = mlp.layers().size(); l-- > 0;) {
      const FusedMlp::Layer& layer = mlp.layers()[l];
      std::vector<double> below(static_cast<std::size_t>(layer.inputs));
      for (std::int64_t o = 0; o < layer.outputs; ++o) {
        const double from = d[static_cast<std::size_t>(o)];
        gradient[static_cast<std::size_t>(layer.bias + o)] += from;
        for (std::int64_t i = 0; i < layer.inputs; ++i) {
          const auto at = static_cast<std::size_t>(layer.weight + i * layer.outputs + o);
          gradient[at] += from * values[l][static_cast<std::size_t>(i)];
          if (l > 0 && values[l][static_cast<std::size_t>(i)] > 0) below[static_cast<std::size_t>(i)] += from * p[at];
        }
      }
      d = below;
    }
  }
  return gradient;
}

TEST(EmptyColumns, GradientsEqualPlainLoopsInWholeAndInParts) {
  Rng rng(4);
  for (const Isa set : instruction_sets()) {
    for (const double share : {0.0, 0.3, 0.7, 1.0}) {
      for (const std::int64_t outputs : {2, 40}) {
        const FusedMlp mlp({.inputs = 5, .hidden = {33, 64, 50}, .outputs = outputs, .activation = Activation::kRelu},
                           kernels(set));
        const std::int64_t rows = 9;
        const std::vector<float> parameters = shut_parameters(mlp, share, rng);
        const Matrix x(rows, 5, 5, rng), dy(rows, outputs, outputs, rng);
        const std::vector<float> inputs(x.data(), x.data() + rows * 5), given(dy.data(), dy.data() + rows * outputs);
        const std::vector<double> expected = plain_gradient(mlp, parameters, inputs, rows, given);

        FusedMlp::Workspace work(mlp, rows);
        std::vector<float> y(static_cast<std::size_t>(rows * outputs)), whole(parameters.size(), 3), parts(whole);
        mlp.forward(parameters.data(), inputs.data(), rows, work);
        for (std::int64_t r = 0; r < rows; ++r) {
          for (std::int64_t o = 0; o < outputs; ++o)
            work.output_gradients()[o * work.stride() + r] = given[static_cast<std::size_t>(r * outputs + o)];
        }
        mlp.backward(parameters.data(), inputs.data(), rows, work, false, whole.data());
        for (std::int64_t part = 0; part < 3; ++part)
          mlp.weight_gradients(inputs.data(), rows, work, work, false, parts.data(), part, 3);
        for (const FusedMlp::Layer& layer : mlp.layers()) {
          for (std::int64_t k = layer.weight; k < layer.bias + layer.outputs; ++k) {
            if (k >= layer.weight + layer.inputs * layer.outputs && k < layer.bias) continue;  // padding
            const auto at = static_cast<std::size_t>(k);
            ASSERT_NEAR(whole[at], expected[at], 2e-4 * (1 + std::abs(expected[at])))
                << isa_name(set) << " share " << share << " at " << k;
            ASSERT_EQ(whole[at], parts[at]) << isa_name(set) << " share " << share << " at " << k;
          }
        }
        // Twice is double.
        std::vector<float> twice = whole;
        mlp.weight_gradients(inputs.data(), rows, work, work, true, twice.data());
        for (const FusedMlp::Layer& layer : mlp.layers()) {
          for (std::int64_t k = 0; k < layer.outputs; ++k) {
            const auto at = static_cast<std::size_t>(layer.bias + k);
            ASSERT_NEAR(twice[at], 2 * whole[at], 1e-5 * (1 + std::abs(whole[at])));
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace corvid::testing
