// Gradients of value-function objectives on Corvid's kernels against LibTorch's autograd, and one step by hand.
#include "core/learn/value_learner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/nn/optimizer.h"
#include "tests/nn/value_network_testing.h"

namespace corvid::testing {
namespace {

constexpr std::int64_t kFeatures = 6, kActions = 5;

struct Objective {
  std::string name;
  ValueObjective objective;
  std::int64_t num_outputs;  // of an action
};

std::vector<Objective> objectives() {
  return {{"td", {}, 1},
          {"td, double", {.double_q = true}, 1},
          {"td, squared", {.double_q = true, .delta = 0}, 1},
          {"categorical", {.loss = ValueLoss::kCategorical}, 51},
          {"categorical, double", {.loss = ValueLoss::kCategorical, .double_q = true, .v_min = -3, .v_max = 5}, 11},
          {"categorical, two atoms", {.loss = ValueLoss::kCategorical, .v_min = -1, .v_max = 1}, 2},
          {"quantile", {.loss = ValueLoss::kQuantile}, 8},
          {"quantile, double", {.loss = ValueLoss::kQuantile, .double_q = true, .kappa = 0.5}, 5},
          {"quantile, one", {.loss = ValueLoss::kQuantile}, 1},
          {"munchausen", {.munchausen = true}, 1},
          {"munchausen, warm", {.delta = 0.5, .munchausen = true, .alpha = 0.5, .temperature = 0.7}, 1}};
}

struct Architecture {
  bool dueling = false, noisy = false;
  std::vector<std::int64_t> net_arch = {33, 16};
  Space observation = flat_observation(kFeatures);
};

/// One way of learning: two networks that are away from their start and from each other, and a learner of them.
struct Side {
  Side(const Objective& what, const Architecture& how, const Compute& compute)
      : rng(3),
        online(spec_with(how.observation, kActions), config(how), what.num_outputs, compute, rng),
        target(spec_with(how.observation, kActions), config(how), what.num_outputs, compute, rng),
        learner(online, target, compute) {
    for (QNetwork* network : {&online, &target}) {
      // The means alone: disturbed deviations would be noise in places where none goes.
      const at::Tensor flat = network->parameters().flat().narrow(0, 0, network->num_weights());
      disturb(flat, rng, 0.1);
      network->draw_noise(rng);
    }
  }

  static QNetworkConfig config(const Architecture& how) {
    return {.net_arch = how.net_arch, .dueling = how.dueling, .noisy = how.noisy};
  }

  at::Tensor gradient(const TransitionBatch& batch, const ValueObjective& objective) {
    learner.gradient(batch, objective);
    return online.parameters().gradient().clone();
  }

  Rng rng;
  QNetwork online, target;
  ValueLearner learner;
};

/// B transitions of any kind: ends, rewards beyond every support, masks that leave out some actions.
struct Batch {
  Batch(std::int64_t size, bool masked, bool weighted, std::int64_t num_features = kFeatures) {
    Rng rng(static_cast<std::uint64_t>(size) + 100);
    features = normal({size, num_features}, rng);
    next_features = normal({size, num_features}, rng);
    for (std::int64_t b = 0; b < size; ++b) {
      actions.push_back(rng.integers(0, kActions));
      rewards.push_back(static_cast<float>(b % 9 == 8 ? rng.normal(0, 20) : rng.normal(0, 2)));
      discounts.push_back(b % 5 == 4 ? 0.0f : 0.97f);
      weights.push_back(static_cast<float>(rng.uniform(0.1, 1)));
      const std::int64_t open = rng.integers(0, kActions);
      for (std::int64_t a = 0; a < kActions; ++a) {
        legal.push_back(a == actions.back() || rng.integers(0, 2));
        next_legal.push_back(a == open || rng.integers(0, 2));
      }
    }
    view = {.size = size,
            .features = features.const_data_ptr<float>(),
            .next_features = next_features.const_data_ptr<float>(),
            .actions = actions.data(),
            .rewards = rewards.data(),
            .discounts = discounts.data(),
            .weights = weighted ? weights.data() : nullptr,
            .legal = masked ? legal.data() : nullptr,
            .next_legal = masked ? next_legal.data() : nullptr};
  }
  Batch(const Batch&) = delete;

  at::Tensor features, next_features;
  std::vector<std::int64_t> actions;
  std::vector<float> rewards, discounts, weights;
  std::vector<std::uint8_t> legal, next_legal;
  TransitionBatch view;
};

/// The largest difference in one weight or bias, as a share of its largest number.
double relative_difference(QNetwork& layout, const at::Tensor& found, const at::Tensor& expected) {
  double worst = 0;
  auto compare = [&](std::int64_t offset, std::int64_t count) {
    const at::Tensor a = found.narrow(0, offset, count), b = expected.narrow(0, offset, count);
    const double size = std::max(1e-3, b.abs().max().item<double>());
    worst = std::max(worst, (a - b).abs().max().item<double>() / size);
  };
  for (std::int64_t part = 0; part < expected.numel() / layout.num_weights(); ++part) {  // the means, the deviations
    for (const FusedMlp::Layer& layer : layout.fused()->layers()) {
      compare(part * layout.num_weights() + layer.weight, layer.inputs * layer.outputs);
      compare(part * layout.num_weights() + layer.bias, layer.outputs);
    }
  }
  return worst;
}

void expect_near(const ValueMeans& found, const ValueMeans& expected, const std::string& what) {
  EXPECT_NEAR(found.loss, expected.loss, 1e-5 * std::max(1.0, std::abs(expected.loss))) << what;
  EXPECT_NEAR(found.q_value, expected.q_value, 1e-5 * std::max(1.0, std::abs(expected.q_value))) << what;
}

void expect_equal_sides(Side& fused, Side& reference, const Batch& batch, const ValueObjective& objective,
                        const std::string& what) {
  const at::Tensor expected = reference.gradient(batch.view, objective), found = fused.gradient(batch.view, objective);
  EXPECT_LT(relative_difference(fused.online, found, expected), 1e-5) << what;
  EXPECT_GT(expected.abs().max().item<double>(), 1e-3) << what;
  const float *errors = fused.learner.errors(), *expected_errors = reference.learner.errors();
  for (std::int64_t b = 0; b < batch.view.size; ++b)
    EXPECT_NEAR(errors[b], expected_errors[b], 1e-5 * std::max(1.0f, std::abs(expected_errors[b]))) << what << " " << b;
  expect_near(fused.learner.take_means(), reference.learner.take_means(), what);
}

TEST(ValueLearner, GradientsErrorsAndMeansEqualAutograd) {
  for (const Objective& what : objectives()) {
    for (const bool dueling : {false, true}) {
      for (const bool noisy : {false, true}) {
        const Architecture how{.dueling = dueling, .noisy = noisy};
        Side fused(what, how, {.fused = true}), reference(what, how, {.fused = false});
        ASSERT_TRUE(fused.online.fused() && !reference.online.fused());
        ASSERT_TRUE(at::equal(fused.online.parameters().flat(), reference.online.parameters().flat()));
        for (const std::int64_t size : {1, 5, 32, 64, 300}) {
          for (const bool masked : {false, true}) {
            for (const bool weighted : {false, true}) {
              expect_equal_sides(fused, reference, Batch(size, masked, weighted), what.objective,
                                 what.name + (dueling ? ", dueling" : "") + (noisy ? ", noisy" : "") +
                                     (masked ? ", masked" : "") + (weighted ? ", weighted, " : ", ") +
                                     std::to_string(size));
            }
          }
        }
      }
    }
  }
}

TEST(ValueLearner, LargeNetworksInSlicesEqualAutograd) {
  for (const Objective& what : objectives()) {
    const Architecture how{.dueling = true, .net_arch = {256, 256}};
    Side fused(what, how, {.fused = true}), reference(what, how, {.fused = false});
    for (const std::int64_t size : {64, 1100})
      expect_equal_sides(fused, reference, Batch(size, true, true), what.objective, what.name + std::to_string(size));
  }
}

TEST(ValueLearner, MasksAndWeightsChangeTheGradient) {
  // The comparisons above would be empty if both sides ignored them.
  for (const Objective& what : objectives()) {
    Side side(what, {}, {});
    const at::Tensor plain = side.gradient(Batch(64, false, false).view, what.objective),
                     masked = side.gradient(Batch(64, true, false).view, what.objective),
                     weighted = side.gradient(Batch(64, false, true).view, what.objective);
    EXPECT_GT(difference(masked, plain), 1e-4) << what.name;
    EXPECT_GT(difference(weighted, plain), 1e-4) << what.name;
  }
}

TEST(ValueLearner, ConvolutionsLearnTheSameWithAndWithoutKernels) {
  const Space image = Space::box(0, 1, {6, 6, 2});
  for (const Objective& what : objectives()) {
    const Architecture how{.dueling = true, .net_arch = {16}, .observation = image};
    Side fused(what, how, {.fused = true}), reference(what, how, {.fused = false});
    const Batch batch(9, true, true, image.size());
    const at::Tensor expected = reference.gradient(batch.view, what.objective);
    EXPECT_LT(difference(fused.gradient(batch.view, what.objective), expected), 1e-5) << what.name;
    // The filters come first.
    EXPECT_GT(expected.narrow(0, 0, 16 * 18).abs().max().item<double>(), 1e-4) << what.name;
    expect_near(fused.learner.take_means(), reference.learner.take_means(), what.name);
  }
}

TEST(ValueLearner, GradientsAreTheSameBitsOnAnyNumberOfThreads) {
  for (const Objective& what : objectives()) {
    const Architecture how{.dueling = true, .noisy = true, .net_arch = {256, 256}};
    Side alone(what, how, {});
    for (const std::int64_t size : {5, 64, 300}) {
      const Batch batch(size, true, true);
      const at::Tensor expected = alone.gradient(batch.view, what.objective);
      const std::vector<float> errors(alone.learner.errors(), alone.learner.errors() + size);
      const ValueMeans means = alone.learner.take_means();
      for (const int num_threads : {1, 2, 3}) {
        Side threaded(what, how, {.pool = std::make_shared<ThreadPool>(num_threads)});
        // Often enough that splitting is tried.
        for (int time = 0; time < SplitChoice::kTried; ++time) {
          ASSERT_TRUE(at::equal(threaded.gradient(batch.view, what.objective), expected)) << what.name << size;
          ASSERT_TRUE(std::equal(errors.begin(), errors.end(), threaded.learner.errors())) << what.name << size;
          const ValueMeans found = threaded.learner.take_means();
          ASSERT_EQ(found.loss, means.loss);
          ASSERT_EQ(found.q_value, means.q_value);
        }
      }
    }
  }
}

TEST(ValueLearner, LeavesNothingOfAnEarlierGradient) {
  // A large batch with masks and weights, then a small one without: nothing of the first may come back.
  for (const Objective& what : objectives()) {
    const Architecture how{.dueling = true, .net_arch = {256, 256}};
    Side used(what, how, {}), fresh(what, how, {});
    const Batch large(300, true, true), small(40, false, false);
    used.gradient(large.view, what.objective);
    used.learner.take_means();
    EXPECT_TRUE(at::equal(used.gradient(small.view, what.objective), fresh.gradient(small.view, what.objective)));
    EXPECT_EQ(used.learner.take_means().loss, fresh.learner.take_means().loss) << what.name;
    EXPECT_TRUE(at::equal(used.gradient(large.view, what.objective), fresh.gradient(large.view, what.objective)));
  }
}

TEST(ValueLearner, TenStepsStayTogether) {
  for (const Objective& what : objectives()) {
    const Architecture how{.dueling = true, .noisy = true};
    Side fused(what, how, {.fused = true}), reference(what, how, {.fused = false});
    Adam one(fused.online.parameters()), two(reference.online.parameters());
    const at::Tensor start = fused.online.parameters().flat().clone();
    auto step = [&](Side& side, Adam& adam, const Batch& batch) {
      side.online.draw_noise(side.rng);
      side.target.draw_noise(side.rng);
      side.learner.gradient(batch.view, what.objective);
      adam.step(side.online.parameters(), 3e-4, 10);
      side.online.update_weights();
      polyak_update(side.online.parameters(), side.target.parameters(), 0.1);
      side.target.update_weights();
    };
    for (int k = 0; k < 10; ++k) {
      const Batch batch(32 + k, true, true);
      step(fused, one, batch);
      step(reference, two, batch);
      EXPECT_LT(difference(fused.online.parameters().flat(), reference.online.parameters().flat()), 1e-5)
          << what.name << ", step " << k;
      EXPECT_LT(difference(fused.target.parameters().flat(), reference.target.parameters().flat()), 1e-5) << what.name;
    }
    EXPECT_GT((fused.online.parameters().flat() - start).abs().max().item<double>(), 1e-3) << what.name;
  }
}

TEST(ValueLearner, MeansAreThoseOfAllGradientsSinceTheLastCall) {
  for (const bool is_fused : {true, false}) {
    const Objective what = objectives().front();
    Side side(what, {}, {.fused = is_fused});
    const Batch first(20, false, false), second(30, false, false);
    auto means_of = [&](std::vector<const Batch*> batches) {
      for (const Batch* batch : batches) side.learner.gradient(batch->view, what.objective);
      EXPECT_EQ(side.learner.num_gradients(), static_cast<std::int64_t>(batches.size()));
      return side.learner.take_means();
    };
    const ValueMeans a = means_of({&first}), b = means_of({&second}), both = means_of({&first, &second});
    EXPECT_NEAR(both.loss, (a.loss + b.loss) / 2, 1e-9);
    EXPECT_NEAR(both.q_value, (a.q_value + b.q_value) / 2, 1e-9);
    EXPECT_EQ(side.learner.num_gradients(), 0);
    EXPECT_EQ(side.learner.take_means().loss, 0);
  }
}

TEST(ValueLearner, AnArchiveHoldsTheMeans) {
  const Objective what = objectives().front();
  Side from(what, {}, {}), to(what, {}, {});
  const Batch batch(20, false, false);
  from.gradient(batch.view, what.objective);
  copy_through_archive(from.learner, to.learner);
  EXPECT_EQ(to.learner.num_gradients(), 1);
  EXPECT_EQ(to.learner.take_means().loss, from.learner.take_means().loss);
}

TEST(ValueLearner, NumbersThatAreNotFiniteShowInTheLoss) {
  // A network that diverged, or a reward that is no number, must not look healthy, nor reach beyond an array.
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const Objective& what : objectives()) {
    for (const bool is_fused : {true, false}) {
      for (const bool in_network : {true, false}) {
        Side side(what, {}, {.fused = is_fused});
        Batch batch(20, false, false);
        if (in_network)
          side.online.parameters().flat().data_ptr<float>()[0] = nan;
        else
          batch.rewards[3] = nan;
        side.learner.gradient(batch.view, what.objective);
        EXPECT_TRUE(std::isnan(side.learner.take_means().loss)) << what.name << is_fused << in_network;
      }
    }
  }
}

/// Q(x, .) = v max(0, w x + b) + c for one feature and two actions.
QNetwork small_network(const Compute& compute, float w, float b, std::vector<float> v, std::vector<float> c) {
  Rng rng(1);
  QNetwork q(spec_with(flat_observation(1), 2), {.net_arch = {1}}, 1, compute, rng);
  float* weights = q.parameters().flat().data_ptr<float>();
  const std::vector<FusedMlp::Layer> layers = FusedMlp({1, {1}, 2, Activation::kRelu}).layers();
  weights[layers[0].weight] = w;
  weights[layers[0].bias] = b;
  for (std::int64_t a = 0; a < 2; ++a) {
    weights[layers[1].weight + a] = v[static_cast<std::size_t>(a)];
    weights[layers[1].bias + a] = c[static_cast<std::size_t>(a)];
  }
  return q;
}

/// w, b, v0, v1, c0, c1.
std::vector<float> numbers_of(const at::Tensor& flat) {
  const std::vector<FusedMlp::Layer> layers = FusedMlp({1, {1}, 2, Activation::kRelu}).layers();
  const float* at = flat.const_data_ptr<float>();
  return {at[layers[0].weight],     at[layers[0].bias], at[layers[1].weight],
          at[layers[1].weight + 1], at[layers[1].bias], at[layers[1].bias + 1]};
}

class ByHand {
 public:
  explicit ByHand(bool fused) : compute_{.fused = fused} {}

  /// One transition x = 2, action 1, reward 1, discount 0.5, x' = 1.
  std::vector<float> gradient(const ValueObjective& objective) {
    const float x = 2, next_x = 1, reward = 1, discount = 0.5f;
    const std::int64_t action = 1;
    learner.gradient({.size = 1,
                      .features = &x,
                      .next_features = &next_x,
                      .actions = &action,
                      .rewards = &reward,
                      .discounts = &discount},
                     objective);
    return numbers_of(online.parameters().gradient());
  }

 private:
  Compute compute_;

 public:
  QNetwork online = small_network(compute_, 1, 0, {0.5f, 1}, {0, 1});
  QNetwork target = small_network(compute_, 2, 0, {1, 3}, {0, -10});
  ValueLearner learner{online, target, compute_};
};

TEST(ValueLearner, OneStepByHand) {
  for (const bool fused : {true, false}) {
    ByHand step(fused);
    // Q'(x') = (1 * 2, 3 * 2 - 10) = (2, -4): y = 1 + 0.5 * 2 = 2. Q(x, 1) = 1 * 2 + 1 = 3, the error is 1.
    // dQ/dw = v1 x = 2, dQ/db = v1 = 1, dQ/dv1 = 2, dQ/dc1 = 1
    EXPECT_EQ(step.gradient({.delta = 0}), (std::vector<float>{2, 1, 0, 2, 0, 1}));
    EXPECT_EQ(step.learner.errors()[0], 1);
    ValueMeans means = step.learner.take_means();
    EXPECT_EQ(means.loss, 0.5);
    EXPECT_EQ(means.q_value, 3);

    // Double Q: Q(x') = (0.5, 2) chooses action 1, worth -4: y = -1 and the error is 4; Huber's slope is 1, its loss
    // 3.5.
    EXPECT_EQ(step.gradient({.double_q = true, .delta = 1}), (std::vector<float>{2, 1, 0, 2, 0, 1}));
    EXPECT_EQ(step.learner.errors()[0], 4);
    EXPECT_EQ(step.learner.take_means().loss, 3.5);
    EXPECT_EQ(step.gradient({.double_q = true, .delta = 0}), (std::vector<float>{8, 4, 0, 8, 0, 4}));

    // The first step of Adam is the learning rate, against the sign of the gradient.
    Adam adam(step.online.parameters(), {.eps = 1e-12});
    adam.step(step.online.parameters(), 0.1);
    const std::vector<float> moved = numbers_of(step.online.parameters().flat());
    const double expected[] = {0.9, -0.1, 0.5, 0.9, 0, 0.9};
    for (std::size_t k = 0; k < 6; ++k) EXPECT_NEAR(moved[k], expected[k], 1e-6) << k;
  }
}

TEST(ValueLearner, OneMunchausenStepByHand) {
  // tau = 1. Q'(x) = (4, 2): log pi(1 | x) = 2 - log(e^4 + e^2). V'(x') = log(e^2 + e^-4).
  const double log_pi = 2 - std::log(std::exp(4) + std::exp(2)), value = std::log(std::exp(2) + std::exp(-4));
  for (const bool fused : {true, false}) {
    ByHand step(fused);
    ValueObjective o{.delta = 0, .munchausen = true, .alpha = 0.5, .temperature = 1, .log_policy_low = -10};
    step.gradient(o);
    EXPECT_NEAR(step.learner.errors()[0], 3 - (1 + 0.5 * log_pi + 0.5 * value), 1e-5);
    o.log_policy_low = -1;  // log pi is -2.1
    step.gradient(o);
    EXPECT_NEAR(step.learner.errors()[0], 3 - (1 - 0.5 + 0.5 * value), 1e-5);
  }
}

TEST(ExpectedValues, ByHand) {
  // Two actions of two numbers: quantiles are averaged, logits weigh the atoms -2 and 4.
  const float outputs[] = {1, 3, 0, std::log(2.0f)};
  float q[2];
  expected_values(outputs, 1, 2, 2, {.loss = ValueLoss::kQuantile}, q);
  EXPECT_FLOAT_EQ(q[0], 2);
  // probabilities of the second action: 1/3 and 2/3
  expected_values(outputs, 1, 2, 2, {.loss = ValueLoss::kCategorical, .v_min = -2, .v_max = 4}, q);
  EXPECT_NEAR(q[1], -2.0 / 3 + 8.0 / 3, 1e-6);
}

}  // namespace
}  // namespace corvid::testing
