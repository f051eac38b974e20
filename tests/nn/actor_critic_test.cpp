// Acting and judging on Corvid's kernels against LibTorch's operations, on one thread and on several.
#include "core/nn/actor_critic.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "tests/nn/torch_testing.h"

namespace corvid::testing {
namespace {

constexpr std::int64_t kFeatures = 5;

std::vector<Space> action_spaces() {
  return {Space::discrete(4, 2), Space::multi_discrete({3, 2, 5}), Space::box(-1, 1, {3})};
}

/// Networks whose outputs are far from 0, as after some training.
ActorCritic networks(const Space& action, const std::string& activation, const Compute& compute) {
  const EnvSpec spec{.observation = Space::box(-10, 10, {kFeatures}), .action = action};
  Rng rng(3);
  ActorCritic result(spec, {.net_arch = {64, 33}, .activation = activation, .log_std_init = -0.5}, compute, rng);
  for (const Mlp* mlp : {&result.actor(), &result.critic()}) {
    for (const at::Tensor& parameter : mlp->parameters()) disturb(parameter, rng, 0.1);
  }
  return result;
}

std::vector<float> some_features(std::int64_t n) {
  Rng rng(5);
  std::vector<float> result(static_cast<std::size_t>(n * kFeatures));
  for (float& number : result) number = static_cast<float>(rng.standard_normal());
  return result;
}

struct Acted {
  std::vector<std::int64_t> discrete, sent_discrete;
  std::vector<float> continuous, sent_continuous, log_probs, values;
};

Acted act(ActorCritic& networks, const std::vector<float>& features, std::int64_t n) {
  const auto size = static_cast<std::size_t>(n * networks.distribution().action_size());
  const bool discrete = networks.distribution().action_type() == at::kLong;
  Acted result{std::vector<std::int64_t>(size),
               std::vector<std::int64_t>(size),
               std::vector<float>(size),
               std::vector<float>(size),
               std::vector<float>(static_cast<std::size_t>(n)),
               std::vector<float>(static_cast<std::size_t>(n))};
  Rng rng(8);
  void* actions = discrete ? static_cast<void*>(result.discrete.data()) : result.continuous.data();
  void* sent = discrete ? static_cast<void*>(result.sent_discrete.data()) : result.sent_continuous.data();
  networks.act(features.data(), n, rng, actions, sent, result.log_probs.data());
  networks.value(features.data(), n, result.values.data());
  return result;
}

void expect_near(const std::vector<float>& found, const std::vector<float>& expected, const std::string& what) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t k = 0; k < found.size(); ++k)
    ASSERT_NEAR(found[k], expected[k], 1e-5 * std::max(1.0f, std::abs(expected[k]))) << what << " " << k;
}

TEST(ActorCritic, ActsAndJudgesAlikeFusedAndNot) {
  for (const Space& space : action_spaces()) {
    for (const std::string activation : {"tanh", "relu", "silu"}) {
      ActorCritic fused = networks(space, activation, {.fused = true});
      ActorCritic reference = networks(space, activation, {.fused = false});
      ASSERT_TRUE(fused.actor().fused() && fused.critic().fused());
      ASSERT_FALSE(reference.actor().fused() || reference.critic().fused());
      ASSERT_TRUE(at::equal(fused.parameters().flat(), reference.parameters().flat()));
      for (const std::int64_t n : {1, 4, 64, 2, 700}) {  // up and down: memory grows and is used again
        const std::vector<float> features = some_features(n);
        const std::string what = space.to_string() + " " + activation + " " + std::to_string(n);
        const Acted found = act(fused, features, n), expected = act(reference, features, n);
        EXPECT_EQ(found.discrete, expected.discrete) << what;
        EXPECT_EQ(found.sent_discrete, expected.sent_discrete) << what;
        expect_near(found.continuous, expected.continuous, what + " action");
        expect_near(found.sent_continuous, expected.sent_continuous, what + " sent action");
        expect_near(found.log_probs, expected.log_probs, what + " log prob");
        expect_near(found.values, expected.values, what + " value");
      }
    }
  }
}

TEST(ActorCritic, LogProbsOfActingAreThoseOfLearning) {
  for (const bool fused : {true, false}) {
    for (const Space& space : action_spaces()) {
      ActorCritic nets = networks(space, "tanh", {.fused = fused});
      const std::int64_t n = 50;
      std::vector<float> features = some_features(n);
      Acted acted = act(nets, features, n);
      const bool discrete = nets.distribution().action_type() == at::kLong;
      void* stored = discrete ? static_cast<void*>(acted.discrete.data()) : acted.continuous.data();
      const at::Tensor actions =
          at::from_blob(stored, {n, nets.distribution().action_size()}, nets.distribution().action_type());
      const ActorCritic::Outputs outputs = nets.evaluate(at::from_blob(features.data(), {n, kFeatures}), actions);
      for (std::int64_t k = 0; k < n; ++k) {
        EXPECT_NEAR(outputs.log_prob[k].item<float>(), acted.log_probs[static_cast<std::size_t>(k)], 1e-5);
        EXPECT_NEAR(outputs.value[k].item<float>(), acted.values[static_cast<std::size_t>(k)], 1e-5);
      }
    }
  }
}

TEST(ActorCritic, ARowDoesNotDependOnItsCompanyOrOnThreads) {
  constexpr std::int64_t kMost = 3000;  // several chunks and slices
  const std::vector<float> features = some_features(kMost);
  const Space space = Space::discrete(2);
  ActorCritic alone = networks(space, "tanh", {.fused = true});
  std::vector<float> expected(kMost);
  for (std::int64_t k = 0; k < kMost; ++k)
    alone.value(features.data() + k * kFeatures, 1, &expected[static_cast<std::size_t>(k)]);
  for (const int num_threads : {1, 2, 3}) {
    ActorCritic nets = networks(space, "tanh", {.fused = true, .pool = std::make_shared<ThreadPool>(num_threads)});
    for (const std::int64_t n : {std::int64_t{7}, std::int64_t{256}, std::int64_t{257}, std::int64_t{1025}, kMost}) {
      // Often enough that both ways of splitting are tried.
      for (int time = 0; time < 25; ++time) {
        std::vector<float> values(static_cast<std::size_t>(n));
        nets.value(features.data(), n, values.data());
        ASSERT_TRUE(std::equal(values.begin(), values.end(), expected.begin()))
            << num_threads << " threads, " << n << " rows";
      }
    }
  }
}

TEST(ActorCritic, ReportsNetworksThatDiverged) {
  for (const bool fused : {true, false}) {
    ActorCritic nets = networks(Space::discrete(2), "tanh", {.fused = fused});
    nets.parameters().flat().data_ptr<float>()[0] = std::numeric_limits<float>::quiet_NaN();  // the actor's
    const std::vector<float> features(4 * kFeatures, 1);
    EXPECT_THROW(act(nets, features, 4), Error) << fused;
    std::vector<float> values(4);
    nets.value(features.data(), 4, values.data());
    for (const float value : values) EXPECT_TRUE(std::isfinite(value)) << fused;
  }
}

}  // namespace
}  // namespace corvid::testing
