// Gradients of policy objectives on Corvid's kernels against LibTorch's autograd, and what optimizers make of them.
#include "core/learn/policy_learner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "core/nn/optimizer.h"
#include "tests/nn/torch_testing.h"

namespace corvid::testing {
namespace {

constexpr std::int64_t kFeatures = 6;

struct Case {
  std::string name;
  Space action;
};

std::vector<Case> action_spaces() {
  return {{"Discrete", Space::discrete(5)},
          {"MultiDiscrete", Space::multi_discrete({3, 2, 7})},
          {"Box", Space::box(-2, 2, {3})}};
}

ActorCritic networks(const Space& action, const Compute& compute, const std::string& activation = "tanh") {
  const EnvSpec spec{.observation = Space::box(-10, 10, {kFeatures}), .action = action};
  Rng rng(3);
  return {spec, {.net_arch = {64, 33}, .activation = activation, .log_std_init = -0.3}, compute, rng};
}

/// One way of learning: networks that are away from their start, and a learner of them.
struct Side {
  Side(const Space& action, const Compute& compute, const std::string& activation = "tanh")
      : nets(networks(action, compute, activation)), learner(nets, compute) {
    Rng rng(4);
    for (const Mlp* mlp : {&nets.actor(), &nets.critic()}) {
      for (const at::Tensor& parameter : mlp->parameters()) disturb(parameter, rng, 0.1);
    }
  }

  at::Tensor gradient(const PolicyBatch& batch, std::span<const std::int64_t> rows, const PolicyObjective& objective) {
    learner.gradient(batch, rows, objective);
    return nets.parameters().gradient().clone();
  }

  ActorCritic nets;
  PolicyLearner learner;
};

/// B transitions as a policy that differs a little from `nets` could have left them.
PolicyBatch some_batch(const ActorCritic& nets, const Space& action, std::int64_t size) {
  Rng rng(7);
  PolicyBatch batch;
  batch.features = normal({size, kFeatures}, rng);
  if (action.kind == Space::Kind::kBox) {
    batch.actions = normal({size, action.size()}, rng);
  } else {
    const std::vector<std::int64_t> sizes = action.kind == Space::Kind::kDiscrete ? std::vector{action.n} : action.nvec;
    batch.actions = at::empty({size, static_cast<std::int64_t>(sizes.size())}, at::kLong);
    std::int64_t* number = batch.actions.data_ptr<std::int64_t>();
    for (std::int64_t b = 0; b < size; ++b) {
      for (const std::int64_t n : sizes) *number++ = rng.integers(0, n);
    }
  }
  at::NoGradGuard no_grad;
  const ActorCritic::Outputs outputs = nets.evaluate(batch.features, batch.actions);
  batch.old_log_prob = outputs.log_prob + normal({size}, rng, 0, 0.2);
  batch.old_value = outputs.value + normal({size}, rng, 0, 0.3);
  batch.returns = outputs.value + normal({size}, rng, 0.2, 1);
  batch.advantage = normal({size}, rng, 0.5, 2);
  return batch;
}

std::vector<std::pair<std::string, PolicyObjective>> objectives() {
  return {{"PPO", {}},
          {"PPO with clipped values", {.clip_range_vf = 0.2}},
          {"PPO with entropy", {.ent_coef = 0.05}},
          {"PPO, advantages as they are", {.clip_range = 0.1, .normalize_advantage = false}},
          {"policy gradient",
           {.loss = PolicyLoss::kPolicyGradient, .vf_coef = 0.25, .ent_coef = 0.01, .normalize_advantage = false}},
          {"policy gradient, normalised", {.loss = PolicyLoss::kPolicyGradient, .clip_range_vf = 0.1}}};
}

std::vector<std::int64_t> shuffled_rows(std::int64_t of, std::int64_t count, std::uint64_t seed) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(of));
  std::iota(rows.begin(), rows.end(), std::int64_t{0});
  Rng rng(seed);
  rng.shuffle(std::span(rows));
  rows.resize(static_cast<std::size_t>(count));
  return rows;
}

void expect_near(const PolicyMeans& found, const PolicyMeans& expected, const std::string& what) {
  auto near = [&](double a, double b, const char* name) {
    EXPECT_NEAR(a, b, 1e-5 * std::max(1.0, std::abs(b))) << what << " " << name;
  };
  near(found.policy_loss, expected.policy_loss, "policy_loss");
  near(found.value_loss, expected.value_loss, "value_loss");
  near(found.entropy, expected.entropy, "entropy");
  near(found.approx_kl, expected.approx_kl, "approx_kl");
  near(found.clip_fraction, expected.clip_fraction, "clip_fraction");
}

TEST(PolicyLearner, GradientsAndLossesEqualAutograd) {
  for (const Case& space : action_spaces()) {
    Side fused(space.action, {.fused = true}), reference(space.action, {.fused = false});
    ASSERT_TRUE(fused.nets.actor().fused());
    ASSERT_FALSE(reference.nets.actor().fused());
    for (const std::int64_t size : {1, 2, 64, 700, 2000}) {
      const PolicyBatch batch = some_batch(reference.nets, space.action, size);
      for (const auto& [name, objective] : objectives()) {
        for (const std::int64_t count : {std::int64_t{0}, (size + 1) / 2, std::int64_t{1}}) {  // 0: the whole batch
          const std::vector<std::int64_t> rows = shuffled_rows(size, count, 5);
          const std::string what =
              space.name + ", " + name + ", " + std::to_string(count) + " of " + std::to_string(size);
          const at::Tensor expected = reference.gradient(batch, rows, objective);
          EXPECT_LT(difference(fused.gradient(batch, rows, objective), expected), 1e-5) << what;
          EXPECT_GT(expected.abs().max().item<double>(), 1e-3) << what;
          EXPECT_NEAR(fused.learner.last_approx_kl(), reference.learner.last_approx_kl(), 1e-5) << what;
          expect_near(fused.learner.take_means(), reference.learner.take_means(), what);
        }
      }
    }
  }
}

TEST(PolicyLearner, BatchesReachEveryCase) {
  // The comparison above would be empty if nothing were clipped, or everything.
  Side side(Space::discrete(5), {.fused = true});
  const PolicyBatch batch = some_batch(side.nets, Space::discrete(5), 700);
  side.learner.gradient(batch, {}, {});
  const double clipped = side.learner.take_means().clip_fraction;
  EXPECT_GT(clipped, 0.1);
  EXPECT_LT(clipped, 0.9);
  const at::Tensor change = (side.nets.evaluate(batch.features, batch.actions).value - batch.old_value).abs().detach();
  const double held = (change > 0.2).to(at::kFloat).mean().item<double>();
  EXPECT_GT(held, 0.1);
  EXPECT_LT(held, 0.9);
}

TEST(PolicyLearner, MeansAreThoseOfAllGradientsSinceTheLastCall) {
  for (const bool is_fused : {true, false}) {
    Side side(Space::discrete(5), {.fused = is_fused});
    const PolicyBatch batch = some_batch(side.nets, Space::discrete(5), 64);
    const std::vector<std::int64_t> one = shuffled_rows(64, 20, 1), two = shuffled_rows(64, 30, 2);
    auto means_of = [&](const std::vector<std::vector<std::int64_t>>& minibatches) {
      for (const auto& rows : minibatches) side.learner.gradient(batch, rows, {});
      EXPECT_EQ(side.learner.num_gradients(), static_cast<std::int64_t>(minibatches.size()));
      return side.learner.take_means();
    };
    const PolicyMeans a = means_of({one}), b = means_of({two}), both = means_of({one, two});
    EXPECT_NEAR(both.policy_loss, (a.policy_loss + b.policy_loss) / 2, 1e-9);
    EXPECT_NEAR(both.value_loss, (a.value_loss + b.value_loss) / 2, 1e-9);
    EXPECT_EQ(side.learner.num_gradients(), 0);
    EXPECT_EQ(side.learner.take_means().value_loss, 0);
  }
}

TEST(PolicyLearner, EqualsAutogradForOtherActivations) {
  for (const std::string activation : {"relu", "silu"}) {
    for (const Case& space : action_spaces()) {
      Side fused(space.action, {.fused = true}, activation), reference(space.action, {.fused = false}, activation);
      const PolicyBatch batch = some_batch(reference.nets, space.action, 300);
      const PolicyObjective objective{.clip_range_vf = 0.3, .ent_coef = 0.01};
      EXPECT_LT(difference(fused.gradient(batch, {}, objective), reference.gradient(batch, {}, objective)), 1e-5)
          << space.name << " " << activation;
    }
  }
}

TEST(PolicyLearner, LeavesNothingOfAnEarlierGradient) {
  // A large batch, then a small one: slices of the first must not come back.
  for (const Case& space : action_spaces()) {
    Side used(space.action, {.fused = true}), fresh(space.action, {.fused = true});
    const PolicyBatch large = some_batch(used.nets, space.action, 2000),
                      small = some_batch(used.nets, space.action, 40);
    used.gradient(large, {}, {.ent_coef = 0.1});
    used.learner.take_means();
    EXPECT_TRUE(at::equal(used.gradient(small, {}, {}), fresh.gradient(small, {}, {}))) << space.name;
    EXPECT_EQ(used.learner.take_means().policy_loss, fresh.learner.take_means().policy_loss) << space.name;
    EXPECT_TRUE(at::equal(used.gradient(large, {}, {}), fresh.gradient(large, {}, {}))) << space.name;
  }
}

TEST(PolicyLearner, TenOptimizerStepsStayTogether) {
  using Make = std::function<std::unique_ptr<Optimizer>(const Parameters&, bool)>;
  const std::vector<std::pair<std::string, Make>> optimizers = {
      {"Adam", [](const Parameters& p, bool fused) { return std::make_unique<Adam>(p, AdamConfig{.fused = fused}); }},
      {"AdamW", [](const Parameters& p,
                   bool fused) { return std::make_unique<Adam>(p, AdamConfig{.weight_decay = 0.01, .fused = fused}); }},
      {"RmsProp",
       [](const Parameters& p, bool fused) { return std::make_unique<RmsProp>(p, RmsPropConfig{.fused = fused}); }}};
  for (const Case& space : action_spaces()) {
    for (const auto& [name, make] : optimizers) {
      Side fused(space.action, {.fused = true}), reference(space.action, {.fused = false});
      const at::Tensor start = fused.nets.parameters().flat().clone();
      ASSERT_TRUE(at::equal(start, reference.nets.parameters().flat()));
      const PolicyBatch batch = some_batch(reference.nets, space.action, 256);
      const auto one = make(fused.nets.parameters(), true), two = make(reference.nets.parameters(), false);
      const PolicyObjective objective{.clip_range_vf = 0.5, .ent_coef = 0.01};
      for (int step = 0; step < 10; ++step) {
        const std::vector<std::int64_t> rows = shuffled_rows(256, 64, static_cast<std::uint64_t>(step));
        fused.learner.gradient(batch, rows, objective);
        reference.learner.gradient(batch, rows, objective);
        one->step(fused.nets.parameters(), 3e-4, 0.5);
        two->step(reference.nets.parameters(), 3e-4, 0.5);
        EXPECT_LT(difference(fused.nets.parameters().flat(), reference.nets.parameters().flat()), 1e-5)
            << space.name << ", " << name << ", step " << step;
      }
      EXPECT_GT((fused.nets.parameters().flat() - start).abs().max().item<double>(), 1e-3) << name;
    }
  }
}

TEST(PolicyLearner, GradientsAreTheSameBitsOnAnyNumberOfThreads) {
  for (const Case& space : action_spaces()) {
    Side alone(space.action, {.fused = true});
    for (const std::int64_t size : {1, 64, 700, 2000}) {
      const PolicyBatch batch = some_batch(alone.nets, space.action, size);
      const std::vector<std::int64_t> rows = shuffled_rows(size, (size + 1) / 2, 9);
      const PolicyObjective objective{.clip_range_vf = 0.2, .ent_coef = 0.01};
      const at::Tensor whole = alone.gradient(batch, {}, objective), part = alone.gradient(batch, rows, objective);
      for (const int num_threads : {1, 2, 3}) {
        Side threaded(space.action, {.fused = true, .pool = std::make_shared<ThreadPool>(num_threads)});
        // Often enough that splitting is tried.
        for (int time = 0; time < SplitChoice::kTried; ++time) {
          ASSERT_TRUE(at::equal(threaded.gradient(batch, {}, objective), whole)) << space.name << size << num_threads;
          ASSERT_TRUE(at::equal(threaded.gradient(batch, rows, objective), part)) << space.name << size << num_threads;
        }
      }
    }
  }
}

TEST(PolicyLearner, ReportsALossThatIsNoNumberBothWays) {
  // A value that is not a number must not look like one that was merely clipped.
  const Space space = Space::discrete(5);
  for (const bool is_fused : {true, false}) {
    for (const double clip_range_vf : {0.0, 0.2}) {
      Side side(space, {.fused = is_fused});
      const PolicyBatch batch = some_batch(side.nets, space, 20);
      for (const Mlp* mlp : {&side.nets.actor(), &side.nets.critic()})
        mlp->parameters().back().data_ptr<float>()[0] = std::numeric_limits<float>::quiet_NaN();  // a bias
      side.learner.gradient(batch, {}, {.clip_range_vf = clip_range_vf});
      const PolicyMeans means = side.learner.take_means();
      EXPECT_TRUE(std::isnan(means.policy_loss)) << "fused " << is_fused;
      EXPECT_TRUE(std::isnan(means.value_loss)) << "fused " << is_fused << ", clip_range_vf " << clip_range_vf;
    }
  }
}

}  // namespace
}  // namespace corvid::testing
