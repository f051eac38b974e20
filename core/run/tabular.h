// What tabular agents share: they number the observations, act on a table of action values, and learn from every step
// of every environment, in order of the environments.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/base/schedule.h"
#include "core/learn/tabular.h"
#include "core/run/agent.h"
#include "core/run/exploration.h"

namespace corvid {

/// Q(s, a), and the policy that is greedy in it; without `deterministic` it explores as in the training.
class QTable final : public Policy {
 public:
  /// Throws Error when observations or actions are not discrete; `who` goes into the message.
  QTable(const EnvSpec& spec, double initial_q, const std::string& who);

  std::int64_t num_states() const { return index_.num_states(); }
  std::int64_t num_actions() const { return num_actions_; }
  const StateIndex& index() const { return index_; }

  std::int64_t pair(std::int64_t state, std::int64_t action) const { return state * num_actions_ + action; }
  double& at(std::int64_t pair) { return q_[static_cast<std::size_t>(pair)]; }
  std::span<double> row(std::int64_t state) {
    return std::span(q_).subspan(static_cast<std::size_t>(state * num_actions_),
                                 static_cast<std::size_t>(num_actions_));
  }

  double exploration_rate() const { return exploration_rate_; }
  void set_exploration_rate(double rate) { exploration_rate_ = rate; }

  /// The epsilon-greedy policy in a state [A], valid until the next call; `legal` [A] may be null.
  std::span<const double> probabilities(std::int64_t state, const std::uint8_t* legal);

  void act(const ObsView& obs, std::int64_t n, bool deterministic, Rng& rng, void* actions) override;
  Insight insight() override;
  void visit(Archive& archive);

 private:
  StateIndex index_;
  std::int64_t num_actions_, first_action_;
  std::vector<double> q_;              // [S, A]
  std::vector<double> probabilities_;  // [A] scratch
  std::vector<std::int64_t> states_;   // [n] in the last act
  std::vector<std::uint8_t> legal_;    // [n, A] in the last act; empty: all were
  bool exploring_ = false;             // in the last act
  double exploration_rate_ = 0;
};

/// One step of one environment. Actions are numbered from 0.
struct TabularStep {
  std::int64_t env = 0, state = 0, action = 0;
  double reward = 0;
  std::int64_t next_state = 0;               // the true successor, also where the episode ended
  const std::uint8_t* next_legal = nullptr;  // [A] legal actions there; null: all
  bool terminated = false, truncated = false;

  bool ended() const { return terminated || truncated; }
};

/// The pairs of state and action that one episode went through, or the last of them, and the reward each earned.
struct PairHistory {
  std::int64_t num_pairs = 0;  // of the table
  std::vector<std::int64_t> pairs;
  std::vector<double> rewards;

  void append(std::int64_t pair, double reward);
  void drop_first(std::size_t count);
  std::size_t size() const { return pairs.size(); }
  void visit(Archive& archive);
};

/// Everything but the learning: memory for the environments to write into, actions, the step for loggers.
class TabularAgent : public Agent {
 public:
  TabularAgent(const AgentContext& context, double initial_q, const std::string& who);

  ObsView first_obs() final { return obs_view(); }
  ActionView act() final;
  StepView sink() final { return step_.view(); }
  RolloutStep last_step() final;
  bool learn(double progress) override;
  Policy& policy() final { return table_; }
  void visit(Archive& archive) override;

 protected:
  /// Takes in one step.
  virtual void update(const TabularStep& step) = 0;

  /// The action in environment i, whose state is `state`; `legal` [A] may be null.
  virtual std::int64_t choose(std::int64_t i, std::int64_t state, const std::uint8_t* legal) = 0;

  std::int64_t num_envs() const { return std::ssize(actions_); }

  Rng rng_;
  QTable table_;

 private:
  ObsView obs_view();
  const std::uint8_t* legal_row(const ObsView& obs, std::int64_t i) const;

  std::int64_t first_action_;
  StepBuffer step_;                          // where the environments write
  std::vector<std::int64_t> obs_, actions_;  // [N, K], [N] of the step at hand, as the environment has them
  std::vector<std::uint8_t> legal_;          // [N, A] of the step at hand; empty when all are always legal
};

struct TabularConfig : ExplorationConfig {
  TabularConfig() { exploration_fraction = 0.5; }
  Schedule learning_rate = 0.1;
  double gamma = 0.99;
  double initial_q = 0;
};
Fields fields(TabularConfig& config);

/// An agent that learns action values from experience, with epsilon-greedy actions.
class TabularLearner : public TabularAgent {
 public:
  TabularLearner(const TabularConfig& config, const AgentContext& context, const std::string& who);

  bool learn(double progress) final;
  void report(Metrics& metrics) final;
  void visit(Archive& archive) override;

 protected:
  std::int64_t choose(std::int64_t i, std::int64_t state, const std::uint8_t* legal) final;

  /// Draws the action that follows a step, which the environment then gets; one that is never played where the episode
  /// was cut off, and none (0) where it terminated.
  std::int64_t choose_next(const TabularStep& step);

  /// sum_a pi(a | s) Q(s, a) under the epsilon-greedy policy.
  double policy_value(std::int64_t state, const std::uint8_t* legal) {
    return expected_value(table_.row(state), table_.probabilities(state, legal));
  }

  double greedy_value(std::int64_t state, const std::uint8_t* legal) { return max_value(table_.row(state), legal); }

  /// r + gamma v of a step, whose successor is worth `next_value`.
  double target(const TabularStep& step, double next_value) const {
    return one_step_target(step.reward, gamma_, step.terminated, next_value);
  }

  /// Q(pair) += alpha (target - Q(pair))
  void learn_pair(std::int64_t pair, double target) { learn_pair(pair, target, learning_rate_); }
  void learn_pair(std::int64_t pair, double target, double alpha) {
    const double td_error = target - table_.at(pair);
    table_.at(pair) += alpha * td_error;
    count(td_error);
  }

  /// Takes an update by `td_error` into the metrics.
  void count(double td_error);

  double gamma() const { return gamma_; }
  double learning_rate() const { return learning_rate_; }  // now

 private:
  void set_progress(double progress);
  std::int64_t explore(std::int64_t state, const std::uint8_t* legal) {
    return rng_.choice(table_.probabilities(state, legal));
  }

  TabularConfig config_;
  std::vector<std::int64_t> next_actions_;  // [N] chosen while learning from the step before; -1: not yet chosen
  double gamma_, learning_rate_ = 0;
  double sum_error_ = 0;                           // of absolute TD errors since the last report
  std::int64_t num_errors_ = 0, num_updates_ = 0;  // since the last report, and ever
};

}  // namespace corvid
