// Sequences of recurrent agents: n-step returns, priorities, rescaled values by hand; the loss against one written out
// in full.
#include "core/learn/sequence_loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/learn/returns.h"
#include "core/learn/value_losses.h"
#include "tests/nn/torch_testing.h"

namespace corvid::testing {
namespace {

TEST(NStepReturns, FoldAsManyStepsAsThePieceHas) {
  // Two pieces of 4 and 2 steps, time-major; the first terminates at its end, the second is cut off.
  const float rewards[] = {1, 5, 2, 6, 3, 0, 4, 0}, discounts[] = {0.5, 0.5, 0.5, 0.5, 0.5, 0, 0, 0},
              valid[] = {1, 1, 1, 1, 1, 0, 1, 0};
  float returns[8], factors[8];
  std::int64_t ends[8];
  n_step_returns(rewards, discounts, valid, 4, 2, 3, returns, factors, ends);
  const float expected[] = {1 + 1 + 0.75, 5 + 3, 2 + 1.5 + 1, 6, 3 + 2, 0, 4, 0};
  const float expected_factors[] = {0.125, 0.25, 0, 0.5, 0, 1, 0, 1};
  const std::int64_t expected_ends[] = {3, 2, 4, 2, 4, 2, 4, 3};
  for (int k = 0; k < 8; ++k) {
    EXPECT_FLOAT_EQ(returns[k], expected[k]) << k;
    EXPECT_FLOAT_EQ(factors[k], expected_factors[k]) << k;
    EXPECT_EQ(ends[k], expected_ends[k]) << k;
  }
}

TEST(SequencePriorities, MixTheLargestErrorWithTheMean) {
  // 0.9 * 3 + 0.1 * 2; the second piece has one step.
  const at::Tensor errors = at::tensor({1.0f, -4.0f, -3.0f, 100.0f}).view({2, 2});
  const at::Tensor valid = at::tensor({1.0f, 1.0f, 1.0f, 0.0f}).view({2, 2});
  const at::Tensor priorities = sequence_priorities(errors, valid, 0.9);
  EXPECT_FLOAT_EQ(priorities[0].item<float>(), 2.9f);
  EXPECT_FLOAT_EQ(priorities[1].item<float>(), 4.0f);
}

TEST(RescaleValues, ByHandAndBack) {
  // h(3) = 2 - 1 + 0.003, h(-8) = -(3 - 1) - 0.008
  const at::Tensor h = rescale_values(at::tensor({3.0f, -8.0f, 0.0f}));
  EXPECT_FLOAT_EQ(h[0].item<float>(), 1.003f);
  EXPECT_FLOAT_EQ(h[1].item<float>(), -2.008f);
  EXPECT_EQ(h[2].item<float>(), 0);
  for (const float x : {-1e4f, -3.5f, -1e-3f, 0.0f, 0.25f, 100.0f, 1e5f}) {
    const float back = unscale_values(rescale_values(at::tensor({x}))).item<float>();
    EXPECT_NEAR(back, x, 1e-5 * std::abs(x) + 1e-6);
  }
}

constexpr std::int64_t kInputs = 2, kHidden = 3, kActions = 2, kLead = 2, kSteps = 3, kRows = 3;

EnvSpec spec() { return {.observation = Space::box(-1, 1, {kInputs}), .action = Space::discrete(kActions)}; }

struct Networks {
  explicit Networks(bool fused, bool dueling = false) {
    Rng rng(3);
    const QNetworkConfig config{.net_arch = {4}, .activation = "tanh", .dueling = dueling};
    online.emplace(spec(), config, kHidden, Compute{.fused = fused}, rng);
    target.emplace(spec(), config, kHidden, Compute{.fused = fused}, rng);
  }
  std::optional<RecurrentQNetwork> online, target;
};

/// Pieces of 3, 2 and 1 steps with 2, 1 and 0 before them; the first goes on, the second terminates, the third is cut
/// off.
struct Batch {
  Batch() {
    Rng rng(8);
    features = normal({kLead + kSteps + 1, kRows, kInputs}, rng);
    states = normal({kRows, 2 * kHidden}, rng, 0, 0.5);
    rewards = normal({kLead + kSteps, kRows}, rng);
  }
  SequenceInputs view() const {
    return {.size = kRows,
            .length = kLead + kSteps,
            .lead = kLead,
            .features = features.const_data_ptr<float>(),
            .states = states.const_data_ptr<float>(),
            .first = first.data(),
            .actions = actions.data(),
            .rewards = rewards.const_data_ptr<float>(),
            .discounts = discounts.data(),
            .valid = valid.data(),
            .weights = weights.data(),
            .legal = legal.empty() ? nullptr : legal.data()};
  }
  SequenceTensors tensors(std::int64_t n_steps) const {
    return to_tensors(view(), kInputs, 2 * kHidden, kActions, n_steps, at::kCPU);
  }
  at::Tensor features, states, rewards;
  std::vector<std::int64_t> first = {0, 1, 2};
  std::vector<std::int64_t> actions = {0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0};
  std::vector<float> discounts = {0.9f, 0, 0, 0.9f, 0.9f, 0, 0.9f, 0.9f, 0.9f, 0.9f, 0, 0, 0.9f, 0, 0};
  std::vector<float> valid = {1, 0, 0, 1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 0, 0};
  std::vector<float> weights = {1, 0.5f, 0.25f};
  std::vector<std::uint8_t> legal;
};

at::Tensor gradient(Networks& networks, const SequenceTensors& batch, const SequenceObjective& objective) {
  networks.online->parameters().zero_grad();
  sequence_loss(*networks.online, *networks.target, batch, objective).loss.backward();
  return networks.online->parameters().gradient().clone();
}

/// Q-values [steps, A] of one row from its first step on, one step after the other. Steps before the tape begins are
/// detached.
at::Tensor unrolled(const RecurrentQNetwork& network, const Batch& batch, std::int64_t row, std::int64_t last) {
  at::Tensor state = batch.states.narrow(0, row, 1);
  const std::int64_t first = batch.first[static_cast<std::size_t>(row)];
  for (std::int64_t t = first; t < kLead; ++t)
    state = network.burn_in(batch.features.narrow(0, t, 1).narrow(1, row, 1), {}, state);
  return network.forward(batch.features.narrow(0, kLead, last - kLead + 1).narrow(1, row, 1), state).squeeze(1);
}

TEST(SequenceLoss, EqualsPiecesOneByOne) {
  // Without padding, without a batch: every step's error written out.
  for (const bool double_q : {true, false}) {
    for (const std::int64_t n : {1, 2}) {
      Networks networks(true);
      const Batch batch;
      const at::Tensor found = gradient(networks, batch.tensors(n), {.double_q = double_q, .delta = 0});
      networks.online->parameters().zero_grad();
      at::Tensor sum = at::zeros({});
      const std::int64_t lengths[] = {3, 2, 1};
      for (std::int64_t row = 0; row < kRows; ++row) {
        const std::int64_t length = lengths[row];
        const at::Tensor q = unrolled(*networks.online, batch, row, kLead + length);
        const at::Tensor next = unrolled(*networks.target, batch, row, kLead + length).detach();
        for (std::int64_t t = 0; t < length; ++t) {
          const std::int64_t m = std::min(n, length - t);
          double y = 0, discount = 1;
          for (std::int64_t k = 0; k < m; ++k) {
            const std::int64_t place = (kLead + t + k) * kRows + row;
            y += discount * batch.rewards.const_data_ptr<float>()[place];
            discount *= batch.discounts[static_cast<std::size_t>(place)];
          }
          const at::Tensor judge = (double_q ? q : next)[t + m];
          y += discount * next[t + m][judge.argmax().item<std::int64_t>()].item<double>();
          const std::int64_t action = batch.actions[static_cast<std::size_t>((kLead + t) * kRows + row)];
          sum = sum + batch.weights[static_cast<std::size_t>(row)] * 0.5 * (q[t][action] - y).square();
        }
      }
      (sum / 6).backward();
      EXPECT_LT(difference(found, networks.online->parameters().gradient()), 1e-6) << double_q << n;
      EXPECT_GT(found.abs().max().item<double>(), 1e-3);
    }
  }
}

TEST(SequenceLoss, PaddingChangesNothing) {
  Networks networks(true);
  Batch batch;
  const SequenceObjective objective{.value_rescaling = true};
  const at::Tensor expected = gradient(networks, batch.tensors(2), objective);
  // Everything that no valid step shows: in front of the first, and behind the successor of the last.
  Rng rng(77);
  for (std::int64_t t = 0; t <= kLead + kSteps; ++t) {
    for (std::int64_t row = 0; row < kRows; ++row) {
      const auto place = static_cast<std::size_t>(t * kRows + row);
      const bool before = t < batch.first[static_cast<std::size_t>(row)];
      const std::int64_t lengths[] = {3, 2, 1};
      if (!before && t <= kLead + lengths[row]) continue;
      disturb(batch.features[t][row], rng, 10);
      if (t == kLead + kSteps) continue;
      batch.rewards.data_ptr<float>()[place] += 100;
      batch.actions[place] = 1 - batch.actions[place];
      batch.discounts[place] = 0.5f;
    }
  }
  EXPECT_TRUE(at::equal(gradient(networks, batch.tensors(2), objective), expected));
  // And a step that counts does change it.
  disturb(batch.features[kLead - 1][0], rng, 1);
  EXPECT_FALSE(at::equal(gradient(networks, batch.tensors(2), objective), expected));
}

TEST(SequenceLoss, KernelsEqualAutograd) {
  for (const bool dueling : {false, true}) {
    Networks fused(true, dueling), plain(false, dueling);
    const Batch batch;
    const at::Tensor found = gradient(fused, batch.tensors(1), {}), expected = gradient(plain, batch.tensors(1), {});
    EXPECT_LT(difference(found, expected), 1e-5);
  }
}

TEST(SequenceLoss, NextActionsAreLegal) {
  // With action 1 illegal everywhere, the target is the value of action 0, however large the other one is.
  Networks networks(true);
  Batch batch;
  batch.legal.assign(static_cast<std::size_t>((kLead + kSteps + 1) * kRows * kActions), 1);
  for (std::size_t k = 1; k < batch.legal.size(); k += kActions) batch.legal[k] = 0;
  const SequenceTensors b = batch.tensors(1);
  const at::Tensor errors = sequence_loss(*networks.online, *networks.target, b, {}).errors;
  const at::Tensor next = unrolled(*networks.target, batch, 0, kLead + kSteps).detach();
  const at::Tensor q = unrolled(*networks.online, batch, 0, kLead + kSteps).detach();
  for (std::int64_t t = 0; t < kSteps; ++t) {
    const double y = b.reward[t][0].item<double>() + 0.9 * next[t + 1][0].item<double>();
    EXPECT_NEAR(errors[t][0].item<double>(), q[t][b.action[t][0].item<std::int64_t>()].item<double>() - y, 1e-5);
  }
}

TEST(RecurrentQNetwork, ActsAsItLearns) {
  for (const bool fused : {true, false}) {
    Networks networks(fused, true);
    Rng rng(4);
    const at::Tensor x = normal({6, 5, kInputs}, rng), states = at::zeros({5, 2 * kHidden});
    const at::Tensor q = networks.online->forward(x, states);
    const at::Tensor now = states.clone();
    at::Tensor found = at::empty({5, kActions});
    for (std::int64_t t = 0; t < 6; ++t) {
      networks.online->infer(x[t].const_data_ptr<float>(), 5, now.data_ptr<float>(), found.data_ptr<float>());
      EXPECT_LT(difference(found, q[t]), 1e-5) << t;
    }
    EXPECT_LT(difference(now, networks.online->burn_in(x, {}, states)), 1e-5);
  }
}

}  // namespace
}  // namespace corvid::testing
