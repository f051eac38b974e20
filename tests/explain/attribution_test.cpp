#include "core/explain/attribution.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "core/base/check.h"
#include "core/nn/actor_critic.h"
#include "tests/explain/hand_policy.h"
#include "tests/nn/torch_testing.h"

namespace corvid::testing {
namespace {

const EnvSpec kTwoFloats{.observation = Space::box(-10, 10, {2}),
                         .action = Space::discrete(2),
                         .observation_names = {"height", "speed"},
                         .action_names = {"wait", "jump"}};

/// Q(wait) = 3 x - 2 y, Q(jump) = x^2, V = x y
HandPolicy polynomials() {
  return HandPolicy([](const ObsView& obs, std::int64_t row, std::int64_t& action) {
    const float x = obs.as<float>()[2 * row], y = obs.as<float>()[2 * row + 1];
    action = 0;
    return Insight{.values = {x * y}, .action_values = {3 * x - 2 * y, x * x}};
  });
}

ObsView view_of(std::vector<float>& numbers) {
  ObsView view;
  view.leaf[0] = numbers.data();
  return view;
}

TEST(InputGradients, AreTheDerivativesOfTheOutputAsked) {
  HandPolicy policy = polynomials();
  std::vector<float> obs = {9, 9, 0.5f, -2};
  const ObsView view = view_of(obs);
  const std::vector<double> wait = input_gradients(policy, kTwoFloats, view, 1, {.value = false, .column = 0});
  EXPECT_NEAR(wait[0], 3, 1e-3);
  EXPECT_NEAR(wait[1], -2, 1e-3);
  const std::vector<double> jump = input_gradients(policy, kTwoFloats, view, 1, {.value = false, .column = 1});
  EXPECT_NEAR(jump[0], 1, 1e-3);
  EXPECT_NEAR(jump[1], 0, 1e-3);
  const std::vector<double> value = input_gradients(policy, kTwoFloats, view, 1, {.value = true});
  EXPECT_NEAR(value[0], -2, 1e-3);
  EXPECT_NEAR(value[1], 0.5, 1e-3);
  EXPECT_EQ(policy.num_calls, 3);  // one act() each
}

TEST(IntegratedGradients, ShareOutTheDifferenceToTheBaseline) {
  HandPolicy policy = polynomials();
  std::vector<float> obs = {2, 3};
  const std::vector<double> zeros = {0, 0}, ones = {1, 1};
  // A linear function: each weight times its number.
  auto result = integrated_gradients(policy, kTwoFloats, view_of(obs), 0, {.value = false, .column = 0}, zeros);
  EXPECT_NEAR(result.features[0], 6, 1e-4);
  EXPECT_NEAR(result.features[1], -6, 1e-4);
  EXPECT_EQ(result.output, 0);
  // x y from 0: the integral of y over the path is 3 / 2, times 2; of x the same.
  result = integrated_gradients(policy, kTwoFloats, view_of(obs), 0, {.value = true}, zeros);
  EXPECT_NEAR(result.features[0], 3, 1e-4);
  EXPECT_NEAR(result.features[1], 3, 1e-4);
  // From (1, 1): (2 - 1) times the mean of y on the path, 2, and (3 - 1) times the mean of x, 1.5.
  result = integrated_gradients(policy, kTwoFloats, view_of(obs), 0, {.value = true}, ones);
  EXPECT_NEAR(result.features[0], 2, 1e-4);
  EXPECT_NEAR(result.features[1], 3, 1e-4);
  EXPECT_EQ(result.output, 6);
  EXPECT_EQ(result.baseline_output, 1);
  // A feature as in the baseline has no share.
  result = integrated_gradients(policy, kTwoFloats, view_of(obs), 0, {.value = true}, std::vector<double>{2, 0});
  EXPECT_EQ(result.features[0], 0);
  EXPECT_NEAR(result.features[1], 6, 1e-4);
}

TEST(Attribution, OfANetworkIsCompleteAndEqualsAutograd) {
  const EnvSpec spec{.observation = Space::box(-10, 10, {5}), .action = Space::discrete(4, 2)};
  for (const char* activation : {"tanh", "relu", "silu"}) {
    for (const bool fused : {true, false}) {
      Rng rng(3);
      ActorCritic policy(spec, {.net_arch = {64, 33}, .activation = activation}, {.fused = fused, .pool = {}}, rng);
      for (const Mlp* mlp : {&policy.actor(), &policy.critic()}) {
        for (const at::Tensor& parameter : mlp->parameters()) disturb(parameter, rng, 0.1);
      }
      std::vector<float> obs;
      for (int k = 0; k < 5; ++k) obs.push_back(static_cast<float>(rng.standard_normal()));
      const ObsView view = view_of(obs);

      at::Tensor x = at::from_blob(obs.data(), {1, 5}, at::kFloat).clone().set_requires_grad(true);
      policy.critic().forward(x).sum().backward();
      const std::vector<double> gradients = input_gradients(policy, spec, view, 0, {.value = true});
      for (int k = 0; k < 5; ++k)
        EXPECT_NEAR(gradients[static_cast<std::size_t>(k)], x.grad()[0][k].item<double>(), 2e-2) << activation << k;

      const std::vector<double> zeros(5, 0);
      const Judgement judgement = judge(policy, spec, ObservationBatch(spec, 1, view));
      for (const Output& output : {chosen_output(spec, judgement, 0), Output{.value = true}}) {
        const auto result = integrated_gradients(policy, spec, view, 0, output, zeros);
        const double sum = std::accumulate(result.features.begin(), result.features.end(), 0.0);
        const double difference = result.output - result.baseline_output;
        EXPECT_GT(std::fabs(difference), 1e-3);
        EXPECT_NEAR(sum, difference, 1e-3 * std::fabs(difference) + 1e-6) << activation << output.value;
        EXPECT_NEAR(result.gap, difference - sum, 1e-12);
      }
    }
  }
}

TEST(Attribution, NamesFeaturesAndRefusesObservationsWithoutFloats) {
  EXPECT_EQ(feature_names(kTwoFloats), (std::vector<std::string>{"height", "speed"}));
  EXPECT_EQ(feature_names({.observation = Space::box(0, 1, {2}), .action = {}}),
            (std::vector<std::string>{"feature 0", "feature 1"}));
  HandPolicy policy = polynomials();
  const EnvSpec discrete{.observation = Space::discrete(4), .action = Space::discrete(2)};
  EXPECT_THROW(input_gradients(policy, discrete, {}, 0, {}), Error);
}

TEST(Output, OfTheActionThatWasChosen) {
  const EnvSpec spec{.observation = Space::box(0, 1, {1}), .action = Space::multi_discrete({3, 2})};
  const Insight insight{.values = {}, .probabilities = std::vector<float>(10)};
  const Judgement judgement{.n = 2, .insight = insight, .actions = {2, 0, 1, 1}};
  EXPECT_EQ(chosen_output(spec, judgement, 0, 0).column, 2);
  EXPECT_EQ(chosen_output(spec, judgement, 0, 1).column, 3);
  EXPECT_EQ(chosen_output(spec, judgement, 1, 0).column, 1);
  EXPECT_EQ(chosen_output(spec, judgement, 1, 1).column, 4);
  EXPECT_THROW(outputs(judgement, {.value = true}), Error);
}

}  // namespace
}  // namespace corvid::testing
