#include "core/learn/learned_model.h"

#include <algorithm>

#include "core/base/check.h"

namespace corvid {

LearnedModel::LearnedModel(std::int64_t num_states, std::int64_t num_actions)
    : first_of_pair_(static_cast<std::size_t>(num_states * num_actions), -1),
      totals_(first_of_pair_.size(), 0),
      first_into_state_(static_cast<std::size_t>(num_states), -1) {}

void LearnedModel::add(std::int64_t pair, std::int64_t next_state, double reward, bool terminated) {
  std::int64_t k = first_of_pair_[static_cast<std::size_t>(pair)];
  for (; k >= 0; k = next_of_pair_[static_cast<std::size_t>(k)]) {
    const auto o = static_cast<std::size_t>(k);
    if (next_states_[o] == next_state && rewards_[o] == reward && (terminated_[o] != 0) == terminated) break;
  }
  if (k < 0) {
    k = std::ssize(pairs_);
    pairs_.push_back(pair);
    next_states_.push_back(next_state);
    rewards_.push_back(reward);
    terminated_.push_back(terminated);
    counts_.push_back(0);
    link(k);
  }
  ++counts_[static_cast<std::size_t>(k)];
  ++totals_[static_cast<std::size_t>(pair)];
}

void LearnedModel::link(std::int64_t k) {
  const auto o = static_cast<std::size_t>(k);
  const std::int64_t pair = pairs_[o];
  std::int64_t* end = &first_of_pair_[static_cast<std::size_t>(pair)];
  if (*end < 0) seen_.push_back(pair);
  while (*end >= 0) end = &next_of_pair_[static_cast<std::size_t>(*end)];
  *end = k;
  next_of_pair_.push_back(-1);
  std::int64_t& first_into = first_into_state_[static_cast<std::size_t>(next_states_[o])];
  next_into_state_.push_back(first_into);
  first_into = k;
}

std::span<const Transition> LearnedModel::outcomes(std::int64_t pair) {
  const auto p = static_cast<std::size_t>(pair);
  outcomes_.clear();
  for (std::int64_t k = first_of_pair_[p]; k >= 0; k = next_of_pair_[static_cast<std::size_t>(k)]) {
    const auto o = static_cast<std::size_t>(k);
    const double share = static_cast<double>(counts_[o]) / static_cast<double>(totals_[p]);
    outcomes_.push_back({share, next_states_[o], rewards_[o], terminated_[o] != 0});
  }
  return outcomes_;
}

std::span<const std::int64_t> LearnedModel::predecessors(std::int64_t next_state) {
  predecessors_.clear();
  std::int64_t k = first_into_state_[static_cast<std::size_t>(next_state)];
  for (; k >= 0; k = next_into_state_[static_cast<std::size_t>(k)]) {
    const auto o = static_cast<std::size_t>(k);
    // Outcomes that differ in the reward alone name their pair twice.
    if (terminated_[o] || std::find(predecessors_.begin(), predecessors_.end(), pairs_[o]) != predecessors_.end())
      continue;
    predecessors_.push_back(pairs_[o]);
  }
  return predecessors_;
}

std::int64_t LearnedModel::draw_pair(Rng& rng) const {
  return seen_[static_cast<std::size_t>(rng.integers(0, std::ssize(seen_)))];
}

Transition LearnedModel::draw_outcome(std::int64_t pair, Rng& rng) const {
  const auto p = static_cast<std::size_t>(pair);
  std::int64_t left = rng.integers(0, totals_[p]);
  auto o = static_cast<std::size_t>(first_of_pair_[p]);
  while (left >= counts_[o]) {
    left -= counts_[o];
    o = static_cast<std::size_t>(next_of_pair_[o]);
  }
  return {1, next_states_[o], rewards_[o], terminated_[o] != 0};
}

void LearnedModel::visit(Archive& archive) {
  archive("pairs", pairs_);
  archive("next_states", next_states_);
  archive("counts", counts_);
  archive("rewards", rewards_);
  archive("terminated", terminated_);
  if (archive.loading()) rebuild();
}

void LearnedModel::rebuild() {
  const auto num_pairs = std::ssize(totals_), num_states = std::ssize(first_into_state_);
  const std::size_t size = pairs_.size();
  bool whole =
      next_states_.size() == size && counts_.size() == size && rewards_.size() == size && terminated_.size() == size;
  for (std::size_t o = 0; whole && o < size; ++o) {
    whole = pairs_[o] >= 0 && pairs_[o] < num_pairs && next_states_[o] >= 0 && next_states_[o] < num_states &&
            counts_[o] > 0;
  }
  if (!whole) fail(ErrorKind::kBadFile, "the saved model of the environment is damaged or of another environment");
  std::fill(first_of_pair_.begin(), first_of_pair_.end(), -1);
  std::fill(first_into_state_.begin(), first_into_state_.end(), -1);
  std::fill(totals_.begin(), totals_.end(), 0);
  seen_.clear();
  next_of_pair_.clear();
  next_into_state_.clear();
  for (std::size_t o = 0; o < size; ++o) {
    totals_[static_cast<std::size_t>(pairs_[o])] += counts_[o];
    link(static_cast<std::int64_t>(o));
  }
}

}  // namespace corvid
