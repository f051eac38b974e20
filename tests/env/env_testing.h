// What tests over all environments share: random actions, observations as bytes, file-safe names.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/env/env_registry.h"

namespace corvid::env_testing {

/// "Probe/OneStep-v0" as "Probe_OneStep_v0".
inline std::string safe_name(std::string id) {
  for (char& c : id) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return id;
}

/// Random actions for N environments. Each row has its own random stream, so that a row's n-th action does not depend
/// on the other rows.
class RandomActions {
 public:
  RandomActions(const Space& space, int num_envs, std::uint64_t seed) : space_(&space), size_(space.size()) {
    for (int i = 0; i < num_envs; ++i) rngs_.emplace_back(seed + static_cast<std::uint64_t>(i));
    integers_.resize(rngs_.size() * static_cast<std::size_t>(size_));
    floats_.resize(integers_.size());
    for (int i = 0; i < num_envs; ++i) next(i);
  }

  /// Draws the next action of environment `i`; with a mask [num_actions] among the legal ones.
  void next(int i, const std::uint8_t* legal = nullptr) {
    Rng& rng = rngs_[static_cast<std::size_t>(i)];
    for (std::int64_t k = 0; k < size_; ++k) {
      const auto place = static_cast<std::size_t>(i * size_ + k);
      const auto dimension = static_cast<std::size_t>(k);
      if (space_->kind == Space::Kind::kDiscrete) {
        do integers_[place] = rng.integers(0, space_->n);
        while (legal && !legal[integers_[place]]);
        integers_[place] += space_->start;
      } else if (space_->kind == Space::Kind::kMultiDiscrete) {
        integers_[place] = rng.integers(0, space_->nvec[dimension]);
      } else {
        const double low = std::max(space_->low[dimension], -1e3), high = std::min(space_->high[dimension], 1e3);
        floats_[place] = static_cast<float>(rng.uniform(low, high));
      }
    }
  }

  void next_all() {
    for (std::size_t i = 0; i < rngs_.size(); ++i) next(static_cast<int>(i));
  }

  /// The same action everywhere as environment 0 has.
  void copy_first() {
    for (std::size_t place = static_cast<std::size_t>(size_); place < integers_.size(); ++place) {
      integers_[place] = integers_[place - static_cast<std::size_t>(size_)];
      floats_[place] = floats_[place - static_cast<std::size_t>(size_)];
    }
  }

  ActionView view() const { return is_float() ? ActionView(floats_.data()) : ActionView(integers_.data()); }
  bool is_float() const { return space_->kind == Space::Kind::kBox; }
  std::int64_t size() const { return size_; }
  std::int64_t integer(int i, std::int64_t k = 0) const { return integers_[static_cast<std::size_t>(i * size_ + k)]; }
  float number(int i, std::int64_t k = 0) const { return floats_[static_cast<std::size_t>(i * size_ + k)]; }

 private:
  const Space* space_;
  std::int64_t size_;
  std::vector<Rng> rngs_;
  std::vector<std::int64_t> integers_;
  std::vector<float> floats_;
};

using Bytes = std::string;

inline void append(Bytes& bytes, const void* data, std::size_t size) {
  bytes.append(static_cast<const char*>(data), size);
}

/// For EXPECT_TRUE: tells where two long byte strings differ instead of printing them.
inline ::testing::AssertionResult same(const Bytes& got, const Bytes& expected) {
  if (got == expected) return ::testing::AssertionSuccess();
  const std::size_t shorter = std::min(got.size(), expected.size());
  std::size_t place = 0;
  while (place < shorter && got[place] == expected[place]) ++place;
  return ::testing::AssertionFailure() << "first difference at byte " << place << " of " << got.size() << " and "
                                       << expected.size();
}

inline Bytes saved(VectorEnv& env) {
  const std::vector<std::byte> state = env.save();
  return Bytes(reinterpret_cast<const char*>(state.data()), state.size());
}

/// One row of an observation, all leaves in order.
inline void append_obs(Bytes& bytes, const Space& space, const ObsView& obs, int i) {
  const auto leaves = space.leaves();
  for (std::size_t leaf = 0; leaf < leaves.size(); ++leaf) {
    const std::size_t size = leaves[leaf].second->bytes();
    append(bytes, static_cast<const std::byte*>(obs.leaf[leaf]) + static_cast<std::size_t>(i) * size, size);
  }
}

inline Bytes obs_bytes(const Space& space, const ObsView& obs, int i) {
  Bytes bytes;
  append_obs(bytes, space, obs, i);
  return bytes;
}

/// Everything environment `i` reported for one step; final_obs only where it is written.
inline void append_step(Bytes& bytes, const Space& space, const StepView& step, int i) {
  append_obs(bytes, space, step.obs, i);
  append(bytes, &step.reward[i], sizeof(double));
  append(bytes, &step.terminated[i], 1);
  append(bytes, &step.truncated[i], 1);
  if (step.terminated[i] || step.truncated[i]) append_obs(bytes, space, step.final_obs, i);
}

inline std::unique_ptr<VectorEnv> make(const std::string& id, int num_envs, AutoReset mode = AutoReset::kSameStep,
                                       std::optional<int> limit = std::nullopt) {
  return make_env(id, {.num_envs = num_envs, .auto_reset = mode, .max_episode_steps = limit});
}

}  // namespace corvid::env_testing
