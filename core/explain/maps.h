// What a policy would do anywhere: in every state of a finite environment, or over two numbers of an observation.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/explain/judge.h"

namespace corvid {

inline constexpr std::int64_t kMostMapStates = 1 << 18;

struct StateMap {
  std::int64_t num_states = 0;
  std::vector<double> values;        // [S] V(s), or the value of the greedy action; empty: the policy has none
  std::vector<double> actions;       // [S, numbers of an action] without exploration
  std::vector<float> action_values;  // [S, A]; empty: none
};

/// Every state of a Discrete or MultiDiscrete observation, the last number of a MultiDiscrete fastest. `legal` [S, A]
/// may be empty: all are. Throws Error for other observations, and for more than kMostMapStates states.
StateMap state_map(Policy& policy, const EnvSpec& spec, std::span<const std::uint8_t> legal = {});

/// Legal actions [S, A] of an environment that masks actions and has a model, by the rule that an action is illegal
/// where its likeliest outcome leaves the state as it is and ends nothing. Empty for others.
std::vector<std::uint8_t> legal_actions(const EnvSpec& spec, const std::optional<TabularModel>& model);

/// 1 for each state [S] in which an action is ever chosen: an episode may begin there or go on there.
std::vector<std::uint8_t> acted_in_states(const TabularModel& model);

/// One number of an observation, from `low` to `high` in `points` equal steps.
struct MapAxis {
  std::int64_t feature = 0;
  double low = 0, high = 1;
  std::int64_t points = 61;

  double at(std::int64_t i) const {
    return points > 1 ? low + (high - low) * static_cast<double>(i) / static_cast<double>(points - 1) : low;
  }
};

/// The leaf whose numbers a map may have as axes: the first Box or MultiDiscrete of two numbers or more.
std::optional<std::size_t> plane_leaf(const Space& observation);

struct PlaneMap {
  MapAxis x, y;
  std::vector<double> values;   // [Y, X] as in StateMap
  std::vector<double> actions;  // [Y, X, numbers of an action]
};

/// The other numbers are those of the observation in row `row`.
PlaneMap plane_map(Policy& policy, const EnvSpec& spec, const ObsView& obs, std::int64_t row, const MapAxis& x,
                   const MapAxis& y);

}  // namespace corvid
