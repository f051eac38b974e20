#include "core/run/tabular.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/check.h"

namespace corvid {

namespace {

constexpr std::int64_t kMostPairs = 1 << 27;  // 1 GiB of action values

const Space& discrete_action(const EnvSpec& spec, const std::string& who) {
  if (spec.action.kind != Space::Kind::kDiscrete) {
    fail(ErrorKind::kUsage, who, " keeps a table of actions, so it needs Discrete actions, got ",
         spec.action.to_string());
  }
  return spec.action;
}

}  // namespace

QTable::QTable(const EnvSpec& spec, double initial_q, const std::string& who)
    : index_(spec.observation, who),
      num_actions_(discrete_action(spec, who).n),
      first_action_(spec.action.start),
      probabilities_(static_cast<std::size_t>(num_actions_)) {
  if (num_states() > kMostPairs / num_actions_) {
    fail(ErrorKind::kUsage, who, " keeps a table of at most ", kMostPairs, " action values; ", num_states(),
         " states of ", num_actions_, " actions have more");
  }
  q_.assign(static_cast<std::size_t>(num_states() * num_actions_), initial_q);
}

std::span<const double> QTable::probabilities(std::int64_t state, const std::uint8_t* legal) {
  epsilon_greedy(row(state), legal, exploration_rate_, probabilities_);
  return probabilities_;
}

void QTable::act(const ObsView& obs, std::int64_t n, bool deterministic, Rng& rng, void* actions) {
  exploring_ = !deterministic;
  states_.resize(static_cast<std::size_t>(n));
  legal_.clear();
  if (obs.action_mask) legal_.assign(obs.action_mask, obs.action_mask + n * num_actions_);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t state = states_[static_cast<std::size_t>(i)] =
        index_(obs.as<std::int64_t>() + i * index_.numbers());
    const std::uint8_t* legal = obs.action_mask == nullptr ? nullptr : obs.action_mask + i * num_actions_;
    const std::int64_t action =
        deterministic ? greedy_action(row(state), legal) : rng.choice(probabilities(state, legal));
    static_cast<std::int64_t*>(actions)[i] = first_action_ + action;
  }
}

Insight QTable::insight() {
  Insight insight;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const std::span<const double> q = row(states_[i]);
    const std::uint8_t* legal = legal_.empty() ? nullptr : legal_.data() + i * q.size();
    const std::int64_t greedy = greedy_action(q, legal);
    std::fill(probabilities_.begin(), probabilities_.end(), 0.0);
    probabilities_[static_cast<std::size_t>(greedy)] = 1;
    if (exploring_) epsilon_greedy(q, legal, exploration_rate_, probabilities_);
    insight.values.push_back(static_cast<float>(q[static_cast<std::size_t>(greedy)]));
    for (double value : q) insight.action_values.push_back(static_cast<float>(value));
    for (double p : probabilities_) insight.probabilities.push_back(static_cast<float>(p));
  }
  return insight;
}

void QTable::visit(Archive& archive) {
  const std::int64_t shape[] = {num_states(), num_actions_};
  archive.array("q", DType::kFloat64, shape, q_.data());
  archive("exploration_rate", exploration_rate_);
}

void PairHistory::append(std::int64_t pair, double reward) {
  pairs.push_back(pair);
  rewards.push_back(reward);
}

void PairHistory::drop_first(std::size_t count) {
  pairs.erase(pairs.begin(), pairs.begin() + static_cast<std::ptrdiff_t>(count));
  rewards.erase(rewards.begin(), rewards.begin() + static_cast<std::ptrdiff_t>(count));
}

void PairHistory::visit(Archive& archive) {
  archive("pairs", pairs);
  archive("rewards", rewards);
  bool whole = pairs.size() == rewards.size();
  for (std::int64_t pair : pairs) whole &= pair >= 0 && pair < num_pairs;
  if (!whole) fail(ErrorKind::kBadFile, "the saved steps of an episode are damaged or of another environment");
}

TabularAgent::TabularAgent(const AgentContext& context, double initial_q, const std::string& who)
    : rng_(context.seed),
      table_(context.spec, initial_q, who),
      first_action_(context.spec.action.start),
      step_(context.spec, context.num_envs),
      obs_(static_cast<std::size_t>(context.num_envs * table_.index().numbers())),
      actions_(static_cast<std::size_t>(context.num_envs)),
      legal_(context.spec.masks_actions ? actions_.size() * static_cast<std::size_t>(table_.num_actions()) : 0) {}

ObsView TabularAgent::obs_view() {
  ObsView view;
  view.leaf[0] = obs_.data();
  view.action_mask = legal_.empty() ? nullptr : legal_.data();
  return view;
}

const std::uint8_t* TabularAgent::legal_row(const ObsView& obs, std::int64_t i) const {
  return obs.action_mask == nullptr ? nullptr : obs.action_mask + i * table_.num_actions();
}

ActionView TabularAgent::act() {
  const ObsView obs = obs_view();
  for (std::int64_t i = 0; i < num_envs(); ++i) {
    const std::int64_t state = table_.index()(obs_.data() + i * table_.index().numbers());
    actions_[static_cast<std::size_t>(i)] = first_action_ + choose(i, state, legal_row(obs, i));
  }
  return actions_.data();
}

RolloutStep TabularAgent::last_step() {
  const StepView& step = step_.view();
  return {.obs = obs_view(),
          .actions = actions_.data(),
          .rewards = step.reward,
          .terminated = step.terminated,
          .truncated = step.truncated,
          .final_obs = step.final_obs,
          .log_probs = nullptr};
}

bool TabularAgent::learn(double) {
  const StepView& step = step_.view();
  const StateIndex& index = table_.index();
  for (std::int64_t i = 0; i < num_envs(); ++i) {
    // The true successor: where an episode ended, `obs` belongs to the next one already.
    const bool ended = step.terminated[i] || step.truncated[i];
    const ObsView& next = ended ? step.final_obs : step.obs;
    update({.env = i,
            .state = index(obs_.data() + i * index.numbers()),
            .action = actions_[static_cast<std::size_t>(i)] - first_action_,
            .reward = step.reward[i],
            .next_state = index(next.as<std::int64_t>() + i * index.numbers()),
            .next_legal = legal_row(next, i),
            .terminated = step.terminated[i] != 0,
            .truncated = step.truncated[i] != 0});
  }
  std::copy_n(step.obs.as<std::int64_t>(), obs_.size(), obs_.data());
  if (!legal_.empty()) std::copy_n(step.obs.action_mask, legal_.size(), legal_.data());
  return true;
}

void TabularAgent::visit(Archive& archive) {
  archive("rng", rng_);
  archive("table", table_);
  const std::int64_t shape[] = {num_envs(), table_.index().numbers()};
  archive.array("obs", DType::kInt64, shape, obs_.data());
  if (!legal_.empty()) archive.bytes("legal", legal_.data(), legal_.size());
}

Fields fields(TabularConfig& c) {
  Fields list = {
      Field("learning_rate", &c.learning_rate, "share of the error that one update removes").between(0, 1),
      Field("gamma", &c.gamma, "discount of future rewards").between(0, 1),
      Field("initial_q", &c.initial_q, "first value of every action; a high one makes the agent try them all"),
  };
  for (Field& field : fields(static_cast<ExplorationConfig&>(c))) {
    // One table has one epsilon.
    if (field.is_called("exploration_schedule")) field.one_of({"linear", "exponential"});
    list.push_back(std::move(field));
  }
  return list;
}

TabularLearner::TabularLearner(const TabularConfig& config, const AgentContext& context, const std::string& who)
    : TabularAgent(context, config.initial_q, who),
      config_(config),
      next_actions_(static_cast<std::size_t>(context.num_envs), -1),
      gamma_(config.gamma) {
  check(config);
  set_progress(0);
}

void TabularLearner::set_progress(double progress) {
  learning_rate_ = config_.learning_rate.at(progress);
  table_.set_exploration_rate(exploration_rate(config_, progress, 0, 1));
}

std::int64_t TabularLearner::choose(std::int64_t i, std::int64_t state, const std::uint8_t* legal) {
  const std::int64_t chosen = std::exchange(next_actions_[static_cast<std::size_t>(i)], -1);
  return chosen >= 0 ? chosen : explore(state, legal);
}

std::int64_t TabularLearner::choose_next(const TabularStep& step) {
  if (step.terminated) return 0;
  const std::int64_t action = explore(step.next_state, step.next_legal);
  if (!step.truncated) next_actions_[static_cast<std::size_t>(step.env)] = action;
  return action;
}

bool TabularLearner::learn(double progress) {
  TabularAgent::learn(progress);
  set_progress(progress);
  return true;
}

void TabularLearner::count(double td_error) {
  sum_error_ += std::fabs(td_error);
  ++num_errors_;
  ++num_updates_;
}

void TabularLearner::report(Metrics& metrics) {
  if (num_errors_ == 0) return;
  const double td_error = sum_error_ / static_cast<double>(num_errors_);
  if (!std::isfinite(td_error))
    fail(ErrorKind::kFailed, "the action values are no longer finite; lower the learning rate");
  metrics.set("train/td_error", td_error);
  metrics.set("rollout/exploration_rate", table_.exploration_rate());
  metrics.set("train/learning_rate", learning_rate_);
  metrics.set("train/n_updates", static_cast<double>(num_updates_));
  sum_error_ = 0;
  num_errors_ = 0;
}

void TabularLearner::visit(Archive& archive) {
  TabularAgent::visit(archive);
  const std::int64_t shape[] = {num_envs()};
  archive.array("next_actions", DType::kInt64, shape, next_actions_.data());
  archive("learning_rate", learning_rate_);
  archive("sum_error", sum_error_);
  archive("num_errors", num_errors_);
  archive("num_updates", num_updates_);
}

}  // namespace corvid
