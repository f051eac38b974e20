#include "core/buffer/replay_buffer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <set>

#include "tests/env/env_testing.h"

namespace corvid {
namespace {

using env_testing::Bytes;

/// Where steps come from: N environments, or invented ones.
struct Source {
  virtual ~Source() = default;
  virtual const EnvSpec& spec() const = 0;
  virtual void reset(const ObsView& obs) = 0;
  virtual void step(void* actions, const ObsView& seen, const StepView& out) = 0;
};

struct RealSource : Source {
  RealSource(const std::string& id, int num_envs, int limit)
      : env(env_testing::make(id, num_envs, AutoReset::kSameStep, limit)), actions(env->spec().action, num_envs, 7) {}
  const EnvSpec& spec() const override { return env->spec(); }
  void reset(const ObsView& obs) override { env->reset(5, obs); }
  void step(void* taken, const ObsView& seen, const StepView& out) override {
    for (int i = 0; i < env->num_envs(); ++i)
      actions.next(i, seen.action_mask ? seen.action_mask + i * env->spec().action.n : nullptr);
    std::memcpy(taken, actions.view().data, static_cast<std::size_t>(env->num_envs()) * env->spec().action.bytes());
    env->step(actions.view(), out);
  }
  std::unique_ptr<VectorEnv> env;
  env_testing::RandomActions actions;
};

/// Episodes that end at any time in any way, with two leaves, a mask, and no two observations alike.
struct InventedSource : Source {
  InventedSource(int num_envs, std::uint64_t seed) : n(num_envs), rng(seed) {
    about.observation =
        Space::dict({{"picture", Space::box(0, 255, {5}, DType::kUint8)}, {"numbers", Space::box(-1e9, 1e9, {3})}});
    about.action = Space::discrete(4);
    about.masks_actions = true;
  }
  const EnvSpec& spec() const override { return about; }
  void write(const ObsView& obs, int i) {
    for (int k = 0; k < 5; ++k) obs.as<std::uint8_t>(0)[5 * i + k] = static_cast<std::uint8_t>(rng.integers(0, 256));
    for (int k = 0; k < 3; ++k) obs.as<float>(1)[3 * i + k] = static_cast<float>(count++);
    for (int k = 0; k < 4; ++k) obs.action_mask[4 * i + k] = static_cast<std::uint8_t>(k == 0 || rng.integers(0, 2));
  }
  void reset(const ObsView& obs) override {
    for (int i = 0; i < n; ++i) write(obs, i);
  }
  void step(void* actions, const ObsView&, const StepView& out) override {
    for (int i = 0; i < n; ++i) {
      static_cast<std::int64_t*>(actions)[i] = rng.integers(0, 4);
      write(out.obs, i);
      out.reward[i] = rng.uniform(-1, 1);
      out.terminated[i] = rng.integers(0, 8) == 0;
      out.truncated[i] = rng.integers(0, 6) == 0;
      if (out.terminated[i] || out.truncated[i]) write(out.final_obs, i);
    }
  }
  int n, count = 0;
  Rng rng;
  EnvSpec about;
};

/// An observation: the bytes of each leaf, and the mask.
struct Seen {
  std::vector<Bytes> leaves;
  Bytes mask;
  bool operator==(const Seen&) const = default;
};

/// Row `place` of arrays [.., frames, ...]: frame `frame`.
Seen seen_at(const EnvSpec& spec, const ObsView& obs, std::int64_t place, std::int64_t frames = 1,
             std::int64_t frame = 0) {
  Seen seen;
  const auto leaves = spec.observation.leaves();
  for (std::size_t l = 0; l < leaves.size(); ++l) {
    const std::size_t bytes = leaves[l].second->bytes();
    const auto row = static_cast<std::size_t>(place * frames + frame);
    seen.leaves.emplace_back(static_cast<const char*>(obs.leaf[l]) + row * bytes, bytes);
  }
  if (obs.action_mask) {
    const auto bytes = static_cast<std::size_t>(spec.action.n);
    seen.mask.assign(reinterpret_cast<const char*>(obs.action_mask) + static_cast<std::size_t>(place) * bytes, bytes);
  }
  return seen;
}

/// One step as it was, in plain vectors.
struct Step {
  Seen obs, final_obs;
  Bytes action;
  float reward = 0, state = 0;
  bool terminated = false, truncated = false;
  bool ended() const { return terminated || truncated; }
};

/// Fills a buffer and remembers everything it was given.
class Recorder {
 public:
  Recorder(std::unique_ptr<Source> source, ReplaySettings settings)
      : source_(std::move(source)), buffer(source_->spec(), settings), n_(settings.num_envs) {
    source_->reset(buffer.obs());
    steps_.resize(static_cast<std::size_t>(n_));
    first_obs_ = buffer.obs().as<const char>();
  }

  void step() {
    const EnvSpec& about = source_->spec();
    const auto row_bytes = n_ * static_cast<std::int64_t>(about.observation.leaves()[0].second->bytes());
    const std::int64_t row = (buffer.obs().as<const char>() - first_obs_) / row_bytes;
    const StepView out = buffer.sink();
    std::vector<Step> made(static_cast<std::size_t>(n_));
    for (int i = 0; i < n_; ++i) {
      Step& step = made[static_cast<std::size_t>(i)];
      step.obs = seen_at(about, buffer.obs(), i);
      step.state = static_cast<float>(1000 * i + num_steps());
      if (buffer.settings().state_size > 0)
        std::fill_n(buffer.states() + i * buffer.settings().state_size, buffer.settings().state_size, step.state);
      slots_[row * n_ + i] = num_steps();
    }
    source_->step(buffer.actions(), buffer.obs(), out);
    for (int i = 0; i < n_; ++i) {
      Step& step = made[static_cast<std::size_t>(i)];
      step.action.assign(
          static_cast<const char*>(buffer.actions()) + static_cast<std::size_t>(i) * about.action.bytes(),
          about.action.bytes());
      step.reward = static_cast<float>(out.reward[i]);
      step.terminated = out.terminated[i];
      step.truncated = out.truncated[i];
      if (step.ended()) step.final_obs = seen_at(about, out.final_obs, i);
      steps_[static_cast<std::size_t>(i)].push_back(step);
    }
    buffer.advance();
  }

  std::int64_t num_steps() const { return static_cast<std::int64_t>(steps_[0].size()); }
  const EnvSpec& spec() const { return source_->spec(); }
  int env_of(std::int64_t slot) const { return static_cast<int>(slot % n_); }
  std::int64_t time_of(std::int64_t slot) const { return slots_.at(slot); }
  const Step& at(int env, std::int64_t t) const {
    return steps_[static_cast<std::size_t>(env)][static_cast<std::size_t>(t)];
  }
  /// The observation of time t, which may be the newest one.
  Seen obs(int env, std::int64_t t) const {
    return t < num_steps() ? at(env, t).obs : seen_at(spec(), buffer.obs(), env);
  }
  /// The first time of the episode that time t belongs to.
  std::int64_t start(int env, std::int64_t t) const {
    while (t > 0 && !at(env, t - 1).ended()) --t;
    return t;
  }
  /// The stack at time t, oldest first.
  std::vector<Seen> stack(int env, std::int64_t t, std::int64_t frames) const {
    std::vector<Seen> result;
    for (std::int64_t back = frames - 1; back >= 0; --back)
      result.push_back(obs(env, std::max(t - back, start(env, t))));
    return result;
  }

 private:
  std::unique_ptr<Source> source_;
  std::vector<std::vector<Step>> steps_;        // [N] all there were
  std::map<std::int64_t, std::int64_t> slots_;  // the time that lies in a slot
  const char* first_obs_ = nullptr;

 public:
  ReplayBuffer buffer;

 private:
  int n_;
};

/// The stack in a batch, oldest first; the mask is that of the newest frame.
std::vector<Seen> batch_stack(const EnvSpec& spec, const ObsView& obs, std::int64_t k, std::int64_t frames) {
  std::vector<Seen> result;
  for (std::int64_t frame = 0; frame < frames; ++frame) result.push_back(seen_at(spec, obs, k, frames, frame));
  return result;
}

void expect_stacks(const std::vector<Seen>& got, const std::vector<Seen>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t frame = 0; frame < got.size(); ++frame)
    EXPECT_EQ(got[frame].leaves, expected[frame].leaves) << frame;
  EXPECT_EQ(got.back().mask, expected.back().mask);
}

/// Compares a batch with the history, and returns the steps that were drawn.
std::set<std::pair<int, std::int64_t>> expect_batch(const Recorder& r, const ReplayBatch& batch) {
  const ReplaySettings& s = r.buffer.settings();
  std::set<std::pair<int, std::int64_t>> drawn;
  for (std::int64_t k = 0; k < batch.size; ++k) {
    const auto place = static_cast<std::size_t>(k);
    const int env = r.env_of(batch.slots[place]);
    const std::int64_t t = r.time_of(batch.slots[place]);
    drawn.emplace(env, t);
    double sum = 0;
    std::int64_t last = t;
    for (std::int64_t step = 0;; ++step) {
      last = t + step;
      sum += std::pow(s.gamma, static_cast<double>(step)) * static_cast<double>(r.at(env, last).reward);
      if (r.at(env, last).ended() || step + 1 == s.n_steps || last + 1 == r.num_steps()) break;
    }
    const Step& end = r.at(env, last);
    EXPECT_FLOAT_EQ(batch.rewards[place], static_cast<float>(sum));
    EXPECT_FLOAT_EQ(batch.discounts[place],
                    end.terminated ? 0.0f : static_cast<float>(std::pow(s.gamma, static_cast<double>(last - t + 1))));
    const std::size_t bytes = r.spec().action.bytes();
    EXPECT_EQ(Bytes(reinterpret_cast<const char*>(batch.actions.data()) + place * bytes, bytes), r.at(env, t).action);
    expect_stacks(batch_stack(r.spec(), batch.obs, k, s.frame_stack), r.stack(env, t, s.frame_stack));
    std::vector<Seen> next = r.stack(env, last + 1, s.frame_stack);
    if (end.truncated && !end.terminated) {
      next = r.stack(env, last, s.frame_stack);
      next.erase(next.begin());
      next.push_back(end.final_obs);
    }
    expect_stacks(batch_stack(r.spec(), batch.next_obs, k, s.frame_stack), next);
  }
  return drawn;
}

/// The steps that must be drawable.
std::set<std::pair<int, std::int64_t>> newest(const Recorder& r) {
  std::set<std::pair<int, std::int64_t>> result;
  const int n = static_cast<int>(r.buffer.num_envs());
  for (int env = 0; env < n; ++env) {
    for (std::int64_t t = r.num_steps() - r.buffer.size() / n; t < r.num_steps(); ++t) result.emplace(env, t);
  }
  return result;
}

using Make = std::function<std::unique_ptr<Source>(int num_envs)>;

Make real(const std::string& id, int limit) {
  return [=](int num_envs) { return std::make_unique<RealSource>(id, num_envs, limit); };
}
Make invented() {
  return [](int num_envs) { return std::make_unique<InventedSource>(num_envs, 11); };
}

struct Case {
  const char* name;
  Make make;
  int limit;
};

class ReplayBufferTest : public ::testing::TestWithParam<Case> {
 protected:
  Recorder recorder(ReplaySettings settings) const {
    settings.max_episode_steps = GetParam().limit;
    return Recorder(GetParam().make(settings.num_envs), settings);
  }
};

INSTANTIATE_TEST_SUITE_P(Sources, ReplayBufferTest,
                         ::testing::Values(Case{"Invented", invented(), 0}, Case{"CartPole", real("CartPole-v1", 7), 7},
                                           Case{"Pendulum", real("Pendulum-v1", 5), 5},
                                           Case{"Taxi", real("Taxi-v4", 6), 6},
                                           Case{"TimeLimit", real("Probe/TimeLimit-v0", 1), 1},
                                           Case{"TwoStep", real("Probe/TwoStep-v0", 0), 0},
                                           Case{"Masked", real("Probe/Masked-v0", 0), 0}),
                         [](const auto& info) { return info.param.name; });

TEST_P(ReplayBufferTest, GivesBackWhatHappened) {
  for (const int num_envs : {1, 3, 8}) {
    for (const std::int64_t capacity : {1, 9, 40}) {
      for (const std::int64_t n_steps : {1, 3}) {
        for (const std::int64_t frames : {1, 4}) {
          SCOPED_TRACE(::testing::Message() << num_envs << " environments, capacity " << capacity << ", " << n_steps
                                            << " steps, " << frames << " frames");
          Recorder r = recorder({.capacity = capacity,
                                 .num_envs = num_envs,
                                 .n_steps = n_steps,
                                 .gamma = 0.9,
                                 .frame_stack = frames,
                                 .prioritized = capacity == 9});
          Rng rng(1);
          ReplayBatch batch;
          const std::int64_t rows = (capacity + num_envs - 1) / num_envs;
          for (std::int64_t t = 0; t < 3 * rows + 9; ++t) {
            expect_stacks(batch_stack(r.spec(), r.buffer.stacked_obs(), num_envs - 1, frames),
                          r.stack(num_envs - 1, t, frames));
            r.step();
            EXPECT_EQ(r.buffer.size(), std::min(t + 1, rows) * num_envs);
            r.buffer.sample(5, rng, batch);
            expect_batch(r, batch);
            if (HasFailure()) return;
          }
          EXPECT_EQ(r.buffer.size(), r.buffer.capacity());
          EXPECT_GE(r.buffer.capacity(), capacity);
          // 20 draws for each: one is missed with probability 48 e^-20.
          r.buffer.sample(20 * r.buffer.size(), rng, batch);
          EXPECT_EQ(expect_batch(r, batch), newest(r));
          if (!r.buffer.settings().prioritized) continue;
          r.buffer.sample_prioritized(20 * r.buffer.size(), 0.4, rng, batch);
          EXPECT_EQ(expect_batch(r, batch), newest(r));
          for (const float weight : batch.weights) EXPECT_EQ(weight, 1);
        }
      }
    }
  }
}

TEST_P(ReplayBufferTest, NothingChangesWhileTheNextStepIsWritten) {
  Recorder r = recorder({.capacity = 12, .num_envs = 2, .n_steps = 2, .frame_stack = 3});
  for (int t = 0; t < 30; ++t) r.step();
  ReplayBatch before, after;
  Rng first(2), second(2);
  r.buffer.sample(200, first, before);
  const auto leaves = r.spec().observation.leaves();
  for (std::size_t l = 0; l < leaves.size(); ++l)
    std::memset(r.buffer.sink().obs.leaf[l], 0x55, 2 * leaves[l].second->bytes());
  r.buffer.sample(200, second, after);
  for (std::size_t l = 0; l < leaves.size(); ++l) {
    EXPECT_EQ(before.obs_memory[l], after.obs_memory[l]);
    EXPECT_EQ(before.next_obs_memory[l], after.next_obs_memory[l]);
  }
}

TEST_P(ReplayBufferTest, SequencesFollowTheirEpisodes) {
  for (const std::int64_t length : {1, 4, 9}) {
    Recorder r = recorder({.capacity = 30, .num_envs = 3, .gamma = 0.9, .prioritized = true, .state_size = 2});
    Rng rng(3);
    SequenceBatch batch;
    for (int t = 0; t < 40; ++t) {
      r.step();
      if (t % 2 == 0)
        r.buffer.sample_sequences(6, length, rng, batch);
      else
        r.buffer.sample_sequences_prioritized(6, length, 0.5, rng, batch);
      ASSERT_EQ(batch.size, 6);
      ASSERT_EQ(batch.length, length);
      for (std::int64_t b = 0; b < batch.size; ++b) {
        const std::int64_t slot = batch.slots[static_cast<std::size_t>(b)], first = r.time_of(slot);
        const int env = r.env_of(slot);
        bool live = true;
        for (std::int64_t k = 0; k < length; ++k) {
          const auto place = static_cast<std::size_t>(k * batch.size + b);
          live = live && first + k < r.num_steps() && (k == 0 || !r.at(env, first + k - 1).ended());
          EXPECT_EQ(batch.valid[place], live ? 1 : 0);
          if (!live) {
            EXPECT_EQ(batch.rewards[place], 0);
            EXPECT_EQ(batch.discounts[place], 0);
            continue;
          }
          const Step& step = r.at(env, first + k);
          if (k == 0) {
            EXPECT_EQ(batch.states[static_cast<std::size_t>(2 * b)], step.state);
            EXPECT_EQ(batch.states[static_cast<std::size_t>(2 * b + 1)], step.state);
          }
          EXPECT_EQ(batch.rewards[place], step.reward);
          EXPECT_EQ(batch.discounts[place], step.terminated ? 0.0f : 0.9f);
          const std::size_t bytes = r.spec().action.bytes();
          EXPECT_EQ(Bytes(reinterpret_cast<const char*>(batch.actions.data()) + place * bytes, bytes), step.action);
          EXPECT_EQ(seen_at(r.spec(), batch.obs, k * batch.size + b), step.obs);
          if (!step.terminated) {
            const Seen next = step.truncated ? step.final_obs : r.obs(env, first + k + 1);
            EXPECT_EQ(seen_at(r.spec(), batch.obs, (k + 1) * batch.size + b), next);
          }
        }
      }
      if (HasFailure()) return;
    }
  }
}

TEST_P(ReplayBufferTest, SequencesBeginBeforeTheStepDrawn) {
  constexpr std::int64_t kLead = 5, kLength = 3;
  Recorder r = recorder({.capacity = 30, .num_envs = 3, .gamma = 0.9, .state_size = 2});
  Rng rng(3);
  SequenceBatch batch, plain;
  for (int t = 0; t < 40; ++t) {
    r.step();
    Rng same = rng;
    r.buffer.sample_sequences(6, kLength, rng, batch, kLead);
    r.buffer.sample_sequences(6, kLength, same, plain);
    ASSERT_EQ(batch.length, kLead + kLength);
    EXPECT_EQ(batch.slots, plain.slots);
    const std::int64_t oldest = std::max<std::int64_t>(0, r.num_steps() - 10);
    for (std::int64_t b = 0; b < batch.size; ++b) {
      const std::int64_t drawn = r.time_of(batch.slots[static_cast<std::size_t>(b)]);
      const int env = r.env_of(batch.slots[static_cast<std::size_t>(b)]);
      std::int64_t first = kLead;
      while (first > 0 && drawn - kLead + first > oldest && !r.at(env, drawn - kLead + first - 1).ended()) --first;
      EXPECT_EQ(batch.first[static_cast<std::size_t>(b)], first);
      const Step& start = r.at(env, drawn - kLead + first);
      EXPECT_EQ(batch.states[static_cast<std::size_t>(2 * b)], start.state);
      for (std::int64_t k = 0; k <= kLead; ++k) {
        const Step& step = r.at(env, drawn - kLead + std::max(k, first));
        const auto place = static_cast<std::size_t>(k * batch.size + b);
        EXPECT_EQ(seen_at(r.spec(), batch.obs, k * batch.size + b), step.obs);
        const std::size_t bytes = r.spec().action.bytes();
        EXPECT_EQ(Bytes(reinterpret_cast<const char*>(batch.actions.data()) + place * bytes, bytes), step.action);
        EXPECT_EQ(batch.valid[place], k >= first ? 1 : 0);
        EXPECT_EQ(batch.rewards[place], k >= first ? step.reward : 0);
      }
      for (std::int64_t k = 0; k < kLength; ++k) {
        const auto long_place = static_cast<std::size_t>((kLead + k) * batch.size + b);
        const auto place = static_cast<std::size_t>(k * batch.size + b);
        EXPECT_EQ(batch.valid[long_place], plain.valid[place]);
        EXPECT_EQ(batch.rewards[long_place], plain.rewards[place]);
        EXPECT_EQ(batch.discounts[long_place], plain.discounts[place]);
        EXPECT_EQ(seen_at(r.spec(), batch.obs, (kLead + k + 1) * batch.size + b),
                  seen_at(r.spec(), plain.obs, (k + 1) * batch.size + b));
      }
    }
    if (HasFailure()) return;
  }
}

Bytes saved(ReplayBuffer& buffer) {
  BlobWriter writer;
  buffer.visit(writer);
  const std::vector<std::byte> bytes = writer.take();
  return Bytes(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void load(ReplayBuffer& buffer, const Bytes& bytes) {
  BlobReader reader({reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()});
  buffer.visit(reader);
  if (!reader.at_end()) fail(ErrorKind::kBadFile, "too long");
}

/// Writes the last step of a recorder into another buffer.
void repeat_last(const Recorder& r, ReplayBuffer& buffer) {
  const StepView out = buffer.sink();
  auto put = [](const ObsView& to, std::size_t i, const Seen& seen) {
    for (std::size_t l = 0; l < seen.leaves.size(); ++l) {
      const std::size_t bytes = seen.leaves[l].size();
      std::memcpy(static_cast<char*>(to.leaf[l]) + i * bytes, seen.leaves[l].data(), bytes);
    }
    if (to.action_mask) std::memcpy(to.action_mask + i * seen.mask.size(), seen.mask.data(), seen.mask.size());
  };
  for (std::size_t i = 0; i < static_cast<std::size_t>(buffer.num_envs()); ++i) {
    const Step& step = r.at(static_cast<int>(i), r.num_steps() - 1);
    put(out.obs, i, r.obs(static_cast<int>(i), r.num_steps()));
    if (step.ended()) put(out.final_obs, i, step.final_obs);
    std::memcpy(static_cast<char*>(buffer.actions()) + i * step.action.size(), step.action.data(), step.action.size());
    out.reward[i] = static_cast<double>(step.reward);
    out.terminated[i] = step.terminated;
    out.truncated[i] = step.truncated;
    buffer.states()[i] = step.state;
  }
  buffer.advance();
}

TEST_P(ReplayBufferTest, GoesOnAfterResumeAsIfNothingHappened) {
  ReplayBatch batch;
  auto train = [&](ReplayBuffer& buffer, Rng& rng) {
    std::vector<float> priorities(8);
    buffer.sample_prioritized(8, 0.5, rng, batch);
    for (float& priority : priorities) priority = static_cast<float>(rng.uniform(0, 3));
    buffer.set_priorities(batch.slots, priorities.data());
  };
  for (const int steps : {0, 1, 4, 9, 12, 13, 30, 41}) {
    const ReplaySettings settings{.capacity = 20,
                                  .num_envs = 2,
                                  .max_episode_steps = GetParam().limit,
                                  .n_steps = 2,
                                  .frame_stack = 3,
                                  .prioritized = true,
                                  .state_size = 1};
    Recorder first = recorder(settings);
    Rng rng(4);
    for (int t = 0; t < steps; ++t) {
      first.step();
      train(first.buffer, rng);
    }
    const Bytes bytes = saved(first.buffer);
    ReplayBuffer second(first.spec(), settings);
    for (int t = 0; t < 20; ++t) {  // what it held before is forgotten
      second.sink().truncated[0] = t % 3 == 0;
      second.advance();
    }
    load(second, bytes);
    EXPECT_TRUE(env_testing::same(saved(second), bytes));
    Rng other = rng;
    for (int t = 0; t < 25; ++t) {
      first.step();
      repeat_last(first, second);
      train(first.buffer, rng);
      const ReplayBatch expected = batch;
      train(second, other);
      EXPECT_EQ(batch.slots, expected.slots);
      EXPECT_EQ(batch.rewards, expected.rewards);
      EXPECT_EQ(batch.weights, expected.weights);
      EXPECT_EQ(batch.next_obs_memory, expected.next_obs_memory);
    }
    EXPECT_TRUE(env_testing::same(saved(second), saved(first.buffer))) << steps;
    if (HasFailure()) return;
  }
}

TEST_P(ReplayBufferTest, TakesWhatItSaysAndNoMore) {
  for (const int num_envs : {1, 5}) {
    for (const std::int64_t capacity : {1, 300}) {
      Recorder r = recorder({.capacity = capacity, .num_envs = num_envs, .frame_stack = 2, .prioritized = true});
      const std::size_t needed = ReplayBuffer::bytes_needed(r.spec(), r.buffer.settings());
      EXPECT_EQ(r.buffer.memory(), needed);
      // Where episodes are as short as the limit allows, the successors fit into what was set aside for them.
      for (int t = 0; t < 700; ++t) r.step();
      if (GetParam().limit > 0) {
        EXPECT_EQ(r.buffer.memory(), needed);
      }
    }
  }
}

EnvSpec small_spec() {
  return {
      .observation = Space::box(-1, 1, {1}), .action = Space::discrete(2), .observation_names = {}, .action_names = {}};
}

/// One environment that goes on for ever, with reward t at time t.
ReplayBuffer filled(ReplaySettings settings, int steps) {
  ReplayBuffer buffer(small_spec(), settings);
  for (int t = 0; t < steps; ++t) {
    buffer.obs().as<float>()[0] = static_cast<float>(t);
    buffer.sink().obs.as<float>()[0] = static_cast<float>(t + 1);
    buffer.sink().reward[0] = t;
    buffer.advance();
  }
  return buffer;
}

TEST(ReplayBuffer, FoldsReturnsByHand) {
  // Rewards 0, 1, 2, ... and gamma 1/2: from time 1 on, R = 1 + 2/2 + 3/4 and the discount is 1/8.
  ReplayBuffer buffer = filled({.capacity = 10, .n_steps = 3, .gamma = 0.5}, 5);
  Rng rng(1);
  ReplayBatch batch;
  buffer.sample(200, rng, batch);
  const float sums[] = {1.0f, 2.75f, 4.5f, 5.0f, 4.0f};  // 0 + 1/2 + 2/4, ..., 3 + 4/2, 4
  const float discounts[] = {0.125f, 0.125f, 0.125f, 0.25f, 0.5f};
  const float next[] = {3, 4, 5, 5, 5};
  for (std::size_t k = 0; k < 200; ++k) {
    const auto t = static_cast<std::size_t>(batch.obs.as<float>()[k]);
    EXPECT_EQ(batch.rewards[k], sums[t]);
    EXPECT_EQ(batch.discounts[k], discounts[t]);
    EXPECT_EQ(batch.next_obs.as<float>()[k], next[t]);
    EXPECT_EQ(batch.weights[k], 1);
  }
}

TEST(ReplayBuffer, DrawsUniformly) {
  // 99.9 % of chi-square with 49 degrees of freedom is 85.4.
  ReplayBuffer buffer = filled({.capacity = 50}, 163);
  Rng rng(2);
  ReplayBatch batch;
  std::map<float, int> counts;
  for (int k = 0; k < 100; ++k) {
    buffer.sample(250, rng, batch);
    for (int b = 0; b < 250; ++b) ++counts[batch.obs.as<float>()[b]];
  }
  EXPECT_EQ(counts.size(), 50u);
  double sum = 0;
  for (const auto& [time, count] : counts) sum += (count - 500.0) * (count - 500.0) / 500.0;
  EXPECT_LT(sum, 85.4);
  EXPECT_EQ(counts.begin()->first, 113);
}

TEST(ReplayBuffer, WeightsByHand) {
  // Priorities 1, 4, 9, 16 to the power of 1/2 are 1, 2, 3, 4: probabilities 0.1 to 0.4, weights (4 P)^-1 over the
  // largest.
  ReplayBuffer buffer = filled({.capacity = 4, .prioritized = true, .alpha = 0.5}, 4);
  const std::vector<std::int64_t> slots = {0, 1, 2, 3};
  const std::vector<float> priorities = {1, 4, 9, 16};
  buffer.set_priorities(slots, priorities.data());
  Rng rng(3);
  ReplayBatch batch;
  buffer.sample_prioritized(10, 1.0, rng, batch);
  EXPECT_EQ(batch.slots, (std::vector<std::int64_t>{0, 1, 1, 2, 2, 2, 3, 3, 3, 3}));
  for (std::size_t k = 0; k < 10; ++k)
    EXPECT_NEAR(batch.weights[k], 1.0 / static_cast<double>(batch.slots[k] + 1), 1e-6);
  buffer.sample_prioritized(10, 0.5, rng, batch);
  EXPECT_NEAR(batch.weights[9], 0.5, 1e-6);
  buffer.sample_prioritized(10, 0, rng, batch);
  EXPECT_EQ(batch.weights[9], 1);

  // Over the largest of the batch, not of the buffer: without slot 0 slot 1 has the largest weight.
  const float zero = 0;
  buffer.set_priorities({slots.data(), 1}, &zero);
  buffer.sample_prioritized(9, 1.0, rng, batch);
  EXPECT_EQ(batch.slots, (std::vector<std::int64_t>{1, 1, 2, 2, 2, 3, 3, 3, 3}));
  EXPECT_EQ(batch.weights[0], 1);
  EXPECT_NEAR(batch.weights[2], 2.0 / 3, 1e-6);
}

TEST(ReplayBuffer, NewStepsGetTheLargestPrioritySoFar) {
  ReplayBuffer buffer = filled({.capacity = 4, .prioritized = true, .alpha = 1}, 2);
  const std::vector<std::int64_t> slots = {0, 1};
  std::vector<float> priorities = {8, 0.5f};
  buffer.set_priorities(slots, priorities.data());
  priorities = {1, 1};
  buffer.set_priorities(slots, priorities.data());
  buffer.advance();  // into slot 2, with priority 8
  Rng rng(4);
  ReplayBatch batch;
  buffer.sample_prioritized(10, 1, rng, batch);
  EXPECT_EQ(batch.slots, (std::vector<std::int64_t>{0, 1, 2, 2, 2, 2, 2, 2, 2, 2}));
}

TEST(ReplayBuffer, NeverDrawsWhatIsOverwritten) {
  ReplayBuffer buffer = filled({.capacity = 4, .frame_stack = 3, .prioritized = true, .alpha = 1}, 4);
  Rng rng(5);
  ReplayBatch batch;
  for (int t = 4; t < 40; ++t) {
    buffer.obs().as<float>()[0] = static_cast<float>(t);
    buffer.advance();
    buffer.sample_prioritized(400, 1, rng, batch);
    const float huge = 100;
    buffer.set_priorities({batch.slots.data(), 1}, &huge);
    for (int k = 0; k < 400; ++k) EXPECT_GT(batch.obs.as<float>()[3 * k + 2], static_cast<float>(t - 4)) << t;
  }
}

TEST(ReplayBuffer, RefusesPrioritiesThatAreNoNumbers) {
  ReplayBuffer buffer = filled({.capacity = 4, .prioritized = true}, 2);
  const std::int64_t slot = 0;
  for (const float bad : {-1.0f, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()})
    EXPECT_THROW(buffer.set_priorities({&slot, 1}, &bad), Error);
}

TEST(ReplayBuffer, RefusesWhatDoesNotFitBeforeItTakesMemory) {
  const EnvSpec spec = small_spec();
  for (const std::int64_t capacity : {std::int64_t{1} << 38, std::int64_t{1} << 62}) {
    try {
      ReplayBuffer buffer(spec, {.capacity = capacity, .num_envs = 8, .prioritized = true});
      ADD_FAILURE() << "terabytes were taken";
    } catch (const Error& error) {
      const std::string text = error.what();
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      EXPECT_NE(text.find(std::to_string(capacity) + " transitions"), std::string::npos) << text;
      // What it advises fits, and not much more would.
      const std::size_t advice = text.find("buffer_size=");
      ASSERT_NE(advice, std::string::npos) << text;
      const std::int64_t fitting = std::stoll(text.substr(advice + 12));
      const auto needed = static_cast<double>(
          ReplayBuffer::bytes_needed(spec, {.capacity = fitting, .num_envs = 8, .prioritized = true}));
      EXPECT_NEAR(needed / static_cast<double>(available_memory()), 1, 0.2);
    }
  }
}

TEST(ReplayBuffer, TakesAddressSpaceAtOnceAndMemoryAsItFills) {
  auto pages = [](int column) {  // of /proc/self/statm: 0 address space, 1 resident
    std::ifstream file("/proc/self/statm");
    std::size_t value = 0;
    for (int k = 0; k <= column; ++k) file >> value;
    return value * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  };
  const ReplaySettings settings{.capacity = 4'000'000, .max_episode_steps = 100, .prioritized = true};
  const std::size_t needed = ReplayBuffer::bytes_needed(small_spec(), settings);
  const std::size_t space = pages(0), resident = pages(1);
  ReplayBuffer buffer(small_spec(), settings);
  EXPECT_GE(pages(0) - space, needed);
  EXPECT_LT(pages(0) - space, needed + (1 << 20));
  EXPECT_LT(pages(1) - resident, needed / 4);
}

TEST(ReplayBuffer, RefusesDamagedFiles) {
  const ReplaySettings settings{.capacity = 4, .prioritized = true};
  ReplayBuffer buffer = filled(settings, 9);
  const Bytes good = saved(buffer);
  auto expect_refused = [&](const Bytes& bytes, const char* what) {
    ReplayBuffer other(small_spec(), settings);
    try {
      load(other, bytes);
      ADD_FAILURE() << what;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadFile) << error.what();
    }
  };
  // int64: environments, rows, steps, successors.
  for (const std::size_t place : {7, 15, 23, 31}) {
    Bytes bad = good;
    bad[place] = static_cast<char>(0x80);
    expect_refused(bad, "a negative number");
  }
  Bytes bad = good;
  bad[24] = 1;
  expect_refused(bad, "a successor that no step has");
  for (std::size_t length = 0; length < good.size(); length += 5)
    expect_refused(good.substr(0, length), "the end is missing");
  expect_refused(good + "x", "more than expected");

  ReplayBuffer larger(small_spec(), {.capacity = 5, .prioritized = true});
  EXPECT_THROW(load(larger, good), Error);
  ReplayBuffer wider(small_spec(), {.capacity = 4, .num_envs = 2, .prioritized = true});
  EXPECT_THROW(load(wider, good), Error);
}

}  // namespace
}  // namespace corvid
