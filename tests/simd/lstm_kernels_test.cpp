// The cells of an LSTM against their formulas in double, and the whole layer's gradient against differences.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/nn/fused_lstm.h"
#include "tests/simd/simd_testing.h"

namespace corvid::testing {
namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

struct Cell {
  double i, f, g, o, c, h;
};

Cell cell_of(const float* sums, std::int64_t hidden, std::int64_t k, double c) {
  Cell cell{sigmoid(sums[k]),
            sigmoid(sums[hidden + k]),
            std::tanh(sums[2 * hidden + k]),
            sigmoid(sums[3 * hidden + k]),
            0,
            0};
  cell.c = cell.f * c + cell.i * cell.g;
  cell.h = cell.o * std::tanh(cell.c);
  return cell;
}

TEST(LstmKernels, EqualTheirFormulas) {
  Rng rng(6);
  Comparisons all;
  for (const std::int64_t hidden : {1, 7, 16, 33, 64}) {
    for (const std::int64_t rows : {1, 3}) {
      const std::int64_t n = rows * hidden, stride = hidden + 5;
      const Fenced<float> sums(4 * n, rng, 2), c(n, rng), dh(n, rng), later(n, rng);
      for (const Isa set : instruction_sets()) {
        Fenced<float> gates(4 * n), next_c(n), dc(n), d_sums(4 * n);
        Matrix h(rows, hidden, stride);
        std::copy_n(sums.data(), 4 * n, gates.data());
        std::copy_n(later.data(), n, dc.data());
        kernels(set).lstm(rows, hidden, gates.data(), c.data(), next_c.data(), h.data(), stride);
        kernels(set).lstm_gradient(rows, hidden, gates.data(), c.data(), next_c.data(), dh.data(), dc.data(),
                                   d_sums.data());
        EXPECT_TRUE(h.padding_intact());
        for (std::int64_t row = 0; row < rows; ++row) {
          for (std::int64_t k = 0; k < hidden; ++k) {
            const std::int64_t at = row * hidden + k;
            const Cell e = cell_of(sums.data() + row * 4 * hidden, hidden, k, c[at]);
            all.near(next_c[at], e.c, 2e-6, isa_name(set), hidden, row, k);
            all.near(h(row, k), e.h, 2e-6, isa_name(set), hidden, row, k);
            const double squashed = std::tanh(e.c), d_c = later[at] + dh[at] * e.o * (1 - squashed * squashed);
            const double expected[] = {d_c * e.g * e.i * (1 - e.i), d_c * c[at] * e.f * (1 - e.f),
                                       d_c * e.i * (1 - e.g * e.g), dh[at] * squashed * e.o * (1 - e.o)};
            for (std::int64_t gate = 0; gate < 4; ++gate)
              all.near(d_sums[row * 4 * hidden + gate * hidden + k], expected[gate], 5e-6, isa_name(set), gate, row, k);
            all.near(dc[at], d_c * e.f, 5e-6, isa_name(set), hidden, row, k);
          }
        }
      }
    }
  }
  EXPECT_TRUE(all.hold());
}

/// sum of weights * h over all steps.
double weighted_outputs(const FusedLstm& lstm, const std::vector<float>& parameters, const std::vector<float>& x,
                        const std::vector<float>& state, const std::vector<float>& weights, std::int64_t steps,
                        std::int64_t rows, FusedLstm::Workspace& work) {
  std::vector<float> last = state;
  lstm.forward(parameters.data(), x.data(), steps, rows, last.data(), work);
  double sum = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) sum += static_cast<double>(weights[k]) * work.outputs()[k];
  return sum;
}

TEST(FusedLstm, GradientsAreTheSlopesOfTheOutputs) {
  constexpr std::int64_t kSteps = 4, kRows = 2, kInputs = 3, kHidden = 5;
  Rng rng(9);
  auto numbers = [&](std::int64_t n, double std) {
    std::vector<float> list(static_cast<std::size_t>(n));
    for (float& x : list) x = static_cast<float>(rng.normal(0, std));
    return list;
  };
  for (const Isa set : instruction_sets()) {
    const FusedLstm lstm(kInputs, kHidden, kernels(set));
    std::vector<float> parameters = numbers(lstm.num_parameters(), 0.5), x = numbers(kSteps * kRows * kInputs, 1);
    const std::vector<float> state = numbers(kRows * 2 * kHidden, 1), weights = numbers(kSteps * kRows * kHidden, 1);
    FusedLstm::Workspace work, scratch;
    weighted_outputs(lstm, parameters, x, state, weights, kSteps, kRows, work);
    std::vector<float> gradient(parameters.size()), dx(x.size());
    lstm.backward(parameters.data(), kSteps, kRows, weights.data(), work, gradient.data(), dx.data());
    auto slope = [&](float& number) {
      constexpr float kStep = 1e-2f;
      const float kept = number;
      number = kept + kStep;
      const double above = weighted_outputs(lstm, parameters, x, state, weights, kSteps, kRows, scratch);
      number = kept - kStep;
      const double below = weighted_outputs(lstm, parameters, x, state, weights, kSteps, kRows, scratch);
      number = kept;
      return (above - below) / (2 * kStep);
    };
    for (std::size_t k = 0; k < parameters.size(); ++k) {
      // Between weight and bias lies padding, which backward leaves alone.
      const auto weight = static_cast<std::size_t>((kInputs + kHidden) * 4 * kHidden);
      const std::size_t bias = parameters.size() - 4 * kHidden;
      if (k >= weight && k < bias) continue;
      EXPECT_NEAR(gradient[k], slope(parameters[k]), 2e-3) << isa_name(set) << " parameter " << k;
    }
    for (std::size_t k = 0; k < x.size(); ++k) EXPECT_NEAR(dx[k], slope(x[k]), 2e-3) << isa_name(set) << " input " << k;
  }
}

}  // namespace
}  // namespace corvid::testing
