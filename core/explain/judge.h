// Asks a policy what it makes of observations that no environment gave: copies of one, changed here and there. Whatever
// explains a policy from outside stands on this.
#pragma once

#include <string>
#include <vector>

#include "core/nn/policy.h"

namespace corvid {

/// Observations [n] of a space in memory of their own.
class ObservationBatch {
 public:
  ObservationBatch(const EnvSpec& spec, std::int64_t n);

  /// n copies of row `row` of `obs`, with its mask.
  ObservationBatch(const EnvSpec& spec, std::int64_t n, const ObsView& obs, std::int64_t row = 0);

  std::int64_t size() const { return n_; }

  /// Rows from `first` on.
  ObsView view(std::int64_t first = 0) const;

  /// Number k of a leaf of one row; integers are rounded to.
  double get(std::size_t leaf, std::int64_t row, std::int64_t k) const;
  void set(std::size_t leaf, std::int64_t row, std::int64_t k, double number);

  /// Legal actions of one row, 1 where legal [A].
  void set_mask(std::int64_t row, const std::uint8_t* legal);

 private:
  struct Leaf {
    DType dtype;
    std::int64_t numbers;
    std::vector<std::byte> memory;  // [n, numbers]
  };
  std::int64_t n_, num_actions_;
  std::vector<Leaf> leaves_;
  std::vector<std::uint8_t> mask_;  // [n, A]; empty where no action is ever illegal
};

/// Number k of memory of a type.
double read_number(DType dtype, const void* data, std::int64_t k);

/// The numbers of one leaf of one row of `obs`.
std::vector<double> leaf_numbers(const Space& observation, std::size_t leaf, const ObsView& obs, std::int64_t row = 0);

/// What a policy made of n observations.
struct Judgement {
  std::int64_t n = 0;
  Insight insight;
  std::vector<double> actions;  // [n, numbers of an action] without exploration, as the environment gets them
};

/// Each row is judged as the first of an episode: a policy that remembers has nothing to remember.
Judgement judge(Policy& policy, const EnvSpec& spec, const ObservationBatch& batch);

/// Which of its thoughts a policy chooses actions by: the first that it has.
enum class Choosing : std::uint8_t { kActionValues, kMeans, kProbabilities, kNothing };
Choosing choosing(const Insight& insight);
const std::vector<float>& choosing_outputs(const Insight& insight);  // [n, K]

/// One number of what a policy thinks, as a function of the observation.
struct Output {
  bool value = false;       // V(s), or the value of the greedy action
  std::int64_t column = 0;  // of choosing_outputs otherwise: an action's value, its probability, or a mean
};

/// The output of the action that was chosen in row `row`, of its dimension `dimension` where an action has several.
Output chosen_output(const EnvSpec& spec, const Judgement& judgement, std::int64_t row, std::int64_t dimension = 0);

/// That output in every row [n]. Throws Error when the policy does not tell it.
std::vector<double> outputs(const Judgement& judgement, const Output& output);

/// In words: "Q(push left)", "probability of push left", "mean of torque (N m)", "value".
std::string describe(const EnvSpec& spec, const Insight& insight, const Output& output);

}  // namespace corvid
