// A batch of environments behind one virtual call a step.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "core/env/environment.h"

namespace corvid {

inline constexpr int kMaxLeaves = 8;  // arrays in one observation

/// Where observations are written: one array [N, ...] a leaf of the observation space, owned by the consumer.
struct ObsView {
  std::array<void*, kMaxLeaves> leaf{};
  std::uint8_t* action_mask = nullptr;  // [N, num_actions] 1 where legal; null: not asked for, or all are legal

  template <class T>
  T* as(int index = 0) const {
    return static_cast<T*>(leaf[static_cast<std::size_t>(index)]);
  }
};

/// Where one step of N environments is written; all memory is the consumer's.
struct StepView {
  ObsView obs;                         // what to act on next
  ObsView final_obs;                   // rows are written only where an episode ended: its true last observation
  double* reward = nullptr;            // [N]
  std::uint8_t* terminated = nullptr;  // [N] 1 where the episode ended by the rules of the game
  std::uint8_t* truncated = nullptr;   // [N] 1 where it was cut off by a step limit
};

/// Actions of N environments: int64 [N] for Discrete, int64 [N, K] for MultiDiscrete, float32 [N, A] for Box.
struct ActionView {
  ActionView(const std::int64_t* discrete) : data(discrete), dtype(DType::kInt64) {}  // NOLINT
  ActionView(const float* continuous) : data(continuous), dtype(DType::kFloat32) {}   // NOLINT
  const void* data;
  DType dtype;
};

/// What happens when an episode ends, as in Gymnasium 1.x.
enum class AutoReset : std::uint8_t {
  kSameStep,  // `obs` already belongs to the next episode, `final_obs` holds the true successor
  kNextStep,  // `obs` is the true successor; the next step ignores the action and resets (reward 0)
  kDisabled,  // nothing; the caller resets by mask before it steps that environment again
};

struct VectorOptions {
  int num_envs = 1;
  int num_threads = 1;  // 0: every processor; threads are used only where they pay
  AutoReset auto_reset = AutoReset::kSameStep;
  std::optional<int> max_episode_steps;  // overrides the registered limit; 0 is no limit
};

class ThreadPool;

class VectorEnv {
 public:
  virtual ~VectorEnv() = default;

  const std::string& id() const { return id_; }
  int num_envs() const { return num_envs_; }
  const EnvSpec& spec() const { return spec_; }
  AutoReset auto_reset() const { return auto_reset_; }
  int max_episode_steps() const { return max_episode_steps_; }  // 0: no limit

  /// Steps after which every episode has ended, by that limit or the game's own; 0: none.
  int longest_episode() const {
    if (max_episode_steps_ == 0 || spec_.max_steps == 0) return std::max(max_episode_steps_, spec_.max_steps);
    return std::min(max_episode_steps_, spec_.max_steps);
  }

  /// Starts new episodes everywhere; environment i is seeded with `seed + i`.
  void reset(std::uint64_t seed, const ObsView& obs);

  /// Starts new episodes where `mask` [N] is 1. With `seeds` [N] those environments are seeded anew; without, they go
  /// on with their own random streams. Rows of other environments are left as they are.
  virtual void reset_where(std::span<const std::uint8_t> mask, std::span<const std::uint64_t> seeds,
                           const ObsView& obs) = 0;

  /// One step of every environment. Throws Error when a discrete action is outside its space or a number in a
  /// continuous one is not finite (nothing is stepped then), when a reward is not finite, or when no further episode can be
  /// made (then all must be reset). As everything below, an Error before the first reset. What continuous actions
  /// beyond the bounds do is the game's business, as in Gymnasium.
  virtual void step(const ActionView& actions, const StepView& out) = 0;

  /// As `step`, but environments whose `active` [N] entry is 0 stay as they are and their rows untouched.
  virtual void step_where(std::span<const std::uint8_t> active, const ActionView& actions, const StepView& out) = 0;

  /// Writes the current observations.
  virtual void observe(const ObsView& obs) const = 0;

  /// The state of every environment and its random stream. Restoring takes a state of the same environment, number and
  /// options; an Error about any other leaves the vector to be reset. Box2D games save their actions and play them again,
  /// so both take as long as the episode did.
  virtual std::vector<std::byte> save() = 0;
  virtual void restore(std::span<const std::byte> state) = 0;

  /// Legal actions [N, num_actions], 1 where legal; false when this environment has no mask (all are legal).
  virtual bool action_mask(std::uint8_t* legal) const = 0;

  /// Draws environment `index`; false when it does not draw itself.
  virtual bool draw(int index, Canvas& canvas) const = 0;

  virtual std::optional<TabularModel> model() const = 0;

  /// What the actions of the last step lost against the best ones, in expected reward [N]; of the episode that ended
  /// where one did. Null when the environment does not tell. Not part of the saved state.
  virtual const double* last_regret() const { return nullptr; }

 protected:
  VectorEnv(std::string id, EnvSpec spec, int num_envs, AutoReset auto_reset, int max_episode_steps)
      : id_(std::move(id)),
        spec_(std::move(spec)),
        num_envs_(num_envs),
        auto_reset_(auto_reset),
        max_episode_steps_(max_episode_steps) {}

 private:
  std::string id_;
  EnvSpec spec_;
  int num_envs_;
  AutoReset auto_reset_;
  int max_episode_steps_;
};

/// Memory for one step of a vector, for consumers that keep no history (evaluation, viewers, tests).
class StepBuffer {
 public:
  StepBuffer(const EnvSpec& spec, int num_envs);
  const StepView& view() const { return view_; }

 private:
  std::vector<std::vector<std::byte>> memory_;
  StepView view_;
};

}  // namespace corvid
