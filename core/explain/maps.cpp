#include "core/explain/maps.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace corvid {
namespace {

std::vector<double> to_double(const std::vector<float>& numbers) { return {numbers.begin(), numbers.end()}; }

/// V(s), and for policies without values that of the best action.
std::vector<double> values_of(const Judgement& judgement) {
  const Insight& insight = judgement.insight;
  if (!insight.values.empty() || insight.action_values.empty()) return to_double(insight.values);
  std::vector<double> result;
  const std::size_t num_actions = insight.action_values.size() / static_cast<std::size_t>(judgement.n);
  for (std::size_t i = 0; i < static_cast<std::size_t>(judgement.n); ++i) {
    const float* row = insight.action_values.data() + i * num_actions;
    result.push_back(*std::max_element(row, row + num_actions));
  }
  return result;
}

}  // namespace

StateMap state_map(Policy& policy, const EnvSpec& spec, std::span<const std::uint8_t> legal) {
  const Space& space = spec.observation;
  std::vector<std::int64_t> sizes = space.nvec;
  if (space.kind == Space::Kind::kDiscrete) sizes = {space.n};
  std::int64_t num_states = sizes.empty() ? 0 : 1;
  for (std::int64_t size : sizes) num_states = std::min(num_states * size, kMostMapStates + 1);
  if (num_states == 0) fail(ErrorKind::kUsage, "a map of states needs discrete observations, got ", space.to_string());
  if (num_states > kMostMapStates)
    fail(ErrorKind::kUsage, "a map shows at most ", kMostMapStates, " states; ", space.to_string(), " has more");

  ObservationBatch batch(spec, num_states);
  for (std::int64_t state = 0; state < num_states; ++state) {
    std::int64_t rest = state;
    for (std::size_t k = sizes.size(); k-- > 0; rest /= sizes[k])
      batch.set(0, state, static_cast<std::int64_t>(k), static_cast<double>(rest % sizes[k] + space.start));
    if (!legal.empty()) batch.set_mask(state, legal.data() + state * spec.action.n);
  }
  const Judgement judgement = judge(policy, spec, batch);
  return {.num_states = num_states,
          .values = values_of(judgement),
          .actions = judgement.actions,
          .action_values = judgement.insight.action_values};
}

std::vector<std::uint8_t> legal_actions(const EnvSpec& spec, const std::optional<TabularModel>& model) {
  std::vector<std::uint8_t> legal;
  if (!spec.masks_actions || !model) return legal;
  for (std::int64_t state = 0; state < model->num_states; ++state) {
    const std::size_t first = legal.size();
    for (std::int64_t action = 0; action < model->num_actions; ++action) {
      const std::vector<Transition>& outcomes = model->at(state, action);
      const auto likely = std::max_element(
          outcomes.begin(), outcomes.end(),
          [](const Transition& one, const Transition& other) { return one.probability < other.probability; });
      legal.push_back(likely != outcomes.end() && (likely->terminated || likely->next_state != state));
    }
    // A state that no action leaves: no policy is asked there, but the map shows it.
    if (std::find(legal.begin() + static_cast<std::ptrdiff_t>(first), legal.end(), 1) == legal.end())
      std::fill(legal.begin() + static_cast<std::ptrdiff_t>(first), legal.end(), std::uint8_t{1});
  }
  return legal;
}

std::vector<std::uint8_t> acted_in_states(const TabularModel& model) {
  std::vector<std::uint8_t> seen(static_cast<std::size_t>(model.num_states), 0);
  std::vector<std::int64_t> open;
  auto visit = [&](std::int64_t state) {
    if (!std::exchange(seen[static_cast<std::size_t>(state)], 1)) open.push_back(state);
  };
  for (std::int64_t state = 0; state < model.num_states; ++state) {
    if (model.initial[static_cast<std::size_t>(state)] > 0) visit(state);
  }
  while (!open.empty()) {
    const std::int64_t state = open.back();
    open.pop_back();
    for (std::int64_t action = 0; action < model.num_actions; ++action) {
      for (const Transition& t : model.at(state, action)) {
        if (t.probability > 0 && !t.terminated) visit(t.next_state);
      }
    }
  }
  return seen;
}

std::optional<std::size_t> plane_leaf(const Space& observation) {
  const auto leaves = observation.leaves();
  for (std::size_t l = 0; l < leaves.size(); ++l) {
    const Space& space = *leaves[l].second;
    const bool numbers = space.kind == Space::Kind::kBox || space.kind == Space::Kind::kMultiDiscrete;
    if (numbers && space.size() >= 2) return l;
  }
  return std::nullopt;
}

PlaneMap plane_map(Policy& policy, const EnvSpec& spec, const ObsView& obs, std::int64_t row, const MapAxis& x,
                   const MapAxis& y) {
  const std::optional<std::size_t> leaf = plane_leaf(spec.observation);
  if (!leaf) fail(ErrorKind::kUsage, "a map needs two numbers of an observation, got ", spec.observation.to_string());
  CORVID_CHECK(x.points > 0 && y.points > 0 && x.feature != y.feature, "a map has two axes");
  ObservationBatch batch(spec, x.points * y.points, obs, row);
  for (std::int64_t j = 0; j < y.points; ++j) {
    for (std::int64_t i = 0; i < x.points; ++i) {
      batch.set(*leaf, j * x.points + i, x.feature, x.at(i));
      batch.set(*leaf, j * x.points + i, y.feature, y.at(j));
    }
  }
  const Judgement judgement = judge(policy, spec, batch);
  return {.x = x, .y = y, .values = values_of(judgement), .actions = judgement.actions};
}

}  // namespace corvid
