// A model of a finite environment learned by counting: which outcomes each action had in each state, and how often.
// Source: Sutton and Barto 2018, section 8.2, with counts in place of the last outcome, so that chance is modelled too.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/archive.h"
#include "core/base/rng.h"
#include "core/env/environment.h"

namespace corvid {

class LearnedModel {
 public:
  LearnedModel(std::int64_t num_states, std::int64_t num_actions);

  /// Counts one more outcome of `pair`, state * num_actions + action. O(different outcomes of the pair).
  void add(std::int64_t pair, std::int64_t next_state, double reward, bool terminated);

  /// The outcomes of a pair in the order in which they were first seen, with their shares as probabilities; valid until
  /// the next call. Empty when the pair was never seen.
  std::span<const Transition> outcomes(std::int64_t pair);

  /// The pairs that have led to `next_state` without ending the episode, newest first; valid until the next call.
  std::span<const std::int64_t> predecessors(std::int64_t next_state);

  /// A pair drawn uniformly from those seen; there must be one.
  std::int64_t draw_pair(Rng& rng) const;

  /// One of the outcomes of a pair that was seen, each as often as it was counted.
  Transition draw_outcome(std::int64_t pair, Rng& rng) const;

  std::int64_t num_seen() const { return std::ssize(seen_); }
  void visit(Archive& archive);

 private:
  void link(std::int64_t k);
  void rebuild();  // the chains, from outcomes that were loaded

  // Outcomes lie in one list [O]; those of a pair, and those that lead to a state, are chained by index, -1 at the end.
  std::vector<std::int64_t> pairs_, next_states_, counts_;
  std::vector<double> rewards_;
  std::vector<std::uint8_t> terminated_;
  std::vector<std::int64_t> next_of_pair_, next_into_state_;  // [O]
  std::vector<std::int64_t> first_of_pair_, totals_;          // [S * A]
  std::vector<std::int64_t> first_into_state_;                // [S]
  std::vector<std::int64_t> seen_;                            // pairs in the order in which they were first seen
  std::vector<Transition> outcomes_;                          // scratch
  std::vector<std::int64_t> predecessors_;                    // scratch
};

}  // namespace corvid
