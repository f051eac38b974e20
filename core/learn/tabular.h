// Formulas of tabular methods on plain memory: greedy and epsilon-greedy actions, values of states, targets of backups.
//
// Everywhere `q` [A] holds the values of one state's actions, and `legal` [A] is 1 where an action is legal, or null
// where all are. Actions within a tiny tolerance of the best one tie with it, so that rounding decides nothing.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/space.h"
#include "core/env/environment.h"

namespace corvid {

/// Numbers observations of a Discrete or MultiDiscrete space from 0, the last number of a MultiDiscrete fastest.
class StateIndex {
 public:
  /// Throws Error for another space; `who` goes into the message.
  StateIndex(const Space& observation, const std::string& who);

  std::int64_t num_states() const { return num_states_; }      // S
  std::int64_t numbers() const { return std::ssize(sizes_); }  // K in one observation

  /// The state of one observation [K].
  std::int64_t operator()(const std::int64_t* obs) const {
    std::int64_t state = 0;
    for (std::size_t k = 0; k < sizes_.size(); ++k) state = state * sizes_[k] + obs[k] - start_;
    return state;
  }

 private:
  std::int64_t num_states_ = 1, start_ = 0;
  std::vector<std::int64_t> sizes_;  // [K]
};

/// max_a q(a); 0 where no action is legal.
double max_value(std::span<const double> q, const std::uint8_t* legal);

/// The first of the best actions.
std::int64_t greedy_action(std::span<const double> q, const std::uint8_t* legal);

/// Whether a legal action is one of the best.
bool is_greedy(std::span<const double> q, const std::uint8_t* legal, std::int64_t action);

/// Writes the epsilon-greedy policy (Sutton and Barto 2018, section 5.4) to `probabilities` [A]: epsilon is shared by
/// the legal actions, the rest by the best ones.
void epsilon_greedy(std::span<const double> q, const std::uint8_t* legal, double epsilon,
                    std::span<double> probabilities);

/// sum_a pi(a) q(a) (Sutton and Barto 2018, eq. 6.9).
double expected_value(std::span<const double> q, std::span<const double> probabilities);

/// r + gamma v, and r where the episode terminated (Sutton and Barto 2018, eq. 6.2).
inline double one_step_target(double reward, double gamma, bool terminated, double next_value) {
  return terminated ? reward : reward + gamma * next_value;
}

/// sum_{s', r} p(s', r) (r + gamma V(s')) with V(s') = value(s') (Sutton and Barto 2018, eq. 4.6).
template <class Value>
double expected_target(std::span<const Transition> outcomes, double gamma, Value&& value) {
  double sum = 0;
  for (const Transition& t : outcomes)
    sum += t.probability * one_step_target(t.reward, gamma, t.terminated, value(t.next_state));
  return sum;
}

/// Eligibility traces of one episode: the pairs of state and action that a TD error reaches (Sutton and Barto 2018,
/// section 12.7). Traces below kSmallest are dropped.
class EligibilityTraces {
 public:
  static constexpr double kSmallest = 1e-8;

  explicit EligibilityTraces(std::int64_t num_pairs) : num_pairs_(num_pairs) {}

  /// Visits a pair: its trace becomes 1 (`replacing`) or grows by 1.
  void visit_pair(std::int64_t pair, bool replacing);

  /// Multiplies every trace by gamma lambda.
  void decay(double factor);

  void clear();
  std::span<const std::int64_t> pairs() const { return pairs_; }
  std::span<const double> traces() const { return traces_; }
  void visit(Archive& archive);

 private:
  std::int64_t num_pairs_;
  std::vector<std::int64_t> pairs_;  // in the order of their first visits
  std::vector<double> traces_;
};

}  // namespace corvid
