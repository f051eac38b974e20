// Networks on Corvid's kernels against the same networks on LibTorch's autograd.
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/nn/mlp.h"
#include "core/nn/parameters.h"
#include "tests/nn/torch_testing.h"

namespace corvid::testing {
namespace {

struct Shape {
  std::int64_t inputs;
  std::vector<std::int64_t> hidden;
  std::int64_t outputs;
  Activation activation;
  bool layer_norm = false;
};

/// The same network twice: fused, and as LibTorch's operations.
struct Pair {
  explicit Pair(const Shape& shape) {
    Mlp* const networks[] = {&fused, &reference};
    Parameters* const parameters[] = {&fused_parameters, &reference_parameters};
    for (int k = 0; k < 2; ++k) {
      Rng rng(4);
      *networks[k] = Mlp(shape.inputs, shape.hidden, shape.outputs, shape.activation, 1.0, rng, shape.layer_norm);
      *parameters[k] = Parameters(networks[k]->parameters());
      for (const at::Tensor& parameter : networks[k]->parameters()) disturb(parameter, rng, 0.1);  // biases begin at 0
    }
    fused.fuse();
  }

  Mlp fused, reference;
  Parameters fused_parameters, reference_parameters;
};

std::string description(const Shape& shape, std::int64_t batch) {
  std::ostringstream text;
  text << (shape.layer_norm ? "layer norm, " : "") << "activation " << static_cast<int>(shape.activation) << ", batch "
       << batch << ", " << shape.inputs;
  for (const std::int64_t width : shape.hidden) text << " x " << width;
  text << " x " << shape.outputs;
  return text.str();
}

void expect_equal_passes(const Shape& shape, std::int64_t batch) {
  Pair pair(shape);
  Rng rng(1);
  const at::Tensor x = normal({batch, shape.inputs}, rng), weights = normal({batch, shape.outputs}, rng);
  at::Tensor x_fused = x.clone().set_requires_grad(true), x_reference = x.clone().set_requires_grad(true);
  const at::Tensor y_fused = pair.fused.forward(x_fused), y_reference = pair.reference.forward(x_reference);
  const std::string what = description(shape, batch);
  EXPECT_LT(difference(y_fused, y_reference), 1e-5) << what;
  (y_fused * weights).sum().backward();
  (y_reference * weights).sum().backward();
  EXPECT_LT(difference(pair.fused_parameters.gradient(), pair.reference_parameters.gradient()), 1e-5) << what;
  EXPECT_LT(difference(x_fused.grad(), x_reference.grad()), 1e-5) << what;
  {
    at::NoGradGuard no_grad;
    EXPECT_TRUE(at::equal(pair.fused.forward(x), y_fused)) << "without a tape, " << what;
  }
}

constexpr Activation kActivations[] = {Activation::kTanh, Activation::kRelu, Activation::kSilu};
constexpr std::int64_t kBatches[] = {1, 4, 64, 300};

TEST(FusedNetworks, EqualsAutogradForAllDepthsAndWidths) {
  for (std::size_t depth = 0; depth <= 4; ++depth) {
    for (const std::int64_t width : {1, 7, 16, 33, 64, 100}) {
      for (const Activation activation : kActivations) {
        for (const std::int64_t batch : kBatches) {
          const std::int64_t outputs = batch % 3 + (width % 2 == 0 ? 1 : 17);
          expect_equal_passes({width / 2 + 1, std::vector<std::int64_t>(depth, width), outputs, activation}, batch);
        }
      }
    }
  }
}

TEST(FusedNetworks, EqualsAutogradWithLayerNorm) {
  for (const std::vector<std::int64_t>& hidden :
       std::vector<std::vector<std::int64_t>>{{7}, {16}, {33}, {100}, {64, 64}, {120, 84}, {31, 8, 50}, {256, 17}}) {
    for (const Activation activation : kActivations) {
      for (const std::int64_t batch : kBatches) {
        const std::int64_t outputs = batch % 3 + (hidden[0] % 2 == 0 ? 1 : 17);
        expect_equal_passes({5, hidden, outputs, activation, true}, batch);
      }
    }
  }
}

TEST(FusedNetworks, LayerNormOfOneNumberLeavesNothingOfIt) {
  // LibTorch's gradient of such a layer is rounding times 1 / sqrt(1e-5); exact is 0.
  const Pair pair({5, {1}, 3, Activation::kTanh, true});
  Rng rng(1);
  const at::Tensor x = normal({20, 5}, rng).set_requires_grad(true);
  const at::Tensor y = pair.fused.forward(x);
  EXPECT_LT(difference(y, pair.reference.forward(x)), 1e-5);
  EXPECT_TRUE(at::equal(y[0], y[19]));
  y.pow(2).sum().backward();
  const std::vector<at::Tensor> parameters = pair.fused.parameters();
  EXPECT_EQ(x.grad().abs().max().item<float>(), 0);
  EXPECT_EQ(parameters[0].grad().abs().max().item<float>(), 0);
  EXPECT_NE(parameters[3].grad().item<float>(), 0);  // the shift's
}

TEST(FusedNetworks, LayerNormBeginsAsPlainNormalisation) {
  // Gain 1 and shift 0: a row of sums (a, -a) becomes (1, -1) whatever a is.
  Rng rng(1);
  const Mlp mlp(1, {2}, 1, Activation::kRelu, 1, rng, true);
  const std::vector<at::Tensor> parameters = mlp.parameters();
  ASSERT_EQ(parameters.size(), 6u);
  EXPECT_TRUE(at::equal(parameters[2], at::ones({2})));
  EXPECT_TRUE(at::equal(parameters[3], at::zeros({2})));
  at::Tensor first = parameters[0], last = parameters[4];
  first.copy_(at::tensor({1.0f, -1.0f}).view({2, 1}));
  last.copy_(at::tensor({3.0f, 5.0f}).view({1, 2}));
  EXPECT_NEAR(mlp.forward(at::full({1, 1}, 10.0f)).item<float>(), 3, 1e-5);
  EXPECT_NEAR(mlp.forward(at::full({1, 1}, -10.0f)).item<float>(), 5, 1e-5);
}

/// How far outputs, gradients of parameters and gradients of inputs are from those in double.
struct Errors {
  double outputs = 0, parameters = 0, inputs = 0;
};

Errors errors_against_double(const Mlp& mlp, Activation activation, const at::Tensor& x, const at::Tensor& weights) {
  std::vector<at::Tensor> exact;
  for (const at::Tensor& parameter : mlp.parameters())
    exact.push_back(parameter.detach().to(at::kDouble).set_requires_grad(true));
  const at::Tensor exact_x = x.to(at::kDouble).set_requires_grad(true);
  at::Tensor exact_y = exact_x;
  for (std::size_t k = 0; k < exact.size(); k += 2) {
    if (k > 0)
      exact_y = activation == Activation::kTanh   ? exact_y.tanh()
                : activation == Activation::kRelu ? exact_y.relu()
                                                  : at::silu(exact_y);
    exact_y = at::linear(exact_y, exact[k], exact[k + 1]);
  }
  (exact_y * weights.to(at::kDouble)).sum().backward();

  at::Tensor own_x = x.clone().set_requires_grad(true);
  const at::Tensor y = mlp.forward(own_x);
  (y * weights).sum().backward();
  Errors errors{.outputs = difference(y, exact_y), .inputs = difference(own_x.grad(), exact_x.grad())};
  double size = 1, largest = 0;
  const std::vector<at::Tensor> parameters = mlp.parameters();
  for (std::size_t k = 0; k < exact.size(); ++k) {
    size = std::max(size, exact[k].grad().abs().max().item<double>());
    largest = std::max(largest, (parameters[k].grad() - exact[k].grad()).abs().max().item<double>());
  }
  errors.parameters = largest / size;
  return errors;
}

TEST(FusedNetworks, AreAsExactAsAutogradForBigInputs) {
  // Sums of numbers of 1,000 lose digits whoever adds them: double says how many. Batches count together, because with
  // one row chance decides who errs more.
  for (const Activation activation : kActivations) {
    for (const Shape& shape : {Shape{5, {}, 3, activation}, Shape{17, {33}, 1, activation},
                               Shape{4, {64, 64}, 2, activation}, Shape{7, {16, 100, 7, 33}, 40, activation}}) {
      Errors fused, reference;
      for (const std::int64_t batch : kBatches) {
        const Pair pair(shape);
        Rng rng(1);
        const at::Tensor x = normal({batch, shape.inputs}, rng, 0, 1e3), weights = normal({batch, shape.outputs}, rng);
        for (const auto& [mlp, worst] : {std::pair(&pair.fused, &fused), std::pair(&pair.reference, &reference)}) {
          const Errors errors = errors_against_double(*mlp, activation, x, weights);
          worst->outputs = std::max(worst->outputs, errors.outputs);
          worst->parameters = std::max(worst->parameters, errors.parameters);
          worst->inputs = std::max(worst->inputs, errors.inputs);
        }
      }
      const std::string what = description(shape, 0);
      EXPECT_LE(fused.outputs, 3 * reference.outputs + 1e-5) << what;
      EXPECT_LE(fused.parameters, 3 * reference.parameters + 1e-5) << what;
      EXPECT_LE(fused.inputs, 3 * reference.inputs + 1e-5) << what;
    }
  }
}

TEST(FusedNetworks, BackwardAddsToGradientsThatAreThere) {
  for (const bool layer_norm : {false, true}) {
    Pair pair({4, {16}, 3, Activation::kTanh, layer_norm});
    Rng rng(1);
    for (int pass = 0; pass < 2; ++pass) {
      const at::Tensor x = normal({20, 4}, rng);
      pair.fused.forward(x).pow(2).sum().backward();
      pair.reference.forward(x).pow(2).sum().backward();
    }
    EXPECT_LT(difference(pair.fused_parameters.gradient(), pair.reference_parameters.gradient()), 1e-5);
  }
}

TEST(FusedNetworks, OnePassIsLeftAloneByTheNext) {
  // Two passes through one network on one tape, then backward through both.
  Pair pair({4, {16, 8}, 3, Activation::kSilu});
  Rng rng(1);
  const at::Tensor one = normal({20, 4}, rng), two = normal({20, 4}, rng);
  auto loss = [&](const Mlp& mlp) { return (mlp.forward(one) * mlp.forward(two)).sum(); };
  loss(pair.fused).backward();
  loss(pair.reference).backward();
  EXPECT_LT(difference(pair.fused_parameters.gradient(), pair.reference_parameters.gradient()), 1e-5);
}

TEST(FusedNetworks, TakesInputsAndGradientsThatAreNotContiguous) {
  Pair pair({4, {16}, 3, Activation::kRelu});
  Rng rng(1);
  const at::Tensor x = normal({4, 20}, rng).t(), weights = normal({3, 20}, rng).t();
  const at::Tensor y_fused = pair.fused.forward(x), y_reference = pair.reference.forward(x);
  EXPECT_LT(difference(y_fused, y_reference), 1e-5);
  y_fused.backward(weights);
  y_reference.backward(weights);
  EXPECT_LT(difference(pair.fused_parameters.gradient(), pair.reference_parameters.gradient()), 1e-5);
}

TEST(FusedNetworks, RefusesSecondDerivatives) {
  Pair pair({4, {16}, 1, Activation::kTanh});
  auto gradient_penalty = [](const Mlp& mlp) {
    Rng rng(1);
    at::Tensor x = normal({6, 4}, rng).set_requires_grad(true);
    const auto gradients = torch::autograd::grad({mlp.forward(x).sum()}, {x}, {}, true, /*create_graph=*/true);
    gradients[0].pow(2).sum().backward();
  };
  gradient_penalty(pair.reference);
  try {
    gradient_penalty(pair.fused);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("second derivatives"), std::string::npos) << error.what();
  }
}

TEST(FusedNetworks, TakesAnyLeadingShapeAndRefusesOtherWidths) {
  const Pair pair({4, {16}, 3, Activation::kTanh});
  Rng rng(2);
  const at::Tensor x = normal({5, 6, 4}, rng);
  const at::Tensor y = pair.fused.forward(x);
  ASSERT_EQ(y.sizes(), (std::vector<std::int64_t>{5, 6, 3}));
  EXPECT_LT(difference(y, pair.reference.forward(x)), 1e-5);
  EXPECT_LT(difference(pair.fused.forward(x[2][3]), y[2][3]), 1e-7);
  EXPECT_THROW(pair.fused.forward(normal({5, 3}, rng)), std::logic_error);
}

TEST(FusedNetworks, RefusesParametersOutsideFlatMemory) {
  Rng rng(0);
  Mlp loose(3, {4}, 2, Activation::kTanh, 1, rng);
  EXPECT_THROW(loose.fuse(), std::logic_error);
  EXPECT_EQ(loose.fused(), nullptr);
}

}  // namespace
}  // namespace corvid::testing
