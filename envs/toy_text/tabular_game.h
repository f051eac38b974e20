// A finite game compiled from its TabularModel for fast stepping: one cache line a state and action, shared by every
// copy of the environment. Draws equal Gymnasium's `categorical_sample`: one uniform number a reset and a step.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <vector>

#include "core/base/check.h"
#include "core/env/environment.h"

namespace corvid {

class TabularGame {
 public:
  static constexpr std::size_t kMaxOutcomes = 3;

  struct Outcome {
    std::int32_t next_state = 0;
    std::uint16_t reward = 0;  // index of the reward: there are few different ones
    std::uint16_t terminated = 0;
  };

  explicit TabularGame(const TabularModel& model) : num_actions_(static_cast<std::int32_t>(model.num_actions)) {
    double sum = 0;
    for (double probability : model.initial) initial_.push_back(sum += probability);
    for (const auto& outcomes : model.outcomes) rows_.push_back(compile(outcomes));
  }

  std::int32_t num_states() const { return static_cast<std::int32_t>(initial_.size()); }

  std::int32_t draw_initial(Rng& rng) const {
    const auto place = std::upper_bound(initial_.begin(), initial_.end(), rng.random());
    return place == initial_.end() ? 0 : static_cast<std::int32_t>(place - initial_.begin());
  }

  /// Moves `state` on.
  StepResult step(std::int32_t& state, std::int64_t action, Rng& rng) const {
    const Row& row = rows_[static_cast<std::size_t>(state * num_actions_ + action)];
    const double draw = rng.random();
    const int index = (draw >= row.cumulative[0]) + (draw >= row.cumulative[1]) + (draw >= row.cumulative[2]);
    const Outcome outcome = row.outcomes[static_cast<std::size_t>(index)];
    state = outcome.next_state;
    return {rewards_[outcome.reward], outcome.terminated != 0};
  }

  /// For visit(): reads or writes the state of one copy, and refuses one that this game does not have.
  void visit_state(Archive& archive, std::int32_t& state) const {
    archive.between("state", state, 0, num_states() - 1);
  }

 private:
  struct alignas(64) Row {
    std::array<double, kMaxOutcomes> cumulative;
    std::array<Outcome, kMaxOutcomes + 1> outcomes;  // the first once more where rounding leaves the sum below a draw
  };

  Row compile(const std::vector<Transition>& outcomes) {
    CORVID_CHECK(!outcomes.empty() && outcomes.size() <= kMaxOutcomes, "a row has 1 to kMaxOutcomes outcomes");
    Row row;
    row.cumulative.fill(std::numeric_limits<double>::infinity());
    double sum = 0;
    for (std::size_t k = 0; k < outcomes.size(); ++k) {
      const Transition& transition = outcomes[k];
      row.cumulative[k] = sum += transition.probability;
      row.outcomes[k] = {static_cast<std::int32_t>(transition.next_state), reward_index(transition.reward),
                         transition.terminated};
    }
    row.outcomes[outcomes.size()] = row.outcomes[0];
    return row;
  }

  std::uint16_t reward_index(double reward) {
    const auto place = std::find(rewards_.begin(), rewards_.end(), reward);
    if (place != rewards_.end()) return static_cast<std::uint16_t>(place - rewards_.begin());
    CORVID_CHECK(rewards_.size() < std::numeric_limits<std::uint16_t>::max(), "too many different rewards");
    rewards_.push_back(reward);
    return static_cast<std::uint16_t>(rewards_.size() - 1);
  }

  std::int32_t num_actions_;
  std::vector<double> initial_;  // running sums
  std::vector<Row> rows_;        // [num_states * num_actions]
  std::vector<double> rewards_;
};

/// The compiled game of environment E with these options; built once a process and never freed. Thread-safe.
template <class E>
const TabularGame& shared_game(const typename E::Options& options) {
  static std::mutex mutex;
  static std::map<typename E::Options, TabularGame> games;
  const std::lock_guard lock(mutex);
  const auto place = games.find(options);
  return place != games.end() ? place->second : games.emplace(options, E::model(options)).first->second;
}

}  // namespace corvid
