#include "core/run/q_policy.h"

#include <algorithm>

#include "core/run/exploration.h"

namespace corvid {

void QPolicy::begin(std::int64_t) {
  stacks_.clear();
  states_.clear();
}

void QPolicy::act(const ObsView& obs, std::int64_t n, bool deterministic, Rng& rng, void* actions) {
  const std::int64_t num_actions = parts_.num_actions;
  push(obs, n);
  q_.resize(static_cast<std::size_t>(n * num_actions));
  states_.resize(static_cast<std::size_t>(n * parts_.state_size));
  exploring_ = !deterministic;
  legal_.clear();
  if (obs.action_mask) legal_.assign(obs.action_mask, obs.action_mask + n * num_actions);
  parts_.q_values(stacks_.data(), n, states_.data(), exploring_, q_.data());
  for (std::int64_t i = 0; i < n; ++i) {
    const std::uint8_t* legal = obs.action_mask ? obs.action_mask + i * num_actions : nullptr;
    const bool random = !deterministic && rng.random() < parts_.exploration(i, n);
    static_cast<std::int64_t*>(actions)[i] =
        parts_.first_action + (random ? random_action(num_actions, legal, rng)
                                      : greedy_action(q_.data() + i * num_actions, num_actions, legal));
  }
}

Insight QPolicy::insight() {
  const std::int64_t num_actions = parts_.num_actions;
  const auto n = static_cast<std::int64_t>(q_.size()) / num_actions;
  Insight insight{.values = {}, .action_values = q_, .probabilities = std::vector<float>(q_.size())};
  for (std::int64_t i = 0; i < n; ++i) {
    const float* q = q_.data() + i * num_actions;
    float* const probabilities = insight.probabilities.data() + i * num_actions;
    const std::uint8_t* legal = legal_.empty() ? nullptr : legal_.data() + i * num_actions;
    const std::int64_t greedy = greedy_action(q, num_actions, legal);
    const double epsilon = exploring_ ? parts_.exploration(i, n) : 0;
    const std::int64_t num_legal = legal ? num_actions - std::count(legal, legal + num_actions, 0) : num_actions;
    const double share = epsilon / static_cast<double>(num_legal);
    for (std::int64_t a = 0; a < num_actions; ++a)
      probabilities[a] = !legal || legal[a] ? static_cast<float>(share) : 0;
    probabilities[greedy] += static_cast<float>(1 - epsilon);
    insight.values.push_back(q[greedy]);
  }
  return insight;
}

void QPolicy::push(const ObsView& obs, std::int64_t n) {
  const std::int64_t depth = parts_.frame_stack, size = encoder_.size();
  newest_.resize(static_cast<std::size_t>(n * size));
  encoder_.encode(obs, n, false, newest_.data());
  const bool first = stacks_.size() != newest_.size() * static_cast<std::size_t>(depth);
  stacks_.resize(newest_.size() * static_cast<std::size_t>(depth));
  for (std::int64_t i = 0; i < n; ++i) {
    float* stack = stacks_.data() + i * depth * size;
    std::copy_n(stack + size, (depth - 1) * size, stack);
    for (std::int64_t k = first ? 0 : depth - 1; k < depth; ++k)
      std::copy_n(newest_.data() + i * size, size, stack + k * size);
  }
}

}  // namespace corvid
