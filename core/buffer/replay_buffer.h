// Experience replay: a ring of the last steps of N environments, and batches of transitions drawn from it.
//
// Every field is one array [rows, N, ...], written by the environments themselves. The successor of an observation is
// the next row; only where an episode was cut off by its step limit does the true successor lie in a side table. n-step
// returns are folded, and frames stacked, when a batch is drawn, so everything is stored once.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/aligned.h"
#include "core/base/memory.h"
#include "core/buffer/successor_queue.h"
#include "core/buffer/sum_tree.h"
#include "core/env/vector_env.h"

namespace corvid {

struct ReplaySettings {
  std::int64_t capacity = 1'000'000;  // transitions over all environments, rounded up to whole rows of N
  int num_envs = 1;
  int max_episode_steps = 0;  // of the environment, for the size of the side table; 0: no limit
  std::int64_t n_steps = 1;   // rewards in one return (Sutton and Barto 2018, section 7.1)
  double gamma = 0.99;
  std::int64_t frame_stack = 1;  // observations in one stack, the newest last
  bool prioritized = false;      // Schaul et al. 2016, proportional
  double alpha = 0.6;            // exponent of priorities
  std::int64_t state_size = 0;   // floats kept with every observation: the state of a recurrent network
};

/// B transitions. Observations are [B, frame_stack, ...] a leaf.
struct ReplayBatch {
  std::int64_t size = 0;
  std::vector<std::int64_t> slots;  // [B] where they lie, for set_priorities
  std::array<AlignedVector<std::byte>, kMaxLeaves> obs_memory, next_obs_memory;
  std::vector<std::uint8_t> mask_memory, next_mask_memory;  // [B, num_actions]
  ObsView obs, next_obs;                                    // views of these; masks null where all actions are legal
  std::vector<std::byte> actions;                           // [B, ...] as the environment got them
  std::vector<float> rewards;                               // [B] sum of gamma^k r_{t+k} over the steps folded
  std::vector<float> discounts;                             // [B] gamma^(steps folded); 0 where the episode terminated
  std::vector<float> weights;  // [B] importance-sampling weights, the largest 1 (Schaul et al. 2016, section 3.4)
};

/// B pieces of episodes of at most T steps, time-major. The step drawn lies at row `lead`, with those before it in
/// front. A piece ends with its episode; what is around it is padding, which repeats the nearest observation and
/// action.
struct SequenceBatch {
  std::int64_t size = 0, length = 0;  // B, T
  std::vector<std::int64_t> slots;    // [B] of the step drawn
  std::vector<std::int64_t> first;    // [B] row of the first step: 0 ... lead
  std::array<AlignedVector<std::byte>, kMaxLeaves>
      obs_memory;                         // [T + 1, B, ...]; row t + 1 is the true successor of row t
  std::vector<std::uint8_t> mask_memory;  // [T + 1, B, num_actions]
  ObsView obs;
  std::vector<std::byte> actions;  // [T, B, ...]
  std::vector<float> rewards;      // [T, B]
  std::vector<float> discounts;    // [T, B] gamma; 0 where the episode terminated
  std::vector<float> valid;        // [T, B] 1 for a step, 0 for padding
  std::vector<float> states;       // [B, state_size] as they were before the first step
  std::vector<float> weights;      // [B]
};

class ReplayBuffer {
 public:
  /// Throws Error with the numbers when the memory needed is not free.
  ReplayBuffer(const EnvSpec& spec, const ReplaySettings& settings);

  /// What a buffer with these settings takes at most, as long as the limit on episodes holds.
  static std::size_t bytes_needed(const EnvSpec& spec, const ReplaySettings& settings);

  const ReplaySettings& settings() const { return settings_; }
  std::int64_t num_envs() const { return n_; }
  std::int64_t size() const;      // transitions that can be drawn
  std::int64_t capacity() const;  // at most
  std::size_t memory() const;     // bytes taken

  // As a RolloutBuffer, one step at a time.
  ObsView obs() const;    // what to act on now: [N, ...] of the newest row
  StepView sink() const;  // where the next step goes
  void* actions();        // [N, ...] of the step at hand, written by the agent
  float* states();        // [N, state_size] at the newest row, written by the agent
  void advance();         // the step is complete; it gets the largest priority so far

  /// The newest observations with those before them, [N, frame_stack, ...]; where an episode is younger than that, its
  /// first observation is repeated (as Gymnasium's FrameStackObservation pads). `obs()` itself without stacking.
  ObsView stacked_obs();

  /// Uniformly with replacement. Needs size() > 0; n-step returns that reach the newest row are folded from fewer
  /// steps.
  void sample(std::int64_t batch_size, Rng& rng, ReplayBatch& batch) const;

  /// In proportion to priority^alpha; weights are (size * probability)^-beta over the largest of the batch.
  void sample_prioritized(std::int64_t batch_size, double beta, Rng& rng, ReplayBatch& batch) const;

  /// Uniformly with replacement: steps, each with up to `length` - 1 that follow and up to `lead` that came before it
  /// in its episode.
  void sample_sequences(std::int64_t batch_size, std::int64_t length, Rng& rng, SequenceBatch& batch,
                        std::int64_t lead = 0) const;
  void sample_sequences_prioritized(std::int64_t batch_size, std::int64_t length, double beta, Rng& rng,
                                    SequenceBatch& batch, std::int64_t lead = 0) const;

  /// New priorities, usually |TD error| + a little; all must be finite and not negative. Slots that were overwritten
  /// since must not be named: set them before the next advance().
  void set_priorities(std::span<const std::int64_t> slots, const float* priorities);

  /// The rows in use, priorities and the step at hand.
  void visit(Archive& archive);

 private:
  /// An array of one entry a slot; slot = row * N + environment.
  struct Column {
    std::byte* data = nullptr;
    std::size_t bytes = 0;  // of one entry
    std::byte* at(std::int64_t slot) const { return data + static_cast<std::size_t>(slot) * bytes; }
  };
  /// What is known of a step; its action lies behind it, so that one cache line has it all.
  struct Step {
    float reward;
    std::uint32_t flags;  // 0, or in which way the episode ended
    std::byte* action() { return reinterpret_cast<std::byte*>(this + 1); }
  };
  static constexpr std::uint32_t kTerminated = 1, kTruncated = 2, kEnded = kTerminated | kTruncated;
  struct Columns {
    std::vector<Column> obs;        // one a leaf
    Column mask, steps, states;     // steps: Step and the action; unneeded ones have 0 bytes
    std::vector<Column> final_obs;  // [N] of the step at hand, as what follows
    Column final_mask, actions, rewards, terminated, truncated;  // as agent and environment write them
    std::vector<Column> stack;                                   // [N, frame_stack]
  };
  struct Chunk;

  /// Places the columns from `memory` on and returns the bytes they take.
  static std::size_t lay_out(const EnvSpec& spec, const ReplaySettings& settings, std::byte* memory, Columns& columns);

  std::int64_t drawable_rows() const { return std::min(steps_, capacity_rows_); }
  std::int64_t after(std::int64_t slot) const { return slot + n_ < slots_ ? slot + n_ : slot + n_ - slots_; }
  std::int64_t before(std::int64_t slot) const { return slot >= n_ ? slot - n_ : slot - n_ + slots_; }
  bool is_newest(std::int64_t slot) const {
    return static_cast<std::uint64_t>(slot - head_) < static_cast<std::uint64_t>(n_);
  }
  std::int64_t first_slot() const;                    // of the oldest transition that can be drawn
  std::int64_t slot_at(std::int64_t offset) const;    // of the transition that is `offset` younger
  std::int64_t offset_of(std::int64_t slot) const;    // the reverse; not below size() for slots that cannot be drawn
  std::int64_t position_of(std::int64_t slot) const;  // number of its step * N + environment
  Step& step_at(std::int64_t slot) const { return *reinterpret_cast<Step*>(columns_.steps.at(slot)); }
  ObsView view(const std::vector<Column>& obs, const Column& mask, std::int64_t slot) const;

  void push_successors();
  void draw_uniformly(Rng& rng, std::vector<std::int64_t>& slots, std::vector<float>& weights) const;
  void draw_by_priority(double beta, Rng& rng, std::vector<std::int64_t>& slots, std::vector<float>& weights) const;
  void resize(std::int64_t batch_size, ReplayBatch& batch) const;
  void resize(std::int64_t batch_size, std::int64_t length, SequenceBatch& batch) const;
  void gather(ReplayBatch& batch) const;
  void prefetch(std::span<const std::int64_t> slots) const;
  void fold(Chunk& chunk, ReplayBatch& batch) const;
  void gather_obs(Chunk& chunk, ReplayBatch& batch) const;
  void gather_next_obs(Chunk& chunk, ReplayBatch& batch) const;
  void step_back(std::span<std::int64_t> slots, std::uint32_t stay) const;
  void gather_sequences(std::int64_t lead, SequenceBatch& batch) const;
  std::int64_t rewind(std::int64_t lead, std::int64_t& slot) const;
  void copy_obs(std::int64_t slot, bool successor, std::size_t place, SequenceBatch& batch) const;
  void gather_piece(std::int64_t b, std::int64_t slot, SequenceBatch& batch) const;
  void visit_rows(Archive& archive, const std::string& name, const Column& column, std::int64_t count,
                  std::int64_t last_slot);
  void visit_successors(Archive& archive);
  void load_ends(std::int64_t kept, std::int64_t num_successors);
  void end_episodes(std::int64_t row);

  ReplaySettings settings_;
  std::int64_t n_, capacity_rows_, rows_, slots_;  // N; rows that can be drawn from, at most; rows; rows * N
  std::int64_t steps_ = 0;                         // taken so far
  std::int64_t head_ = 0;                          // first slot of the newest row, steps_ % rows_ * N
  std::vector<double> powers_;                     // gamma^k, k = 0 .. n_steps
  float max_priority_ = 1;                         // to the power of alpha, as all priorities in the tree
  std::vector<float> new_priorities_;              // of a call of set_priorities
  Mapping memory_;
  Columns columns_;
  SuccessorQueue successors_;
  std::optional<SumTree> tree_;
};

}  // namespace corvid
