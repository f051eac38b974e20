// What every registered environment must do.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <functional>
#include <map>
#include <set>

#include "core/env/env_registry.h"
#include "render/svg_canvas.h"
#include "tests/env/env_testing.h"

namespace corvid {
namespace {

using env_testing::append;
using env_testing::append_obs;
using env_testing::append_step;
using env_testing::Bytes;
using env_testing::make;
using env_testing::obs_bytes;
using env_testing::RandomActions;
using env_testing::same;
using env_testing::saved;

// Environments whose every episode is the same by their rules, and which have no model that would say so.
const std::map<std::string, const char*> kNothingRandom = {
    {"Probe/OneStep-v0", "one constant observation and reward"},
    {"Probe/TwoStep-v0", "two fixed steps"},
    {"Probe/TimeLimit-v0", "one constant observation and reward"},
    {"Probe/TwoActions-v0", "the reward depends on the action only"},
    {"MiniGrid-DistShift1-v0", "the level is fixed"},
    {"MiniGrid-DistShift2-v0", "the level is fixed"},
    {"MiniGrid-Empty-5x5-v0", "the level is fixed"},
    {"MiniGrid-Empty-6x6-v0", "the level is fixed"},
    {"MiniGrid-Empty-8x8-v0", "the level is fixed"},
    {"MiniGrid-Empty-16x16-v0", "the level is fixed"},
};

// Levels with so few layouts, or so little to be seen of them from the start, that a few seeds may look alike.
constexpr const char* kFewStarts[] = {"MiniGrid-Empty-Random-", "MiniGrid-LavaGap", "MiniGrid-LavaCrossing",
                                      "MiniGrid-SimpleCrossing", "MiniGrid-Memory"};

/// The whole of environment `i`'s trajectory over `num_steps` random actions, as bytes.
std::vector<Bytes> run(VectorEnv& env, std::uint64_t seed, int num_steps, bool same_actions = false) {
  StepBuffer buffer(env.spec(), env.num_envs());
  RandomActions actions(env.spec().action, env.num_envs(), 1000);
  std::vector<Bytes> rows(static_cast<std::size_t>(env.num_envs()));
  const Space& space = env.spec().observation;
  env.reset(seed, buffer.view().obs);
  for (int i = 0; i < env.num_envs(); ++i) append_obs(rows[static_cast<std::size_t>(i)], space, buffer.view().obs, i);
  for (int t = 0; t < num_steps; ++t) {
    actions.next_all();
    if (same_actions) actions.copy_first();
    env.step(actions.view(), buffer.view());
    for (int i = 0; i < env.num_envs(); ++i) append_step(rows[static_cast<std::size_t>(i)], space, buffer.view(), i);
  }
  return rows;
}

bool deterministic_by_model(const TabularModel& model) {
  const bool one_start = std::count_if(model.initial.begin(), model.initial.end(), [](double p) { return p > 0; }) == 1;
  return one_start &&
         std::all_of(model.outcomes.begin(), model.outcomes.end(), [](const auto& row) { return row.size() == 1; });
}

class Contract : public ::testing::TestWithParam<std::string> {
 protected:
  const EnvEntry& entry() const { return env_registry().at(GetParam()); }

  static void expect_in_space(const Space& space, const ObsView& obs, int i) {
    const auto leaves = space.leaves();
    for (std::size_t leaf = 0; leaf < leaves.size(); ++leaf) {
      const Space& part = *leaves[leaf].second;
      const auto* row = static_cast<const std::byte*>(obs.leaf[leaf]) + static_cast<std::size_t>(i) * part.bytes();
      ASSERT_TRUE(part.contains(row)) << "observation " << leaves[leaf].first << " of environment " << i
                                      << " is outside " << part.to_string();
    }
  }
};

TEST_P(Contract, SaysWhatItIs) {
  EXPECT_FALSE(entry().family.empty());
  EXPECT_FALSE(entry().source.empty());
  EXPECT_FALSE(entry().reward.empty());
  EXPECT_NE(entry().reward.back(), '.');
  EXPECT_TRUE(entry().file.starts_with("envs/")) << entry().file;
  EXPECT_GT(entry().summary.size(), 10u);
  EXPECT_NE(entry().summary.back(), '.') << "summaries are list entries without a full stop";
  EXPECT_GE(entry().max_episode_steps, 0);
}

TEST_P(Contract, NamesHaveTheRightNumber) {
  const EnvSpec spec = entry().spec(entry(), {});
  const Space& action = spec.action;
  const auto expected = action.kind == Space::Kind::kDiscrete ? action.n : action.size();
  EXPECT_EQ(static_cast<std::int64_t>(spec.action_names.size()), expected);
  if (!spec.observation_names.empty()) {
    std::int64_t numbers = 0;
    for (const auto& [name, leaf] : spec.observation.leaves()) numbers += leaf->size();
    EXPECT_EQ(static_cast<std::int64_t>(spec.observation_names.size()), numbers);
  }
}

TEST_P(Contract, BoxBoundsAreInOrder) {
  const EnvSpec spec = entry().spec(entry(), {});
  std::vector<std::pair<std::string, const Space*>> spaces = spec.observation.leaves();
  spaces.emplace_back("action", &spec.action);
  for (const auto& [name, space] : spaces) {
    ASSERT_GT(space->size(), 0) << name;
    for (std::size_t k = 0; k < space->low.size(); ++k) ASSERT_LT(space->low[k], space->high[k]) << name << " " << k;
  }
}

TEST_P(Contract, OptionsAreDescribedAndUnknownOnesRefused) {
  const std::string text = entry().describe_options(entry());
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto equals = line.find(" = ");
    ASSERT_NE(equals, std::string::npos) << line;
    const auto help = line.find("  ", equals);
    ASSERT_NE(help, std::string::npos) << line;
    EXPECT_GT(line.size() - help, 15u) << "an option needs a sentence of help: " << line;
  }
  for (const auto& [name, value] : entry().options)
    EXPECT_NE(text.find("  " + name + " = "), std::string::npos) << name;
  try {
    make_env(GetParam(), {}, {{"no_such_option", "1"}});
    FAIL() << "an unknown option was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_NE(std::string(error.what()).find(GetParam()), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("no_such_option"), std::string::npos) << error.what();
  }
}

TEST_P(Contract, ObservationsRewardsAndFlagsHoldUnderRandomActions) {
  constexpr int kEnvs = 4, kSteps = 400;
  auto env = make(GetParam(), kEnvs);
  StepBuffer buffer(env->spec(), kEnvs);
  const StepView& step = buffer.view();
  RandomActions actions(env->spec().action, kEnvs, 7);
  env->reset(3, step.obs);
  for (int i = 0; i < kEnvs; ++i) expect_in_space(env->spec().observation, step.obs, i);
  for (int t = 0; t < kSteps && !HasFatalFailure(); ++t) {
    actions.next_all();
    env->step(actions.view(), step);
    for (int i = 0; i < kEnvs; ++i) {
      expect_in_space(env->spec().observation, step.obs, i);
      ASSERT_TRUE(std::isfinite(step.reward[i])) << "step " << t;
      ASSERT_LE(step.terminated[i], 1);
      ASSERT_LE(step.truncated[i], 1);
      if (step.terminated[i] || step.truncated[i]) expect_in_space(env->spec().observation, step.final_obs, i);
    }
  }
}

TEST_P(Contract, ObserveRepeatsTheLastObservation) {
  auto env = make(GetParam(), 3);
  StepBuffer buffer(env->spec(), 3), again(env->spec(), 3);
  RandomActions actions(env->spec().action, 3, 8);
  env->reset(0, buffer.view().obs);
  for (int t = 0; t < 30; ++t) {
    actions.next_all();
    env->step(actions.view(), buffer.view());
    env->observe(again.view().obs);
    for (int i = 0; i < 3; ++i) {
      const Space& space = env->spec().observation;
      ASSERT_TRUE(same(obs_bytes(space, again.view().obs, i), obs_bytes(space, buffer.view().obs, i)));
    }
  }
}

TEST_P(Contract, SameSeedAndActionsGiveTheSameBytes) {
  auto first = make(GetParam(), 4), second = make(GetParam(), 4);
  const auto expected = run(*first, 11, 150), got = run(*second, 11, 150), again = run(*first, 11, 150);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(same(got[i], expected[i])) << "environment " << i;
    EXPECT_TRUE(same(again[i], expected[i])) << "a reset with a seed must forget everything before";
  }
}

TEST_P(Contract, DifferentSeedsGiveDifferentEpisodes) {
  auto env = make(GetParam(), 8);
  const auto rows = run(*env, 0, 100, true);
  const auto distinct = std::set<Bytes>(rows.begin(), rows.end()).size();
  const auto model = env->model();
  if (model && deterministic_by_model(*model)) {
    EXPECT_EQ(distinct, 1u) << "the model says that nothing is random";
  } else if (std::any_of(std::begin(kFewStarts), std::end(kFewStarts),
                         [&](const char* name) { return GetParam().starts_with(name); })) {
    EXPECT_GT(distinct, 1u);
  } else if (const auto reason = kNothingRandom.find(GetParam()); reason != kNothingRandom.end()) {
    EXPECT_EQ(distinct, 1u) << reason->second;
  } else {
    EXPECT_EQ(distinct, rows.size());
  }
}

TEST_P(Contract, VectorEqualsSingleEnvironments) {
  constexpr int kEnvs = 3, kSteps = 120;
  auto vector = make(GetParam(), kEnvs);
  StepBuffer buffer(vector->spec(), kEnvs), row(vector->spec(), 1);
  for (int i = 0; i < kEnvs; ++i) {
    RandomActions all(vector->spec().action, kEnvs, 20),
        one(vector->spec().action, 1, 20 + static_cast<std::uint64_t>(i));
    auto single = make(GetParam(), 1);
    Bytes expected, got;
    vector->reset(50, buffer.view().obs);
    single->reset(50 + static_cast<std::uint64_t>(i), row.view().obs);
    append_obs(expected, vector->spec().observation, row.view().obs, 0);
    append_obs(got, vector->spec().observation, buffer.view().obs, i);
    for (int t = 0; t < kSteps; ++t) {
      all.next_all();
      one.next_all();
      vector->step(all.view(), buffer.view());
      single->step(one.view(), row.view());
      append_step(expected, vector->spec().observation, row.view(), 0);
      append_step(got, vector->spec().observation, buffer.view(), i);
    }
    EXPECT_TRUE(same(got, expected)) << "environment " << i;
  }
}

TEST_P(Contract, RegisteredLimitTruncatesAtExactlyThatStep) {
  auto env = make(GetParam(), 2);
  EXPECT_EQ(env->max_episode_steps(), entry().max_episode_steps);
  const int limit = entry().max_episode_steps;
  StepBuffer buffer(env->spec(), 2);
  RandomActions actions(env->spec().action, 2, 9);
  env->reset(1, buffer.view().obs);
  int elapsed[2] = {0, 0};
  const int longest = env->longest_episode();
  for (int t = 0; t < (longest > 0 ? longest + 5 : 300); ++t) {
    actions.next_all();
    env->step(actions.view(), buffer.view());
    for (int i = 0; i < 2; ++i) {
      ++elapsed[i];
      const bool by_game = env->spec().max_steps > 0 && elapsed[i] <= env->spec().max_steps;
      if (!by_game || limit > 0) {
        ASSERT_EQ(buffer.view().truncated[i] == 1, limit > 0 && elapsed[i] == limit)
            << "after " << elapsed[i] << " steps";
      }
      if (longest > 0) {
        ASSERT_LE(elapsed[i], longest);
      }
      if (buffer.view().terminated[i] || buffer.view().truncated[i]) elapsed[i] = 0;
    }
  }
}

TEST_P(Contract, GivenLimitReplacesTheRegisteredOne) {
  auto env = make(GetParam(), 2, AutoReset::kSameStep, 3);
  StepBuffer buffer(env->spec(), 2);
  RandomActions actions(env->spec().action, 2, 10);
  env->reset(1, buffer.view().obs);
  int elapsed[2] = {0, 0};
  for (int t = 0; t < 40; ++t) {
    actions.next_all();
    env->step(actions.view(), buffer.view());
    for (int i = 0; i < 2; ++i) {
      ASSERT_EQ(buffer.view().truncated[i] == 1, ++elapsed[i] == 3);
      if (buffer.view().terminated[i] || buffer.view().truncated[i]) elapsed[i] = 0;
    }
  }
}

TEST_P(Contract, RestoredStateContinuesWithTheSameBytes) {
  constexpr int kEnvs = 3;
  auto env = make(GetParam(), kEnvs), other = make(GetParam(), kEnvs);
  StepBuffer buffer(env->spec(), kEnvs);
  RandomActions actions(env->spec().action, kEnvs, 30);
  env->reset(5, buffer.view().obs);
  for (int t = 0; t < 17; ++t) {
    actions.next_all();
    env->step(actions.view(), buffer.view());
  }
  const std::vector<std::byte> state = env->save();
  EXPECT_TRUE(same(saved(*env), saved(*env))) << "saving must not change anything";

  auto play_on = [&](VectorEnv& vector, RandomActions stream) {
    Bytes bytes;
    vector.observe(buffer.view().obs);
    for (int i = 0; i < kEnvs; ++i) append_obs(bytes, vector.spec().observation, buffer.view().obs, i);
    for (int t = 0; t < 120; ++t) {
      stream.next_all();
      vector.step(stream.view(), buffer.view());
      for (int i = 0; i < kEnvs; ++i) append_step(bytes, vector.spec().observation, buffer.view(), i);
    }
    return bytes;
  };
  const Bytes expected = play_on(*env, actions);
  env->restore(state);
  EXPECT_TRUE(same(play_on(*env, actions), expected)) << "in the same vector";
  other->reset(99, buffer.view().obs);
  other->restore(state);
  EXPECT_TRUE(same(play_on(*other, actions), expected)) << "in another vector";
}

/// Leaves other bytes than zeros in memory that is free.
[[gnu::noinline]] void dirty_memory(unsigned char byte) {
  std::array<unsigned char, 200'000> stack;
  std::memset(stack.data(), byte, stack.size());
  asm volatile("" : : "r"(stack.data()) : "memory");
  std::vector<std::vector<unsigned char>> heap;
  for (std::size_t size = 16; size < 200'000; size += size / 4) heap.emplace_back(size, byte);
}

TEST_P(Contract, EqualEpisodesHaveEqualStates) {
  std::vector<Bytes> states;
  for (unsigned char byte : {0x00, 0xa5}) {
    dirty_memory(byte);
    auto env = make(GetParam(), 2);
    StepBuffer buffer(env->spec(), 2);
    RandomActions actions(env->spec().action, 2, 4);
    env->reset(5, buffer.view().obs);
    for (int t = 0; t < 30; ++t) {
      actions.next_all();
      dirty_memory(byte);
      env->step(actions.view(), buffer.view());
    }
    states.push_back(saved(*env));
  }
  EXPECT_TRUE(same(states[0], states[1])) << "something that is saved was never set";
}

TEST_P(Contract, RestoreRefusesStateThatDoesNotFit) {
  auto env = make(GetParam(), 2), three = make(GetParam(), 3);
  StepBuffer buffer(env->spec(), 3);
  env->reset(5, buffer.view().obs);
  three->reset(5, buffer.view().obs);
  std::vector<std::byte> state = env->save();
  EXPECT_THROW(three->restore(state), Error);
  EXPECT_THROW(env->restore({}), Error);
  EXPECT_THROW(env->restore(std::span(state).first(state.size() - 1)), Error);
  state.push_back(std::byte{0});
  EXPECT_THROW(env->restore(state), Error);
}

// Whoever loads a damaged file is told so, or goes on with a state that is another but possible.
TEST_P(Contract, DamagedStateIsRefusedOrHarmless) {
  constexpr int kDamages = 60;
  auto env = make(GetParam(), 1);
  StepBuffer buffer(env->spec(), 1);
  RandomActions actions(env->spec().action, 1, 50);
  const bool discrete = env->spec().action.kind == Space::Kind::kDiscrete;
  std::vector<std::uint8_t> legal(discrete ? static_cast<std::size_t>(env->spec().action.n) : 0);
  env->reset(5, buffer.view().obs);
  for (int t = 0; t < 12; ++t) {
    actions.next_all();
    env->step(actions.view(), buffer.view());
  }
  const std::vector<std::byte> whole = env->save();
  Rng rng(51);
  auto play_on = [&](std::span<const std::byte> state) {
    env->restore(state);
    env->observe(buffer.view().obs);
    for (int t = 0; t < 3; ++t) {
      SvgCanvas canvas;
      env->draw(0, canvas);
      if (discrete) env->action_mask(legal.data());
      actions.next_all();
      env->step(actions.view(), buffer.view());
    }
  };
  for (int k = 0; k < kDamages; ++k) {
    std::vector<std::byte> state = whole;
    const std::size_t size = k % 2 == 0 ? 1 : 4;
    const std::uint64_t word = k % 6 == 5 ? ~std::uint64_t{0} : rng.next_uint64();
    std::memcpy(&state[static_cast<std::size_t>(rng.integers(0, std::ssize(state) - 3))], &word, size);
    try {
      play_on(state);
    } catch (const Error& error) {
      EXPECT_NE(error.kind(), ErrorKind::kUsage) << error.what();
    }
  }
  play_on(whole);
}

TEST_P(Contract, MaskedResetAndStepTouchOnlyTheirRows) {
  constexpr int kEnvs = 3;
  auto env = make(GetParam(), kEnvs), reference = make(GetParam(), kEnvs);
  const Space& space = env->spec().observation;
  StepBuffer buffer(env->spec(), kEnvs), expected(env->spec(), kEnvs);
  const StepView& step = buffer.view();
  RandomActions actions(env->spec().action, kEnvs, 40);
  env->reset(5, step.obs);
  reference->reset(5, expected.view().obs);
  for (int t = 0; t < 6; ++t) {
    actions.next_all();
    env->step(actions.view(), step);
    reference->step(actions.view(), expected.view());
  }

  // Rows 0 and 2 are overwritten with a pattern that a reset of row 1 must leave there.
  auto fill = [&] {
    const auto leaves = space.leaves();
    for (std::size_t leaf = 0; leaf < leaves.size(); ++leaf) {
      std::memset(step.obs.leaf[leaf], 0xab, kEnvs * leaves[leaf].second->bytes());
      std::memset(step.final_obs.leaf[leaf], 0xab, kEnvs * leaves[leaf].second->bytes());
    }
  };
  fill();
  const Bytes pattern = obs_bytes(space, step.obs, 0);
  const std::vector<std::uint8_t> mask = {0, 1, 0};
  const std::vector<std::uint64_t> seeds = {1, 77, 3};
  env->reset_where(mask, seeds, step.obs);
  EXPECT_TRUE(same(obs_bytes(space, step.obs, 0), pattern));
  EXPECT_TRUE(same(obs_bytes(space, step.obs, 2), pattern));
  auto fresh = make(GetParam(), 1);
  StepBuffer fresh_buffer(env->spec(), 1);
  fresh->reset(77, fresh_buffer.view().obs);
  EXPECT_TRUE(same(obs_bytes(space, step.obs, 1), obs_bytes(space, fresh_buffer.view().obs, 0)));

  // The others did not move: a step of theirs alone equals the reference's.
  actions.next_all();
  fill();
  step.reward[1] = -123;
  step.terminated[1] = step.truncated[1] = 9;
  env->step_where(std::vector<std::uint8_t>{1, 0, 1}, actions.view(), step);
  reference->step(actions.view(), expected.view());
  for (int i : {0, 2}) {
    Bytes got, wanted;
    append_step(got, space, step, i);
    append_step(wanted, space, expected.view(), i);
    EXPECT_TRUE(same(got, wanted)) << "environment " << i;
  }
  EXPECT_TRUE(same(obs_bytes(space, step.obs, 1), pattern));
  EXPECT_TRUE(same(obs_bytes(space, step.final_obs, 1), pattern));
  EXPECT_EQ(step.reward[1], -123);
  EXPECT_EQ(step.terminated[1], 9);
}

// The three modes differ in when they reset, not in what happens within episodes.
TEST_P(Contract, AutoResetModesPlayTheSameEpisodes) {
  constexpr int kEnvs = 2, kTransitions = 60, kLimit = 25;
  std::map<AutoReset, std::vector<Bytes>> played;
  for (AutoReset mode : {AutoReset::kSameStep, AutoReset::kNextStep, AutoReset::kDisabled}) {
    auto env = make(GetParam(), kEnvs, mode, kLimit);
    const Space& space = env->spec().observation;
    StepBuffer buffer(env->spec(), kEnvs);
    const StepView& step = buffer.view();
    RandomActions actions(env->spec().action, kEnvs, 60);
    std::vector<Bytes> rows(kEnvs);
    std::vector<int> transitions(kEnvs, 0);
    std::vector<std::uint8_t> ended(kEnvs, 0);
    env->reset(5, step.obs);
    for (int i = 0; i < kEnvs; ++i) append_obs(rows[static_cast<std::size_t>(i)], space, step.obs, i);
    while (*std::min_element(transitions.begin(), transitions.end()) < kTransitions) {
      env->step(actions.view(), step);
      for (int i = 0; i < kEnvs; ++i) {
        const auto row = static_cast<std::size_t>(i);
        const bool resets = mode == AutoReset::kNextStep && ended[row];
        if (resets) {
          ASSERT_EQ(step.reward[i], 0);
          ASSERT_EQ(step.terminated[i] + step.truncated[i], 0);
          ended[row] = 0;
        } else {
          ended[row] = step.terminated[i] || step.truncated[i];
          actions.next(i);
        }
        const Bytes obs = obs_bytes(space, step.obs, i);
        if (mode != AutoReset::kSameStep && ended[row]) {
          ASSERT_TRUE(same(obs, obs_bytes(space, step.final_obs, i))) << "obs must be the true successor";
        }
        if (transitions[row] == kTransitions) continue;
        Bytes& bytes = rows[row];
        if (resets) {
          bytes += obs;
          continue;
        }
        ++transitions[row];
        const Bytes successor = ended[row] ? obs_bytes(space, step.final_obs, i) : obs;
        append(bytes, &step.reward[i], sizeof(double));
        append(bytes, &step.terminated[i], 1);
        append(bytes, &step.truncated[i], 1);
        bytes += successor;
        // In same-step mode the next episode's first observation came with this step.
        if (mode == AutoReset::kSameStep && ended[row]) bytes += obs;
      }
      if (mode == AutoReset::kDisabled) {
        env->reset_where(ended, {}, step.obs);
        for (int i = 0; i < kEnvs; ++i) {
          const auto row = static_cast<std::size_t>(i);
          if (ended[row] && transitions[row] <= kTransitions) append_obs(rows[row], space, step.obs, i);
          ended[row] = 0;
        }
      }
    }
    played[mode] = rows;
  }
  for (AutoReset mode : {AutoReset::kNextStep, AutoReset::kDisabled}) {
    for (std::size_t i = 0; i < kEnvs; ++i) {
      const Bytes& expected = played[AutoReset::kSameStep][i];
      const Bytes& got = played[mode][i];
      // The last reset may be missing in a mode that resets later.
      const std::size_t size = std::min(expected.size(), got.size());
      ASSERT_LT(std::max(expected.size(), got.size()) - size, size);
      EXPECT_TRUE(same(got.substr(0, size), expected.substr(0, size))) << "environment " << i;
    }
  }
}

TEST_P(Contract, ActionsOutsideTheSpaceAreRefusedAndNothingMoves) {
  auto env = make(GetParam(), 2);
  const Space& action = env->spec().action;
  StepBuffer buffer(env->spec(), 2);
  env->reset(5, buffer.view().obs);
  const Bytes before = saved(*env);
  const auto count = static_cast<std::size_t>(2 * action.size());
  const bool is_float = action.kind == Space::Kind::kBox;
  std::vector<std::int64_t> integers(count, action.start);
  std::vector<float> floats(count, 0);
  integers.back() = is_float ? 0 : action.kind == Space::Kind::kDiscrete ? action.start + action.n : action.nvec.back();
  floats.back() = std::numeric_limits<float>::quiet_NaN();
  const ActionView wrong_value = is_float ? ActionView(floats.data()) : ActionView(integers.data());
  const ActionView wrong_type = is_float ? ActionView(integers.data()) : ActionView(floats.data());
  for (const ActionView& wrong : {wrong_value, wrong_type}) {
    try {
      env->step(wrong, buffer.view());
      FAIL() << "a wrong action was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      EXPECT_NE(std::string(error.what()).find(GetParam()), std::string::npos) << error.what();
    }
    EXPECT_TRUE(same(saved(*env), before));
  }
}

TEST_P(Contract, NothingIsPossibleBeforeTheFirstReset) {
  auto env = make(GetParam(), 2);
  StepBuffer buffer(env->spec(), 2);
  RandomActions actions(env->spec().action, 2, 1);
  actions.next_all();
  SvgCanvas canvas;
  std::vector<std::function<void()>> attempts = {[&] { env->step(actions.view(), buffer.view()); },
                                                 [&] { env->observe(buffer.view().obs); }, [&] { env->save(); }};
  if (entry().family != "probe") attempts.emplace_back([&] { env->draw(1, canvas); });
  std::vector<std::uint8_t> legal(2 * static_cast<std::size_t>(std::max<std::int64_t>(env->spec().action.n, 1)));
  if (env->spec().masks_actions) attempts.emplace_back([&] { env->action_mask(legal.data()); });
  auto expect_refusals = [&] {
    for (const auto& attempt : attempts) {
      try {
        attempt();
        FAIL() << "an environment was used before its first reset";
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kUsage);
        EXPECT_NE(std::string(error.what()).find("reset"), std::string::npos) << error.what();
      }
    }
  };
  expect_refusals();
  const std::uint8_t first[] = {1, 0};
  env->reset_where(first, {}, buffer.view().obs);
  env->step_where(first, actions.view(), buffer.view());
  expect_refusals();
}

TEST_P(Contract, ActionMaskLeavesAtLeastOneActionAndHoldsOnlyZerosAndOnes) {
  constexpr int kEnvs = 2;
  auto env = make(GetParam(), kEnvs);
  const Space& action = env->spec().action;
  if (action.kind != Space::Kind::kDiscrete) return;
  StepBuffer buffer(env->spec(), kEnvs);
  std::vector<std::uint8_t> legal(static_cast<std::size_t>(kEnvs * action.n), 7);
  env->reset(5, buffer.view().obs);
  if (!env->action_mask(legal.data())) {
    EXPECT_TRUE(std::all_of(legal.begin(), legal.end(), [](int value) { return value == 7; }));
    return;
  }
  RandomActions actions(action, kEnvs, 3);
  for (int t = 0; t < 150; ++t) {
    ASSERT_TRUE(env->action_mask(legal.data()));
    for (int i = 0; i < kEnvs; ++i) {
      const std::uint8_t* row = legal.data() + i * action.n;
      ASSERT_TRUE(std::all_of(row, row + action.n, [](int value) { return value <= 1; }));
      ASSERT_GT(std::count(row, row + action.n, 1), 0);
      actions.next(i, row);
    }
    env->step(actions.view(), buffer.view());
  }
}

TEST_P(Contract, DrawsItself) {
  auto env = make(GetParam(), 1);
  StepBuffer buffer(env->spec(), 1);
  RandomActions actions(env->spec().action, 1, 3);
  env->reset(5, buffer.view().obs);
  for (int t = 0; t < 20; ++t) {
    SvgCanvas canvas;
    const bool drawn = env->draw(0, canvas);
    ASSERT_EQ(drawn, entry().family != "probe") << "all but the probes draw themselves";
    if (!drawn) return;
    const std::string svg = canvas.str();
    ASSERT_TRUE(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    const bool shapes = svg.find("<path") != std::string::npos || svg.find("<circle") != std::string::npos ||
                        svg.find("<polyline") != std::string::npos;
    ASSERT_TRUE(shapes) << "the picture is empty";
    for (const char* before : {"\"", ",", " ", "M", "L"}) {
      for (const char* value : {"nan", "-nan", "inf", "-inf"}) {
        ASSERT_EQ(svg.find(std::string(before) + value), std::string::npos) << "a coordinate is not finite";
      }
    }
    actions.next_all();
    env->step(actions.view(), buffer.view());
  }
}

TEST_P(Contract, ModelIsAProbabilityDistribution) {
  auto env = make(GetParam(), 1);
  const auto model = env->model();
  if (!model) return;
  ASSERT_EQ(env->spec().observation.kind, Space::Kind::kDiscrete);
  EXPECT_EQ(model->num_states, env->spec().observation.n);
  EXPECT_EQ(model->num_actions, env->spec().action.n);
  ASSERT_EQ(static_cast<std::int64_t>(model->outcomes.size()), model->num_states * model->num_actions);
  ASSERT_EQ(static_cast<std::int64_t>(model->initial.size()), model->num_states);
  double sum = 0;
  for (double probability : model->initial) {
    EXPECT_GE(probability, 0);
    sum += probability;
  }
  EXPECT_NEAR(sum, 1, 1e-12);
  for (const auto& outcomes : model->outcomes) {
    sum = 0;
    for (const Transition& transition : outcomes) {
      EXPECT_GE(transition.probability, 0);
      EXPECT_GE(transition.next_state, 0);
      EXPECT_LT(transition.next_state, model->num_states);
      EXPECT_TRUE(std::isfinite(transition.reward));
      sum += transition.probability;
    }
    EXPECT_NEAR(sum, 1, 1e-12);
  }
}

TEST_P(Contract, StepsHappenAsOftenAsTheModelSays) {
  constexpr int kEnvs = 500, kSteps = 400;
  auto env = make(GetParam(), kEnvs);
  const auto model = env->model();
  if (!model) return;
  StepBuffer buffer(env->spec(), kEnvs);
  const StepView& step = buffer.view();
  RandomActions actions(env->spec().action, kEnvs, 70);
  using Outcome = std::tuple<std::int64_t, double, bool>;  // next state, reward, terminated
  std::map<std::int64_t, std::map<Outcome, int>> seen;     // by state * num_actions + action
  std::vector<int> starts(static_cast<std::size_t>(model->num_states), 0);
  int num_starts = kEnvs;
  env->reset(1, step.obs);
  std::vector<std::int64_t> states(step.obs.as<std::int64_t>(), step.obs.as<std::int64_t>() + kEnvs);
  for (std::int64_t state : states) ++starts[static_cast<std::size_t>(state)];
  for (int t = 0; t < kSteps; ++t) {
    actions.next_all();
    env->step(actions.view(), step);
    for (int i = 0; i < kEnvs; ++i) {
      const auto row = static_cast<std::size_t>(i);
      const bool ended = step.terminated[i] || step.truncated[i];
      const std::int64_t next = (ended ? step.final_obs : step.obs).as<std::int64_t>()[i];
      ++seen[states[row] * model->num_actions + actions.integer(i)][{next, step.reward[i], step.terminated[i] == 1}];
      states[row] = step.obs.as<std::int64_t>()[i];
      if (ended) ++starts[static_cast<std::size_t>(states[row])], ++num_starts;
    }
  }

  // Counts are binomial: five standard deviations, and at least one whole count, are left to chance.
  auto expect_count = [](int count, int total, double probability, const std::string& what) {
    const double margin = 5 * std::sqrt(total * probability * (1 - probability)) + 1;
    EXPECT_NEAR(count, total * probability, margin) << what << " of " << total;
  };
  for (std::size_t state = 0; state < starts.size(); ++state) {
    expect_count(starts[state], num_starts, model->initial[state], "starts in state " + std::to_string(state));
  }
  for (const auto& [place, counts] : seen) {
    std::map<Outcome, double> expected;
    for (const Transition& transition : model->outcomes[static_cast<std::size_t>(place)]) {
      expected[{transition.next_state, transition.reward, transition.terminated}] += transition.probability;
    }
    int total = 0;
    for (const auto& [outcome, count] : counts) {
      ASSERT_TRUE(expected.contains(outcome)) << "the model does not know what happened in row " << place;
      total += count;
    }
    for (const auto& [outcome, probability] : expected) {
      const auto found = counts.find(outcome);
      expect_count(found == counts.end() ? 0 : found->second, total, probability,
                   "outcomes in row " + std::to_string(place));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Every, Contract, ::testing::ValuesIn(env_registry().names()),
                         [](const auto& info) { return env_testing::safe_name(info.param); });

}  // namespace
}  // namespace corvid
