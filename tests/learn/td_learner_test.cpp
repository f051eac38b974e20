// Gradients of the temporal-difference loss on Corvid's kernels against LibTorch's autograd, and the values by themselves.
#include "core/learn/td_learner.h"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>
#include <vector>

#include "core/base/check.h"
#include "core/nn/optimizer.h"
#include "tests/nn/torch_testing.h"

namespace corvid::testing {
namespace {

constexpr std::int64_t kFeatures = 6, kActions = 5;

/// One way of learning: a network with layer normalisation that is away from its start, behind another in flat memory.
struct Side {
  explicit Side(bool fused, bool layer_norm = true, std::shared_ptr<ThreadPool> pool = nullptr) {
    Rng rng(3);
    other = Mlp(2, {3}, 1, Activation::kTanh, 1, rng);
    network = Mlp(kFeatures, {64, 33}, kActions, Activation::kRelu, 1, rng, layer_norm);
    std::vector<at::Tensor> tensors = other.parameters();
    for (const at::Tensor& tensor : network.parameters()) tensors.push_back(tensor);
    parameters = Parameters(tensors, fused);
    for (const at::Tensor& tensor : tensors) disturb(tensor, rng, 0.1);
    if (fused) network.fuse();
    learner = std::make_unique<TdLearner>(network, parameters, Compute{.fused = fused, .pool = std::move(pool)});
  }

  Mlp other, network;
  Parameters parameters;
  std::unique_ptr<TdLearner> learner;
};

TdBatch some_batch(std::int64_t size) {
  Rng rng(7);
  TdBatch batch{normal({size, kFeatures}, rng), at::empty({size, 1}, at::kLong), normal({size}, rng, 1, 2)};
  for (std::int64_t b = 0; b < size; ++b) batch.actions.data_ptr<std::int64_t>()[b] = rng.integers(0, kActions);
  return batch;
}

std::vector<std::int64_t> shuffled_rows(std::int64_t of, std::int64_t count) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(of));
  std::iota(rows.begin(), rows.end(), std::int64_t{0});
  Rng rng(9);
  rng.shuffle(std::span(rows));
  rows.resize(static_cast<std::size_t>(count));
  return rows;
}

TEST(TdLearner, GradientsEqualAutograd) {
  for (const bool layer_norm : {false, true}) {
    for (const std::int64_t size : {1, 7, 128, 129, 600, 3000}) {
      for (const bool pick : {false, true}) {
        const TdBatch batch = some_batch(size);
        const std::vector<std::int64_t> rows = pick ? shuffled_rows(size, (size + 1) / 2) : std::vector<std::int64_t>{};
        Side fused(true, layer_norm), reference(false, layer_norm);
        fused.learner->gradient(batch, rows);
        reference.learner->gradient(batch, rows);
        EXPECT_LT(difference(fused.parameters.gradient(), reference.parameters.gradient()), 1e-5) << size << pick;
        EXPECT_GT(reference.parameters.gradient().abs().max().item<double>(), 1e-2) << size << pick;
        const TdMeans found = fused.learner->take_means(), expected = reference.learner->take_means();
        EXPECT_NEAR(found.loss, expected.loss, 1e-5 * (1 + expected.loss)) << size << pick;
        EXPECT_NEAR(found.q_value, expected.q_value, 1e-5) << size << pick;
      }
    }
  }
}

TEST(TdLearner, TenStepsStayTogether) {
  Side fused(true), reference(false);
  RAdam one(fused.parameters), two(reference.parameters, {.fused = false});
  for (int step = 0; step < 10; ++step) {
    const TdBatch batch = some_batch(200);
    fused.learner->gradient(batch, {});
    reference.learner->gradient(batch, {});
    one.step(fused.parameters, 1e-2, 10);
    two.step(reference.parameters, 1e-2, 10);
  }
  EXPECT_LT(difference(fused.parameters.flat(), reference.parameters.flat()), 1e-5);
  EXPECT_LT(fused.learner->take_means().loss, 10);
}

TEST(TdLearner, LossIsHalfTheMeanSquare) {
  // One layer of zero weights: Q = its biases. (0.5 - 2)^2 / 2 and (-1 - 1)^2 / 2, whose mean is 1.5625; the biases'
  // derivatives are -1.5 / 2 and -2 / 2.
  for (const bool fused : {true, false}) {
    Rng rng(1);
    Mlp network(1, {}, 3, Activation::kRelu, 0, rng);
    const std::vector<at::Tensor> tensors = network.parameters();
    Parameters parameters(tensors, fused);
    tensors[1].data_ptr<float>()[0] = 0.5f;
    tensors[1].data_ptr<float>()[2] = -1;
    if (fused) network.fuse();
    TdLearner learner(network, parameters, {.fused = fused});
    const at::Tensor actions = at::zeros({2, 1}, at::kLong);
    actions.data_ptr<std::int64_t>()[1] = 2;
    learner.gradient({at::ones({2, 1}), actions, at::tensor({2.0f, 1.0f})}, {});
    EXPECT_TRUE(at::allclose(tensors[1].grad(), at::tensor({-0.75f, 0.0f, -1.0f})));
    const TdMeans means = learner.take_means();
    EXPECT_NEAR(means.loss, 1.5625, 1e-6);
    EXPECT_NEAR(means.q_value, -0.25, 1e-6);
  }
}

TEST(TdLearner, InfersTheSameValuesHoweverManyRows) {
  Side fused(true), reference(false);
  const std::int64_t n = 3000;
  Rng rng(5);
  const at::Tensor x = normal({n, kFeatures}, rng);
  const float* const rows = x.const_data_ptr<float>();
  at::Tensor q = at::empty({n, kActions}), expected = at::empty({n, kActions}), alone = at::empty({kActions});
  fused.learner->infer(rows, n, q.data_ptr<float>());
  reference.learner->infer(rows, n, expected.data_ptr<float>());
  EXPECT_LT(difference(q, expected), 1e-5);
  for (const std::int64_t row : {0, 127, 128, 2999}) {
    fused.learner->infer(rows + row * kFeatures, 1, alone.data_ptr<float>());
    EXPECT_TRUE(at::equal(alone, q[row])) << row;
  }
}

TEST(TdLearner, DoesNotDependOnThreads) {
  Side one(true), three(true, true, std::make_shared<ThreadPool>(3));
  const TdBatch batch = some_batch(1000);
  for (int k = 0; k < SplitChoice::kTried + 5; ++k) {  // both ways are tried
    one.learner->gradient(batch, {});
    three.learner->gradient(batch, {});
    ASSERT_TRUE(at::equal(one.parameters.gradient(), three.parameters.gradient())) << k;
  }
  EXPECT_EQ(one.learner->take_means().loss, three.learner->take_means().loss);
}

TEST(TdLearner, ReportsADivergedNetwork) {
  for (const bool fused : {true, false}) {
    Side side(fused);
    side.parameters.flat().fill_(std::numeric_limits<float>::quiet_NaN());
    std::vector<float> x(kFeatures), q(kActions);
    EXPECT_THROW(side.learner->infer(x.data(), 1, q.data()), Error) << fused;
  }
}

}  // namespace
}  // namespace corvid::testing
