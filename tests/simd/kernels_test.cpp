// Matrix products of the vector kernels against plain loops in double, for every instruction set at hand.
#include "core/nn/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "tests/simd/simd_testing.h"

namespace corvid::testing {
namespace {

constexpr std::int64_t kMostRows = 129;
constexpr std::int64_t kRows[] = {kMostRows, 64, 13, 7, 6, 5, 4, 3, 2, 1};
constexpr std::int64_t kWidths[] = {1, 2, 3, 5, 8, 15, 16, 17, 31, 33, 48, 64, 65, 100};
constexpr std::int64_t kNarrowWidths[] = {1, 2, 3, 4, 5, 8, 17};
constexpr Activation kActivations[] = {Activation::kTanh, Activation::kRelu, Activation::kSilu, Activation::kNone};

// A chain of at most 129 additions of floats errs by less than this share of the sum of the terms' sizes.
constexpr double kShare = 2e-6;

double activate(Activation activation, double x) {
  switch (activation) {
    case Activation::kTanh: return std::tanh(x);
    case Activation::kRelu: return std::max(x, 0.0);
    case Activation::kSilu: return x / (1 + std::exp(-x));
    case Activation::kNone: break;
  }
  return x;
}

double slope_at(Activation activation, double x) {
  const double s = 1 / (1 + std::exp(-x));
  switch (activation) {
    case Activation::kTanh: return 1 - std::tanh(x) * std::tanh(x);
    case Activation::kRelu: return x > 0 ? 1 : 0;
    case Activation::kSilu: return s + x * s * (1 - s);
    case Activation::kNone: break;
  }
  return 1;
}

/// sum over k of left(row, k) * right(k, column), and the sum of the terms' sizes, which bounds the error.
struct Sum {
  double value = 0, size = 0;
};

/// All sums [rows, columns] of a product, in double.
class Product {
 public:
  template <class Left, class Right>
  Product(std::int64_t rows, std::int64_t columns, std::int64_t num_terms, Left&& left, Right&& right)
      : columns_(columns), sums_(static_cast<std::size_t>(rows * columns)) {
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t k = 0; k < num_terms; ++k) {
        const double factor = left(r, k);
        for (std::int64_t c = 0; c < columns; ++c) {
          Sum& sum = sums_[static_cast<std::size_t>(r * columns + c)];
          const double term = factor * right(k, c);
          sum.value += term;
          sum.size += std::abs(term);
        }
      }
    }
  }
  const Sum& operator()(std::int64_t row, std::int64_t column) const {
    return sums_[static_cast<std::size_t>(row * columns_ + column)];
  }

 private:
  std::int64_t columns_;
  std::vector<Sum> sums_;
};

/// Where element (row, column) of a matrix lies that is stored by rows or by columns.
struct Layout {
  bool by_columns;
  std::int64_t stride;
  std::int64_t row_step() const { return by_columns ? 1 : stride; }
  std::int64_t column_step() const { return by_columns ? stride : 1; }
};

float& element(Matrix& m, const Layout& layout, std::int64_t row, std::int64_t column) {
  return m.data()[row * layout.row_step() + column * layout.column_step()];
}

TEST(Kernels, ForwardEqualsPlainLoopsWhateverTheNumberOfRows) {
  Rng rng(1);
  Comparisons all;
  for (const std::int64_t inputs : kWidths) {
    for (const std::int64_t outputs : kWidths) {
      const Matrix x(kMostRows, inputs, inputs + 3, rng);
      const Matrix w(inputs, outputs, outputs, rng);
      const Fenced<float> bias(outputs, rng);
      const Product sums(kMostRows, outputs, inputs, x, w);
      for (const Isa set : instruction_sets()) {
        for (const Activation activation : kActivations) {
          std::optional<Matrix> whole;
          for (const std::int64_t rows : kRows) {
            Matrix y(rows, outputs, outputs + 5), entered(rows, outputs, outputs + 5);
            const bool with_sums = activation == Activation::kSilu && rows != 7;
            kernels(set).forward(rows, inputs, outputs, x.data(), x.stride, w.data(), bias.data(), activation, y.data(),
                                 y.stride, with_sums ? entered.data() : nullptr, nullptr);
            all.is_true(y.padding_intact() && entered.padding_intact(), "written between the rows of", rows, outputs);
            for (std::int64_t r = 0; r < rows; ++r) {
              for (std::int64_t c = 0; c < outputs; ++c) {
                if (whole) {  // bit for bit what the call with most rows gave
                  all.same_bits(y(r, c), (*whole)(r, c), isa_name(set), rows, inputs, outputs, r, c);
                  continue;
                }
                const double sum = sums(r, c).value + bias[c];
                const double tolerance = kShare * (sums(r, c).size + std::abs(bias[c])) + 1e-7;
                all.near(y(r, c), activate(activation, sum), tolerance, isa_name(set), inputs, outputs, r, c,
                         static_cast<int>(activation));
                if (with_sums) all.near(entered(r, c), sum, tolerance, "sums", isa_name(set), inputs, outputs, r, c);
              }
            }
            if (!whole) {
              whole.emplace(rows, outputs, y.stride);
              for (std::int64_t r = 0; r < rows; ++r) std::copy_n(&y(r, 0), outputs, &(*whole)(r, 0));
            }
          }
        }
      }
    }
  }
  EXPECT_TRUE(all.hold());
}

TEST(Kernels, InputGradientEqualsPlainLoopsWhateverTheNumberOfRows) {
  Rng rng(2);
  Comparisons all;
  for (const std::int64_t inputs : kWidths) {
    for (const std::int64_t outputs : kWidths) {
      const Matrix entered(kMostRows, inputs, inputs + 2, rng);
      Matrix dy(kMostRows, outputs, outputs + 1, rng), dy_columns(outputs, kMostRows, kMostRows + 7);
      for (std::int64_t r = 0; r < kMostRows; ++r) {
        for (std::int64_t c = 0; c < outputs; ++c) dy_columns(c, r) = dy(r, c);
      }
      const Matrix wt(outputs, inputs, inputs + 4, rng);
      const Product sums(kMostRows, inputs, outputs, dy, wt);
      for (const Activation activation : kActivations) {
        Matrix x(kMostRows, inputs, entered.stride);  // what left the activation before
        for (std::int64_t r = 0; r < kMostRows; ++r) {
          for (std::int64_t c = 0; c < inputs; ++c)
            x(r, c) = static_cast<float>(activate(activation, static_cast<double>(entered(r, c))));
        }
        for (const Isa set : instruction_sets()) {
          std::optional<Matrix> whole;
          for (const std::int64_t rows : kRows) {
            const bool in_place = rows % 2 == 0, by_columns = rows % 3 == 0;
            Matrix dx(rows, inputs, in_place ? x.stride : inputs + 7);
            if (in_place) {
              for (std::int64_t r = 0; r < rows; ++r) std::copy_n(&x(r, 0), inputs, &dx(r, 0));
            }
            const Layout layout{by_columns, by_columns ? dy_columns.stride : dy.stride};
            kernels(set).input_gradient(rows, inputs, outputs, by_columns ? dy_columns.data() : dy.data(),
                                        layout.row_step(), layout.column_step(), wt.data(), wt.stride, activation,
                                        in_place ? dx.data() : x.data(), entered.data(), x.stride, dx.data(), dx.stride,
                                        nullptr);
            all.is_true(dx.padding_intact(), "written between the rows of", rows, inputs);
            for (std::int64_t r = 0; r < rows; ++r) {
              for (std::int64_t c = 0; c < inputs; ++c) {
                if (whole) {
                  all.same_bits(dx(r, c), (*whole)(r, c), isa_name(set), rows, inputs, outputs, r, c);
                  continue;
                }
                all.near(dx(r, c), sums(r, c).value * slope_at(activation, entered(r, c)),
                         kShare * sums(r, c).size + 1e-7, isa_name(set), inputs, outputs, r, c,
                         static_cast<int>(activation));
              }
            }
            if (!whole) {
              whole.emplace(rows, inputs, dx.stride);
              for (std::int64_t r = 0; r < rows; ++r) std::copy_n(&dx(r, 0), inputs, &(*whole)(r, 0));
            }
          }
        }
      }
    }
  }
  EXPECT_TRUE(all.hold());
}

TEST(Kernels, WeightGradientEqualsPlainLoopsAndAccumulates) {
  Rng rng(3);
  Comparisons all;
  for (const std::int64_t inputs : kWidths) {
    for (const std::int64_t outputs : kWidths) {
      const Matrix x(kMostRows, inputs, inputs + 3, rng), dy(kMostRows, outputs, outputs + 2, rng);
      const Fenced<float> old(inputs * outputs + outputs, rng);
      auto x_column = [&](std::int64_t input, std::int64_t row) { return x(row, input); };
      auto one = [](std::int64_t, std::int64_t) { return 1.0; };
      for (const std::int64_t rows : kRows) {
        const Product weights(inputs, outputs, rows, x_column, dy), columns(1, outputs, rows, one, dy);
        for (const Isa set : instruction_sets()) {
          for (const bool accumulate : {false, true}) {
            Fenced<float> dw(inputs * outputs), db(outputs);
            if (accumulate) {
              std::copy_n(old.data(), dw.size(), dw.data());
              std::copy_n(old.data() + dw.size(), outputs, db.data());
            }
            kernels(set).weight_gradient(rows, inputs, outputs, x.data(), x.stride, dy.data(), dy.stride, accumulate,
                                         dw.data(), db.data());
            for (std::int64_t k = 0; k < old.size(); ++k) {
              const bool is_bias = k >= dw.size();
              const Sum& sum = is_bias ? columns(0, k - dw.size()) : weights(k / outputs, k % outputs);
              const double before = accumulate ? old[k] : 0;
              all.near(is_bias ? db[k - dw.size()] : dw[k], before + sum.value, kShare * (sum.size + std::abs(before)),
                       isa_name(set), rows, inputs, outputs, k, accumulate);
            }
          }
        }
      }
    }
  }
  EXPECT_TRUE(all.hold());
}

TEST(Kernels, TransposeMovesEveryNumberAndNothingElse) {
  Rng rng(4);
  Comparisons all;
  std::vector<std::int64_t> sizes(std::begin(kWidths), std::end(kWidths));
  sizes.insert(sizes.end(), {7, 9, 129});
  for (const std::int64_t rows : sizes) {
    for (const std::int64_t columns : sizes) {
      const Matrix w(rows, columns, columns + 1, rng);
      for (const Isa set : instruction_sets()) {
        Matrix wt(columns, rows, rows + 3);
        kernels(set).transpose(rows, columns, w.data(), w.stride, wt.data(), wt.stride);
        all.is_true(wt.padding_intact(), "written between the rows of", columns, rows);
        for (std::int64_t r = 0; r < rows; ++r) {
          for (std::int64_t c = 0; c < columns; ++c)
            all.same_bits(wt(c, r), w(r, c), isa_name(set), rows, columns, r, c);
        }
      }
    }
  }
  EXPECT_TRUE(all.hold());
}

TEST(Kernels, NarrowForwardEqualsPlainLoopsWhateverTheNumberOfRows) {
  Rng rng(5);
  Comparisons all;
  for (const std::int64_t inputs : kWidths) {
    for (const std::int64_t outputs : kNarrowWidths) {
      const Matrix x(kMostRows, inputs, inputs + 1, rng), wt(outputs, inputs, inputs + 6, rng);
      const Fenced<float> bias(outputs, rng);
      auto w = [&](std::int64_t input, std::int64_t output) { return wt(output, input); };
      const Product sums(kMostRows, outputs, inputs, x, w);
      for (const Isa set : instruction_sets()) {
        std::vector<float> whole;
        for (const std::int64_t rows : kRows) {
          const Layout layout{rows % 2 == 1, rows % 2 == 1 ? rows + 9 : outputs + 3};
          Matrix y(layout.by_columns ? outputs : rows, layout.by_columns ? rows : outputs, layout.stride);
          kernels(set).narrow_forward(rows, inputs, outputs, x.data(), x.stride, wt.data(), wt.stride, bias.data(),
                                      y.data(), layout.row_step(), layout.column_step());
          all.is_true(y.padding_intact(), "written between the rows of", rows, outputs);
          for (std::int64_t r = 0; r < rows; ++r) {
            for (std::int64_t c = 0; c < outputs; ++c) {
              const float found = element(y, layout, r, c);
              all.near(found, sums(r, c).value + bias[c], kShare * (sums(r, c).size + std::abs(bias[c])), isa_name(set),
                       rows, inputs, outputs, r, c);
              if (rows == kMostRows)
                whole.push_back(found);
              else
                all.same_bits(found, whole[static_cast<std::size_t>(r * outputs + c)], isa_name(set), rows, inputs, r,
                              c);
            }
          }
        }
      }
    }
  }
  EXPECT_TRUE(all.hold());
}

TEST(Kernels, NarrowWeightGradientEqualsPlainLoopsAndAccumulates) {
  Rng rng(6);
  Comparisons all;
  for (const std::int64_t inputs : kWidths) {
    for (const std::int64_t outputs : kNarrowWidths) {
      const Matrix x(kMostRows, inputs, inputs + 3, rng);
      const Fenced<float> old(inputs * outputs + outputs, rng);
      auto x_column = [&](std::int64_t input, std::int64_t row) { return x(row, input); };
      for (const std::int64_t rows : kRows) {
        const Matrix dy(outputs, rows, rows + 5, rng);
        const Product weights(inputs, outputs, rows, x_column,
                              [&](std::int64_t r, std::int64_t c) { return dy(c, r); });
        for (const Isa set : instruction_sets()) {
          for (const bool accumulate : {false, true}) {
            Fenced<float> dw(inputs * outputs), db(outputs), scratch(outputs * (inputs + 16));
            if (accumulate) {
              std::copy_n(old.data(), dw.size(), dw.data());
              std::copy_n(old.data() + dw.size(), outputs, db.data());
            }
            kernels(set).narrow_weight_gradient(rows, inputs, outputs, x.data(), x.stride, dy.data(), dy.stride,
                                                accumulate, dw.data(), db.data(), scratch.data());
            for (std::int64_t k = 0; k < dw.size(); ++k) {
              const Sum& sum = weights(k / outputs, k % outputs);
              const double before = accumulate ? old[k] : 0;
              all.near(dw[k], before + sum.value, kShare * (sum.size + std::abs(before)), isa_name(set), rows, inputs,
                       outputs, k, accumulate);
            }
            for (std::int64_t o = 0; o < outputs; ++o) {
              double sum = accumulate ? old[dw.size() + o] : 0, size = std::abs(sum);
              for (std::int64_t r = 0; r < rows; ++r) {
                sum += dy(o, r);
                size += std::abs(dy(o, r));
              }
              all.near(db[o], sum, kShare * size, "bias", isa_name(set), rows, inputs, outputs, o, accumulate);
            }
          }
        }
      }
    }
  }
  EXPECT_TRUE(all.hold());
}

TEST(Kernels, ForwardByHand) {
  // (1, 2) w + b with w = ((3, -4), (-5, 6)), b = (0.5, -1): (1*3 - 2*5 + 0.5, -4 + 12 - 1) = (-6.5, 7)
  const float x[] = {1, 2}, w[] = {3, -4, -5, 6}, bias[] = {0.5f, -1};
  for (const Isa set : instruction_sets()) {
    float y[2];
    kernels(set).forward(1, 2, 2, x, 2, w, bias, Activation::kNone, y, 2, nullptr, nullptr);
    EXPECT_EQ(y[0], -6.5f);
    EXPECT_EQ(y[1], 7.0f);
    kernels(set).forward(1, 2, 2, x, 2, w, bias, Activation::kRelu, y, 2, nullptr, nullptr);
    EXPECT_EQ(y[0], 0.0f);
    EXPECT_EQ(y[1], 7.0f);
  }
}

/// Layer normalisation and its gradient as plain loops in double.
struct PlainLayerNorm {
  PlainLayerNorm(const Matrix& z, const Fenced<float>& gain, const Fenced<float>& shift, Activation activation)
      : width(z.columns),
        y(static_cast<std::size_t>(z.rows * width)),
        u(y.size()),
        entered(y.size()),
        scales(static_cast<std::size_t>(z.rows)) {
    for (std::int64_t r = 0; r < z.rows; ++r) {
      double mean = 0, variance = 0;
      for (std::int64_t c = 0; c < width; ++c) mean += z(r, c) / static_cast<double>(width);
      for (std::int64_t c = 0; c < width; ++c)
        variance += (z(r, c) - mean) * (z(r, c) - mean) / static_cast<double>(width);
      scales[static_cast<std::size_t>(r)] = 1 / std::sqrt(variance + 1e-5);
      for (std::int64_t c = 0; c < width; ++c) {
        const auto k = static_cast<std::size_t>(r * width + c);
        u[k] = (z(r, c) - mean) * scales[static_cast<std::size_t>(r)];
        entered[k] = gain[c] * u[k] + shift[c];
        y[k] = activate(activation, entered[k]);
      }
    }
  }
  std::int64_t width;
  std::vector<double> y, u, entered, scales;
};

TEST(Kernels, LayerNormEqualsPlainLoopsWhateverTheNumberOfRows) {
  Rng rng(7);
  Comparisons all;
  for (const std::int64_t width : kWidths) {
    const Matrix z(kMostRows, width, width + 5, rng, 2);
    const Fenced<float> gain(width, rng), shift(width, rng);
    for (const Activation activation : kActivations) {
      const PlainLayerNorm plain(z, gain, shift, activation);
      for (const Isa set : instruction_sets()) {
        std::optional<Matrix> whole;
        for (const std::int64_t rows : kRows) {
          Matrix u(rows, width, width + 5), y(rows, width, width + 5), sums(rows, width, width + 5);
          for (std::int64_t r = 0; r < rows; ++r) std::copy_n(&z.data()[r * z.stride], width, &u(r, 0));
          Fenced<float> scales(rows);
          const bool with_sums = rows != 7;
          kernels(set).layer_norm(rows, width, u.data(), u.stride, gain.data(), shift.data(), activation, y.data(),
                                  scales.data(), with_sums ? sums.data() : nullptr);
          all.is_true(u.padding_intact() && y.padding_intact() && sums.padding_intact(), "written between the rows of",
                      rows, width);
          for (std::int64_t r = 0; r < rows; ++r) {
            const double scale = plain.scales[static_cast<std::size_t>(r)];
            const double tolerance = 2e-6 * (1 + scale);  // rounding of z comes out times the scale
            all.near(scales[r], scale, 1e-5 * scale, "scale", isa_name(set), rows, width, r);
            for (std::int64_t c = 0; c < width; ++c) {
              const auto k = static_cast<std::size_t>(r * width + c);
              if (whole) {
                all.same_bits(y(r, c), (*whole)(r, c), isa_name(set), rows, width, r, c);
                continue;
              }
              all.near(u(r, c), plain.u[k], tolerance * 3, "normal", isa_name(set), rows, width, r, c);
              all.near(y(r, c), plain.y[k], tolerance * 10, isa_name(set), rows, width, r, c);
              if (activation == Activation::kSilu && with_sums)
                all.near(sums(r, c), plain.entered[k], tolerance * 10, "sum", isa_name(set), rows, width, r, c);
              else
                all.is_true(is_guard(sums(r, c)), "sums that nobody wants", rows, width, r, c);
            }
          }
          if (rows == kMostRows) {
            whole.emplace(rows, width, width);
            for (std::int64_t r = 0; r < rows; ++r) std::copy_n(&y(r, 0), width, &(*whole)(r, 0));
          }
        }
      }
    }
  }
  EXPECT_TRUE(all.hold());
}

TEST(Kernels, LayerNormGradientEqualsPlainLoops) {
  Rng rng(8);
  Comparisons all;
  for (const std::int64_t width : kWidths) {
    for (const std::int64_t rows : kRows) {
      const Matrix u(rows, width, width + 3, rng), given(rows, width, width + 3, rng);
      const Fenced<float> gain(width, rng), scales(rows, rng), before(width, rng);
      for (const Isa set : instruction_sets()) {
        for (const bool accumulate : {false, true}) {
          Matrix d(rows, width, width + 3), d_alone(rows, width, width + 3);
          for (std::int64_t r = 0; r < rows; ++r) {
            std::copy_n(&given.data()[r * given.stride], width, &d(r, 0));
            std::copy_n(&given.data()[r * given.stride], width, &d_alone(r, 0));
          }
          Fenced<float> dgain(width), dshift(width);
          if (accumulate) {
            std::copy_n(before.data(), width, dgain.data());
            std::copy_n(before.data(), width, dshift.data());
          }
          kernels(set).layer_norm_gradient(rows, width, u.data(), u.stride, scales.data(), gain.data(), d.data(),
                                           accumulate, dgain.data(), dshift.data());
          kernels(set).layer_norm_gradient(rows, width, u.data(), u.stride, scales.data(), gain.data(), d_alone.data(),
                                           accumulate, nullptr, nullptr);
          all.is_true(d.padding_intact(), "written between the rows of", rows, width);
          for (std::int64_t c = 0; c < width; ++c) {
            double by_gain = accumulate ? before[c] : 0, by_shift = by_gain;
            for (std::int64_t r = 0; r < rows; ++r) {
              by_gain += static_cast<double>(given(r, c)) * u(r, c);
              by_shift += given(r, c);
            }
            all.near(dgain[c], by_gain, 5e-5, "gain", isa_name(set), rows, width, c, accumulate);
            all.near(dshift[c], by_shift, 5e-5, "shift", isa_name(set), rows, width, c, accumulate);
          }
          for (std::int64_t r = 0; r < rows; ++r) {
            double mean = 0, slope = 0;
            for (std::int64_t c = 0; c < width; ++c) {
              const double e = static_cast<double>(given(r, c)) * gain[c] / static_cast<double>(width);
              mean += e;
              slope += e * u(r, c);
            }
            for (std::int64_t c = 0; c < width; ++c) {
              const double expected = scales[r] * (static_cast<double>(given(r, c)) * gain[c] - mean - u(r, c) * slope);
              all.near(d(r, c), expected, 1e-5 * (1 + std::abs(expected)), isa_name(set), rows, width, r, c);
              all.same_bits(d_alone(r, c), d(r, c), "without gain and shift", isa_name(set), rows, width, r, c);
            }
          }
        }
      }
    }
  }
  EXPECT_TRUE(all.hold());
}

TEST(Kernels, LayerNormByHand) {
  // z = (1, 3): mean 2, variance 1, u = (-1, 1) / sqrt(1.00001), y = relu(2 u + (0.5, -1)) = (0, 1)
  for (const Isa set : instruction_sets()) {
    float z[] = {1, 3}, y[2], scale = 0;
    const float gain[] = {2, 2}, shift[] = {0.5f, -1};
    kernels(set).layer_norm(1, 2, z, 2, gain, shift, Activation::kRelu, y, &scale, nullptr);
    EXPECT_NEAR(scale, 0.999995, 1e-6);
    EXPECT_NEAR(z[0], -0.999995, 1e-6);
    EXPECT_EQ(y[0], 0);
    EXPECT_NEAR(y[1], 0.99999, 1e-6);
  }
}

}  // namespace
}  // namespace corvid::testing
