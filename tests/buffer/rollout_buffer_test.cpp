#include "core/buffer/rollout_buffer.h"

#include <gtest/gtest.h>

namespace corvid {
namespace {

EnvSpec small_spec() {
  return {
      .observation = Space::box(-1, 1, {1}), .action = Space::discrete(2), .observation_names = {}, .action_names = {}};
}

TEST(RolloutBuffer, HandsOutItsOwnRowsAndKeepsTheLastObservation) {
  RolloutBuffer buffer(small_spec(), 2, 2, 1, 1, at::kLong);
  buffer.obs().as<float>()[0] = 0.5f;
  for (int t = 0; t < 2; ++t) {
    const StepView step = buffer.sink();
    EXPECT_EQ(step.obs.as<float>(), buffer.obs(t + 1).as<float>());
    for (int i = 0; i < 2; ++i) step.obs.as<float>()[i] = static_cast<float>(10 * t + i);
    buffer.advance();
  }
  EXPECT_TRUE(buffer.full());
  EXPECT_EQ(buffer.obs(0).as<float>()[0], 0.5f);
  buffer.clear();
  EXPECT_EQ(buffer.size(), 0);
  EXPECT_EQ(buffer.obs().as<float>()[0], 10);
  EXPECT_EQ(buffer.obs().as<float>()[1], 11);
}

TEST(RolloutBuffer, BootstrapsTimeLimitsFromTheTrueSuccessorAndNotTerminations) {
  // Three environments over one step with values 1 now and 2 after: one goes on, one terminates, one is cut off in a
  // state worth 8.
  RolloutBuffer buffer(small_spec(), 1, 3, 1, 1, at::kLong);
  const StepView step = buffer.sink();
  for (int i = 0; i < 3; ++i) {
    buffer.values(0)[i] = 1;
    buffer.rewards(0)[i] = 1;
    step.terminated[i] = i == 1;
    step.truncated[i] = i == 2;
  }
  buffer.next_values(0)[2] = 8;
  buffer.advance();
  for (int i = 0; i < 3; ++i) buffer.values(1)[i] = 2;
  buffer.compute_advantages(0.5, 0.9);
  const at::Tensor advantages = buffer.flat_advantages(), returns = buffer.flat_returns();
  EXPECT_FLOAT_EQ(advantages[0].item<float>(), 1 + 0.5f * 2 - 1);
  EXPECT_FLOAT_EQ(advantages[1].item<float>(), 0);
  EXPECT_FLOAT_EQ(advantages[2].item<float>(), 1 + 0.5f * 8 - 1);
  EXPECT_FLOAT_EQ(returns[2].item<float>(), 5);
}

TEST(RolloutBuffer, LambdaReturnsBootstrapAsAdvantagesDo) {
  // As above over two steps, lambda 0.5: values of the successors are 2 after the first step, 4 after the second.
  RolloutBuffer buffer(small_spec(), 2, 3, 1, 1, at::kLong);
  for (int t = 0; t < 2; ++t) {
    const StepView step = buffer.sink();
    for (int i = 0; i < 3; ++i) {
      buffer.rewards(t)[i] = 1;
      buffer.values(t)[i] = t == 0 ? 9 : 2;
      step.terminated[i] = t == 0 && i == 1;
      step.truncated[i] = t == 0 && i == 2;
    }
    buffer.next_values(t)[2] = 8;
    buffer.advance();
  }
  for (int i = 0; i < 3; ++i) buffer.values(2)[i] = 4;
  buffer.compute_lambda_returns(0.5, 0.5);
  const at::Tensor returns = buffer.flat_returns();
  EXPECT_TRUE(at::equal(returns, at::tensor({1 + 0.5f * (1 + 1.5f), 1.0f, 1 + 0.5f * 8, 3.0f, 3.0f, 3.0f})));
}

TEST(RolloutBuffer, KeepsMasksBesideObservations) {
  EnvSpec spec = small_spec();
  EXPECT_EQ(RolloutBuffer(spec, 2, 2, 1, 1, at::kLong).obs().action_mask, nullptr);
  spec.masks_actions = true;
  RolloutBuffer buffer(spec, 2, 2, 1, 1, at::kLong), other(spec, 2, 2, 1, 1, at::kLong);
  for (int t = 0; t < 2; ++t) {
    const StepView step = buffer.sink();
    EXPECT_EQ(step.obs.action_mask, buffer.obs(t + 1).action_mask);
    for (int k = 0; k < 4; ++k) step.obs.action_mask[k] = static_cast<std::uint8_t>(k == t);
    step.final_obs.action_mask[3] = 1;
    EXPECT_EQ(buffer.final_obs(1).action_mask, step.final_obs.action_mask + 2);
    buffer.advance();
  }
  EXPECT_EQ(buffer.obs(1).action_mask[0], 1);
  EXPECT_EQ(buffer.obs(2).action_mask[1], 1);
  BlobWriter writer;
  buffer.visit(writer);
  const auto bytes = writer.take();
  BlobReader reader(bytes);
  other.visit(reader);
  for (RolloutBuffer* each : {&buffer, &other}) {
    each->clear();
    for (int k = 0; k < 4; ++k) EXPECT_EQ(each->obs().action_mask[k], k == 1) << k;
  }
}

TEST(RolloutBuffer, SurvivesAnArchiveInTheMiddleOfARollout) {
  RolloutBuffer first(small_spec(), 3, 2, 1, 1, at::kLong), second(small_spec(), 3, 2, 1, 1, at::kLong);
  first.features(0)[1] = 0.25f;
  static_cast<std::int64_t*>(first.actions(0))[0] = 1;
  first.sink().reward[1] = -3;
  first.advance();
  first.obs().as<float>()[1] = 0.75f;
  BlobWriter writer;
  first.visit(writer);
  const auto bytes = writer.take();
  BlobReader reader(bytes);
  second.visit(reader);
  EXPECT_EQ(second.size(), 1);
  EXPECT_EQ(second.obs().as<float>()[1], 0.75f);
  EXPECT_EQ(second.features(0)[1], 0.25f);
  EXPECT_TRUE(at::equal(second.flat_actions(), first.flat_actions()));
}

}  // namespace
}  // namespace corvid
