#include "core/env/batch_env.h"

#include <gtest/gtest.h>

#include <numeric>
#include <utility>

#include "core/base/random_state.h"
#include "core/env/env_registry.h"

namespace corvid {
namespace {

/// A counter that starts at a random number and ends after `length` steps. Its reward is the action, its observation the
/// steps since the reset and the random start.
struct Countdown {
  struct Options {
    std::int64_t length = 3;
    bool give_nan = false;
  };
  using Obs = std::int64_t;
  using Action = std::int64_t;

  explicit Countdown(const Options& options) : length(options.length), give_nan(options.give_nan) {}
  static EnvSpec spec(const Options&) {
    return {.observation = Space::multi_discrete({1000, 1'000'000}), .action = Space::discrete(3, 10)};
  }
  void reset(Rng& rng) {
    count = 0;
    start = rng.integers(0, 1'000'000);
  }
  StepResult step(Action action, Rng&) {
    ++count;
    const bool bad = give_nan && action == 2 && count == 2;
    return {bad ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(action), count >= length};
  }
  void observe(Obs* out) const {
    out[0] = count;
    out[1] = start;
  }

  std::int64_t length, count = 0, start = 0;
  bool give_nan;
};

using Actions = std::vector<std::int64_t>;

std::unique_ptr<VectorEnv> countdown(VectorOptions vector, Countdown::Options options = {}) {
  return std::make_unique<BatchEnv<Countdown>>("Countdown", options, vector, vector.max_episode_steps.value_or(0));
}

/// The start that environment i draws for its k-th episode.
std::int64_t start_of(std::uint64_t seed, int episode) {
  Rng rng(seed);
  for (int k = 0; k < episode; ++k) rng.integers(0, 1'000'000);
  return rng.integers(0, 1'000'000);
}

struct Stepper {
  explicit Stepper(VectorEnv& env) : env(env), buffer(env.spec(), env.num_envs()), out(buffer.view()) {}
  std::pair<std::int64_t, std::int64_t> obs(int i) const {
    return {out.obs.as<std::int64_t>()[2 * i], out.obs.as<std::int64_t>()[2 * i + 1]};
  }
  std::pair<std::int64_t, std::int64_t> final_obs(int i) const {
    return {out.final_obs.as<std::int64_t>()[2 * i], out.final_obs.as<std::int64_t>()[2 * i + 1]};
  }
  void step(const Actions& actions) { env.step(actions.data(), out); }

  VectorEnv& env;
  StepBuffer buffer;
  const StepView& out;
};

using Pair = std::pair<std::int64_t, std::int64_t>;

TEST(BatchEnv, SameStepResetsAtOnceAndKeepsTheTrueSuccessor) {
  auto env = countdown({.num_envs = 2});
  Stepper s(*env);
  env->reset(5, s.out.obs);
  EXPECT_EQ(s.obs(0), Pair(0, start_of(5, 0)));
  EXPECT_EQ(s.obs(1), Pair(0, start_of(6, 0)));  // environment i has seed + i
  s.step({11, 12});
  EXPECT_EQ(s.obs(0), Pair(1, start_of(5, 0)));
  EXPECT_EQ(s.out.reward[0], 1);  // actions are counted from the start of their space
  EXPECT_EQ(s.out.reward[1], 2);
  s.step({11, 12});
  EXPECT_EQ(s.out.terminated[0], 0);
  s.step({12, 10});
  EXPECT_EQ(s.out.terminated[0], 1);
  EXPECT_EQ(s.out.truncated[0], 0);
  EXPECT_EQ(s.out.reward[0], 2);
  EXPECT_EQ(s.final_obs(0), Pair(3, start_of(5, 0)));
  EXPECT_EQ(s.obs(0), Pair(0, start_of(5, 1)));  // the stream goes on
  EXPECT_EQ(s.obs(1), Pair(0, start_of(6, 1)));
  s.step({11, 11});
  EXPECT_EQ(s.out.terminated[0], 0);
  EXPECT_EQ(s.obs(0), Pair(1, start_of(5, 1)));
}

TEST(BatchEnv, NextStepSpendsOneStepOnTheReset) {
  auto env = countdown({.num_envs = 1, .auto_reset = AutoReset::kNextStep});
  Stepper s(*env);
  env->reset(5, s.out.obs);
  for (int t = 0; t < 3; ++t) s.step({12});
  EXPECT_EQ(s.out.terminated[0], 1);
  EXPECT_EQ(s.obs(0), Pair(3, start_of(5, 0)));
  EXPECT_EQ(s.final_obs(0), Pair(3, start_of(5, 0)));
  s.step({12});  // ignored
  EXPECT_EQ(s.out.terminated[0], 0);
  EXPECT_EQ(s.out.reward[0], 0);
  EXPECT_EQ(s.obs(0), Pair(0, start_of(5, 1)));
  s.step({12});
  EXPECT_EQ(s.out.reward[0], 2);
  EXPECT_EQ(s.obs(0), Pair(1, start_of(5, 1)));
}

TEST(BatchEnv, DisabledLeavesTheResetToTheCaller) {
  auto env = countdown({.num_envs = 2, .auto_reset = AutoReset::kDisabled, .max_episode_steps = 2});
  Stepper s(*env);
  env->reset(5, s.out.obs);
  s.step({10, 10});
  s.step({10, 10});
  EXPECT_EQ(s.out.truncated[0], 1);
  EXPECT_EQ(s.obs(0), Pair(2, start_of(5, 0)));
  EXPECT_EQ(s.final_obs(0), Pair(2, start_of(5, 0)));

  // Only the masked environment begins anew; the other row stays.
  const std::uint8_t mask[] = {0, 1};
  env->reset_where(mask, {}, s.out.obs);
  EXPECT_EQ(s.obs(0), Pair(2, start_of(5, 0)));
  EXPECT_EQ(s.obs(1), Pair(0, start_of(6, 1)));

  // The episode that ended cannot be stepped; the other one can.
  EXPECT_THROW(s.step({10, 10}), Error);
  const std::int64_t actions[] = {10, 10};
  env->step_where(mask, actions, s.out);
  EXPECT_EQ(s.obs(0), Pair(2, start_of(5, 0)));
  EXPECT_EQ(s.out.truncated[1], 0);  // its step count began anew too

  // With seeds the streams begin anew.
  const std::uint64_t seeds[] = {70, 71};
  env->reset_where(mask, seeds, s.out.obs);
  EXPECT_EQ(s.obs(0), Pair(2, start_of(5, 0)));
  EXPECT_EQ(s.obs(1), Pair(0, start_of(71, 0)));
}

TEST(BatchEnv, CutsEpisodesAtTheStepLimit) {
  auto env = countdown({.num_envs = 1, .max_episode_steps = 2});
  Stepper s(*env);
  env->reset(1, s.out.obs);
  s.step({10});
  EXPECT_EQ(s.out.truncated[0], 0);
  s.step({10});
  EXPECT_EQ(s.out.truncated[0], 1);
  EXPECT_EQ(s.out.terminated[0], 0);
  EXPECT_EQ(s.final_obs(0), Pair(2, start_of(1, 0)));

  // The limit and the rules may end an episode together, as in Gymnasium.
  auto both = countdown({.num_envs = 1, .max_episode_steps = 3});
  Stepper b(*both);
  both->reset(1, b.out.obs);
  for (int t = 0; t < 3; ++t) b.step({10});
  EXPECT_EQ(b.out.truncated[0], 1);
  EXPECT_EQ(b.out.terminated[0], 1);
}

TEST(BatchEnv, StepLimitCanBeOverridden) {
  EXPECT_EQ(make_env("CartPole-v1")->max_episode_steps(), 500);
  EXPECT_EQ(make_env("CartPole-v1", {.max_episode_steps = 7})->max_episode_steps(), 7);
  EXPECT_EQ(make_env("CartPole-v1", {.max_episode_steps = 0})->max_episode_steps(), 0);
}

TEST(BatchEnv, StepWhereLeavesTheOthersAlone) {
  auto env = countdown({.num_envs = 3});
  Stepper s(*env);
  env->reset(5, s.out.obs);
  s.step({11, 11, 11});
  s.out.reward[1] = 99;
  const std::uint8_t active[] = {1, 0, 1};
  const Actions actions = {12, -1, 10};  // the action of an inactive environment is not looked at
  env->step_where(active, actions.data(), s.out);
  EXPECT_EQ(s.obs(0), Pair(2, start_of(5, 0)));
  EXPECT_EQ(s.obs(1), Pair(1, start_of(6, 0)));
  EXPECT_EQ(s.obs(2), Pair(2, start_of(7, 0)));
  EXPECT_EQ(s.out.reward[0], 2);
  EXPECT_EQ(s.out.reward[1], 99);
  EXPECT_EQ(s.out.reward[2], 0);
}

TEST(BatchEnv, IllegalActionNamesTheEnvironmentAndStepsNothing) {
  auto env = countdown({.num_envs = 100});
  Stepper s(*env);
  env->reset(5, s.out.obs);
  for (std::int64_t bad : {std::int64_t{9}, std::int64_t{13}, std::int64_t{-1},
                           std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()}) {
    Actions actions(100, 10);
    actions[70] = bad;
    try {
      s.step(actions);
      FAIL() << "accepted " << bad;
    } catch (const Error& error) {
      const std::string text = error.what();
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      EXPECT_NE(text.find("Countdown environment 70: action " + std::to_string(bad)), std::string::npos) << text;
      EXPECT_NE(text.find("Discrete(3, start=10)"), std::string::npos) << text;
    }
  }
  env->observe(s.out.obs);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(s.obs(i).first, 0);
}

TEST(BatchEnv, ActionsThatAreNotFiniteAreRefused) {
  auto env = make_env("Pendulum-v1", {.num_envs = 3});
  StepBuffer buffer(env->spec(), 3);
  env->reset(0, buffer.view().obs);
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const float actions[] = {0, bad, 0};
    try {
      env->step(actions, buffer.view());
      FAIL() << "accepted " << bad;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("Pendulum-v1 environment 1"), std::string::npos) << error.what();
    }
  }
  const std::int64_t integers[] = {0, 0, 0};
  EXPECT_THROW(env->step(integers, buffer.view()), Error);
}

TEST(BatchEnv, RewardThatIsNotFiniteIsAnError) {
  auto env = countdown({.num_envs = 200}, {.give_nan = true});
  Stepper s(*env);
  env->reset(5, s.out.obs);
  Actions actions(200, 10);
  s.step(actions);
  actions[130] = 12;
  try {
    s.step(actions);
    FAIL() << "accepted a reward of nan";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFailed);
    EXPECT_NE(std::string(error.what()).find("Countdown environment 130"), std::string::npos) << error.what();
  }
}

/// All bytes that `steps` steps of deterministic random actions produce, from the state `env` is in.
/// With `one_by_one` through step_where, which steps each environment by itself.
std::vector<std::byte> transcript(VectorEnv& env, int steps, std::uint64_t action_seed, bool one_by_one = false) {
  const auto n = static_cast<std::size_t>(env.num_envs());
  const Space& action = env.spec().action;
  const auto width = static_cast<std::size_t>(action.size());
  StepBuffer buffer(env.spec(), env.num_envs());
  const StepView& out = buffer.view();
  std::vector<std::byte> bytes;
  auto append = [&](const void* data, std::size_t size) {
    const auto* first = static_cast<const std::byte*>(data);
    bytes.insert(bytes.end(), first, first + size);
  };
  Rng rng(action_seed);
  std::vector<std::int64_t> discrete(n * width);
  std::vector<float> box(n * width);
  const std::vector<std::uint8_t> everyone(n, 1);
  for (int t = 0; t < steps; ++t) {
    if (action.kind == Space::Kind::kBox) {
      for (float& value : box) value = static_cast<float>(rng.uniform(-2, 2));
      one_by_one ? env.step_where(everyone, box.data(), out) : env.step(box.data(), out);
    } else {
      for (auto& value : discrete) value = rng.integers(action.start, action.start + action.n);
      one_by_one ? env.step_where(everyone, discrete.data(), out) : env.step(discrete.data(), out);
    }
    append(out.obs.leaf[0], n * env.spec().observation.bytes());
    append(out.final_obs.leaf[0], n * env.spec().observation.bytes());
    append(out.reward, n * sizeof(double));
    append(out.terminated, n);
    append(out.truncated, n);
  }
  return bytes;
}

const char* const kIds[] = {"CartPole-v1", "MountainCar-v0", "MountainCarContinuous-v0", "Acrobot-v1", "Pendulum-v1"};

TEST(BatchEnv, ResultsDoNotDependOnTheNumberOfThreads) {
  for (const char* id : kIds) {
    for (AutoReset mode : {AutoReset::kSameStep, AutoReset::kNextStep}) {
      std::vector<std::byte> one;
      for (int num_threads : {1, 2, 5}) {
        auto env =
            make_env(id, {.num_envs = 333, .num_threads = num_threads, .auto_reset = mode, .max_episode_steps = 60});
        StepBuffer buffer(env->spec(), 333);
        env->reset(11, buffer.view().obs);
        const auto bytes = transcript(*env, 150, 3);
        if (num_threads == 1)
          one = bytes;
        else
          EXPECT_TRUE(bytes == one) << id << " with " << num_threads << " threads";
      }
    }
  }
}

/// Steps so slow that a split batch pays: some microseconds of drawing random numbers.
struct Slow : Countdown {
  explicit Slow(const Options& options) : Countdown(options) {}
  StepResult step(Action action, Rng& rng) {
    double sum = 0;
    for (int k = 0; k < 2000; ++k) sum += rng.random();
    const StepResult result = Countdown::step(action, rng);
    return {result.reward + sum, result.terminated};
  }
};

TEST(BatchEnv, SplitBatchesGiveTheSameResult) {
  std::vector<std::byte> one;
  for (int num_threads : {1, 2, 4}) {
    BatchEnv<Slow> env("Slow", {.length = 5}, {.num_envs = 1000, .num_threads = num_threads}, 7);
    StepBuffer buffer(env.spec(), 1000);
    env.reset(11, buffer.view().obs);
    const auto bytes = transcript(env, SplitChoice::kTrials + 10, 3);
    if (num_threads == 1)
      one = bytes;
    else
      EXPECT_TRUE(bytes == one) << num_threads << " threads";
  }
}

TEST(BatchEnv, ContinuesFromASavedStateByteByByte) {
  for (const char* id : kIds) {
    auto env = make_env(id, {.num_envs = 9, .max_episode_steps = 70});
    StepBuffer buffer(env->spec(), 9);
    env->reset(11, buffer.view().obs);
    transcript(*env, 33, 1);  // into the middle of episodes
    const auto saved = env->save();
    const auto expected = transcript(*env, 100, 2);

    // Back in the same vector, and in one that never saw the first part.
    env->restore(saved);
    EXPECT_TRUE(transcript(*env, 100, 2) == expected) << id;
    auto other = make_env(id, {.num_envs = 9, .max_episode_steps = 70});
    other->restore(saved);
    EXPECT_TRUE(transcript(*other, 100, 2) == expected) << id;
  }
}

TEST(BatchEnv, StepsOfABlockAtOnceEqualStepsOneByOne) {
  const std::pair<const char*, EnvOptions> rows[] = {
      {"Acrobot-v1", {}}, {"Acrobot-v1", {{"book_or_nips", "nips"}, {"torque_noise_max", "0.5"}, {"dt", "0.3"}}}};
  for (const auto& [id, options] : rows) {
    for (int num_envs : {1, 3, 64, 150}) {
      auto blocks = make_env(id, {.num_envs = num_envs}, options);
      auto single = make_env(id, {.num_envs = num_envs}, options);
      StepBuffer buffer(blocks->spec(), num_envs);
      blocks->reset(4, buffer.view().obs);
      single->reset(4, buffer.view().obs);
      EXPECT_TRUE(transcript(*blocks, 700, 5) == transcript(*single, 700, 5, true)) << id << " " << num_envs;
    }
  }
}

TEST(BatchEnv, RestoreRefusesAStateOfAnotherSize) {
  auto env = make_env("CartPole-v1", {.num_envs = 2});
  StepBuffer buffer(env->spec(), 2);
  env->reset(0, buffer.view().obs);
  auto saved = env->save();
  EXPECT_THROW(make_env("CartPole-v1", {.num_envs = 3})->restore(saved), Error);
  saved.push_back({});
  EXPECT_THROW(env->restore(saved), Error);
  saved.erase(saved.end() - 2, saved.end());
  EXPECT_THROW(env->restore(saved), Error);
}

TEST(BatchEnv, RestoreRefusesAStateOfOtherOptions) {
  auto slippery = make_env("FrozenLake-v1"), firm = make_env("FrozenLake-v1", {}, {{"is_slippery", "false"}});
  StepBuffer buffer(firm->spec(), 1);
  slippery->reset(0, buffer.view().obs);
  firm->reset(0, buffer.view().obs);
  try {
    firm->restore(slippery->save());
    FAIL() << "another game was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadFile);
    EXPECT_NE(std::string(error.what()).find("is_slippery = true"), std::string::npos) << error.what();
  }
  // What was refused half-way is not to be played on.
  EXPECT_THROW(firm->observe(buffer.view().obs), Error);
  firm->reset(1, buffer.view().obs);
  firm->observe(buffer.view().obs);
}

/// Its third episode cannot be made.
struct Short {
  using Options = NoOptions;
  using Obs = float;
  using Action = std::int64_t;
  explicit Short(const Options&) {}
  static EnvSpec spec(const Options&) { return {.observation = Space::box(-1, 1, {1}), .action = Space::discrete(2)}; }
  void reset(Rng&) {
    if (++episodes == 3) fail(ErrorKind::kUsage, "no third episode");
  }
  StepResult step(Action, Rng&) { return {1, true}; }
  void observe(Obs* out) const { *out = 0; }
  int episodes = 0;
};

TEST(BatchEnv, AnEpisodeThatCannotBeMadeIsAnErrorInAnyThread) {
  for (int threads : {1, 2}) {
    BatchEnv<Short> env("Short-v0", {}, {.num_envs = 512, .num_threads = threads}, 0);
    StepBuffer buffer(env.spec(), 512);
    const std::vector<std::int64_t> actions(512, 0);
    for (int again = 0; again < 200; ++again) {
      env.reset(0, buffer.view().obs);
      env.step(actions.data(), buffer.view());
      EXPECT_THROW(env.step(actions.data(), buffer.view()), Error);
      EXPECT_THROW(env.step(actions.data(), buffer.view()), Error) << "it must be reset first";
    }
  }
}

TEST(BatchEnv, EachEnvironmentOfAVectorEqualsOneOfItsOwn) {
  for (const char* id : kIds) {
    auto many = make_env(id, {.num_envs = 5});
    StepBuffer rows(many->spec(), 5);
    many->reset(100, rows.view().obs);
    const auto size = many->spec().observation.bytes();
    for (int i = 0; i < 5; ++i) {
      auto one = make_env(id);
      StepBuffer row(one->spec(), 1);
      one->reset(100 + static_cast<std::uint64_t>(i), row.view().obs);
      const auto* at = static_cast<const std::byte*>(rows.view().obs.leaf[0]) + static_cast<std::size_t>(i) * size;
      EXPECT_EQ(std::memcmp(at, row.view().obs.leaf[0], size), 0) << id << " environment " << i;
    }
  }
}

/// Two leaves, its own random numbers, its own step limit, and a memory that outlives episodes: how many it has played.
struct Diary {
  struct Options {
    bool second_leaf = true;
    std::int64_t limit = 0;  // steps of an episode; 0: none
  };
  using Obs = std::tuple<std::uint8_t, std::int64_t>;
  using Action = std::int64_t;
  using Random = RandomState;
  static constexpr std::size_t kBlock = 2;

  explicit Diary(const Options& options) : limit(options.limit), played(std::make_unique<std::uint8_t>(0)) {}
  static EnvSpec spec(const Options& options) {
    EnvSpec spec{.observation =
                     Space::dict({{"played", Space::box(0, 255, {3}, DType::kUint8)}, {"draw", Space::discrete(1000)}}),
                 .action = Space::discrete(2),
                 .max_steps = static_cast<int>(options.limit)};
    if (!options.second_leaf) spec.observation = Space::box(0, 255, {3}, DType::kUint8);
    return spec;
  }
  void reset(RandomState& random) {
    ++*played;
    steps = 0;
    draw = random.randint(1000);
  }
  StepResult step(Action action, RandomState& random) {
    draw = random.randint(1000);
    ++steps;
    return {.reward = 0, .terminated = action == 1, .truncated = limit > 0 && steps >= limit};
  }
  void observe(std::uint8_t* count, std::int64_t* number) const {
    std::fill_n(count, 3, *played);
    if (number != nullptr) *number = draw;
  }
  void visit(Archive& archive) {
    archive("played", *played);
    archive("steps", steps);
    archive("draw", draw);
  }

  std::int64_t limit, steps = 0, draw = 0;
  std::unique_ptr<std::uint8_t> played;  // it cannot be copied, only moved
};

std::unique_ptr<VectorEnv> diary(VectorOptions vector, Diary::Options options = {}) {
  return std::make_unique<BatchEnv<Diary>>("Diary", options, vector, vector.max_episode_steps.value_or(0));
}

TEST(BatchEnv, WritesEveryLeafIntoItsOwnArray) {
  constexpr int kEnvs = 5;  // blocks of two and a rest
  auto env = diary({.num_envs = kEnvs, .num_threads = 2});
  StepBuffer buffer(env->spec(), kEnvs);
  const StepView& out = buffer.view();
  env->reset(40, out.obs);
  env->step(Actions(kEnvs, 0).data(), out);
  for (int i = 0; i < kEnvs; ++i) {
    RandomState random(static_cast<std::uint64_t>(40 + i));
    random.randint(1000);
    EXPECT_EQ(out.obs.as<std::int64_t>(1)[i], random.randint(1000));
    for (int k = 0; k < 3; ++k) EXPECT_EQ(out.obs.as<std::uint8_t>(0)[3 * i + k], 1);
  }
}

TEST(BatchEnv, LeavesThatTheOptionsLeaveOutAreNotWritten) {
  auto env = diary({.num_envs = 2}, {.second_leaf = false});
  StepBuffer buffer(env->spec(), 2);
  EXPECT_EQ(buffer.view().obs.leaf[1], nullptr);
  env->reset(1, buffer.view().obs);
  env->step(Actions(2, 0).data(), buffer.view());
  EXPECT_EQ(buffer.view().obs.as<std::uint8_t>()[5], 1);
}

TEST(BatchEnv, ASeedForgetsWhatEpisodesHandOn) {
  auto env = diary({.num_envs = 2});
  StepBuffer buffer(env->spec(), 2);
  const std::uint8_t* played = buffer.view().obs.as<std::uint8_t>();
  env->reset(1, buffer.view().obs);
  env->step(Actions{1, 0}.data(), buffer.view());
  EXPECT_EQ(played[0], 2) << "the next episode of the same environment";
  EXPECT_EQ(played[3], 1);
  env->reset_where(std::vector<std::uint8_t>{1, 1}, {}, buffer.view().obs);
  EXPECT_EQ(played[0], 3) << "a reset without a seed goes on";
  env->reset_where(std::vector<std::uint8_t>{1, 0}, std::vector<std::uint64_t>{7, 7}, buffer.view().obs);
  EXPECT_EQ(played[0], 1) << "a reset with a seed begins anew";
  EXPECT_EQ(played[3], 2) << "and leaves the others alone";
}

TEST(BatchEnv, AGameMayCutItselfOff) {
  auto env = diary({.num_envs = 1}, {.limit = 3});
  EXPECT_EQ(env->max_episode_steps(), 0);
  EXPECT_EQ(env->longest_episode(), 3);
  StepBuffer buffer(env->spec(), 1);
  const StepView& out = buffer.view();
  env->reset(1, out.obs);
  for (int t = 1; t <= 7; ++t) {
    env->step(Actions{0}.data(), out);
    EXPECT_EQ(out.truncated[0], t % 3 == 0) << t;
    EXPECT_EQ(out.terminated[0], 0);
  }
  EXPECT_EQ(*out.obs.as<std::uint8_t>(), 3);

  // Whichever limit comes first.
  EXPECT_EQ(diary({.max_episode_steps = 2}, {.limit = 3})->longest_episode(), 2);
  EXPECT_EQ(diary({.max_episode_steps = 5}, {.limit = 3})->longest_episode(), 3);
  EXPECT_EQ(diary({.max_episode_steps = 5})->longest_episode(), 5);
  auto both = diary({.max_episode_steps = 2}, {.limit = 3});
  both->reset(1, out.obs);
  both->step(Actions{0}.data(), out);
  both->step(Actions{1}.data(), out);
  EXPECT_EQ(out.truncated[0], 1);
  EXPECT_EQ(out.terminated[0], 1);
}

TEST(BatchEnv, StateOfWhatCannotBeCopiedIsVisited) {
  auto env = diary({.num_envs = 2}), other = diary({.num_envs = 2});
  StepBuffer buffer(env->spec(), 2);
  env->reset(1, buffer.view().obs);
  env->step(Actions{1, 0}.data(), buffer.view());
  const auto state = env->save();
  other->restore(state);
  other->observe(buffer.view().obs);
  EXPECT_EQ(buffer.view().obs.as<std::uint8_t>()[0], 2);
  EXPECT_EQ(other->save(), state);
}

}  // namespace
}  // namespace corvid
