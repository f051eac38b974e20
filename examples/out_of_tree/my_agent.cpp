// Tabular Q-learning with epsilon-greedy actions.
// Source: Watkins 1989; Sutton and Barto 2018, section 6.5.
// Deviation: several environments share one table; each step updates it once an environment, in order.
#include <algorithm>
#include <cmath>

#include "core/run/agent.h"

namespace {

using namespace corvid;

/// Q(s, a), and the policy that is greedy in it.
class QTable final : public Policy {
 public:
  explicit QTable(const EnvSpec& spec)
      : num_actions_(spec.action.n),
        first_state_(spec.observation.start),
        first_action_(spec.action.start),
        q_(static_cast<std::size_t>(spec.observation.n * spec.action.n)) {}

  double& at(std::int64_t state, std::int64_t action) {
    return q_[static_cast<std::size_t>((state - first_state_) * num_actions_ + action - first_action_)];
  }
  std::int64_t greedy(std::int64_t state) {
    const double* row = &at(state, first_action_);
    return first_action_ + (std::max_element(row, row + num_actions_) - row);
  }
  std::int64_t random(Rng& rng) const { return rng.integers(first_action_, first_action_ + num_actions_); }

  void act(const ObsView& obs, std::int64_t n, bool, Rng&, void* actions) override {
    for (std::int64_t i = 0; i < n; ++i) static_cast<std::int64_t*>(actions)[i] = greedy(obs.as<std::int64_t>()[i]);
  }
  void visit(Archive& archive) { archive("q", q_); }

 private:
  std::int64_t num_actions_, first_state_, first_action_;
  std::vector<double> q_;  // [S, A]
};

class QLearning final : public Agent {
 public:
  struct Config {
    double learning_rate = 0.1;
    double gamma = 0.99;
    Schedule exploration_rate = Schedule::lin(0.5);
  };
  static Fields fields(Config& c) {
    return {
        Field("learning_rate", &c.learning_rate, "share of the error that one update removes").more_than(0).at_most(1),
        Field("gamma", &c.gamma, "discount of future rewards").between(0, 1),
        Field("exploration_rate", &c.exploration_rate, "probability of a random action").between(0, 1)};
  }

  QLearning(const Config& config, const AgentContext& context)
      : config_(config),
        rng_(context.seed),
        table_(checked(context.spec)),
        step_(context.spec, context.num_envs),
        obs_(static_cast<std::size_t>(context.num_envs)),
        actions_(obs_.size()) {}

  ObsView first_obs() override { return view(obs_); }

  ActionView act() override {
    for (std::size_t i = 0; i < obs_.size(); ++i) {
      const bool explore = rng_.random() < config_.exploration_rate.at(progress_);
      actions_[i] = explore ? table_.random(rng_) : table_.greedy(obs_[i]);
    }
    return actions_.data();
  }

  StepView sink() override { return step_.view(); }

  RolloutStep last_step() override {
    const StepView& step = step_.view();
    return {.obs = view(obs_),
            .actions = actions_.data(),
            .rewards = step.reward,
            .terminated = step.terminated,
            .truncated = step.truncated,
            .final_obs = step.final_obs,
            .log_probs = nullptr};
  }

  bool learn(double progress) override {
    const StepView& step = step_.view();
    for (std::size_t i = 0; i < obs_.size(); ++i) {
      // The true successor: where an episode ended, `obs` belongs to the next one already.
      const bool ended = step.terminated[i] || step.truncated[i];
      const std::int64_t next_obs = (ended ? step.final_obs : step.obs).as<std::int64_t>()[i];
      const double discount = step.terminated[i] ? 0 : config_.gamma;
      // delta = r + discount max_a Q(s', a) - Q(s, a); Q(s, a) += alpha delta (Sutton and Barto 2018, eq. 6.8)
      double& q = table_.at(obs_[i], actions_[i]);
      const double td_error = step.reward[i] + discount * table_.at(next_obs, table_.greedy(next_obs)) - q;
      q += config_.learning_rate * td_error;
      sum_error_ += std::fabs(td_error);
      ++num_updates_;
    }
    std::copy_n(step.obs.as<std::int64_t>(), obs_.size(), obs_.data());
    progress_ = progress;
    return true;
  }

  Policy& policy() override { return table_; }

  void report(Metrics& metrics) override {
    if (num_updates_ == 0) return;
    metrics.set("train/td_error", sum_error_ / static_cast<double>(num_updates_));
    metrics.set("train/exploration_rate", config_.exploration_rate.at(progress_));
    sum_error_ = 0;
    num_updates_ = 0;
  }

  void visit(Archive& archive) override {
    archive("rng", rng_);
    archive("table", table_);
    archive("obs", obs_);
    archive("progress", progress_);
    archive("sum_error", sum_error_);
    archive("num_updates", num_updates_);
  }

 private:
  static const EnvSpec& checked(const EnvSpec& spec) {
    const bool tabular = spec.observation.kind == Space::Kind::kDiscrete && spec.action.kind == Space::Kind::kDiscrete;
    if (!tabular) {
      fail(ErrorKind::kUsage, "my_q_learning expects discrete observations and actions, got ",
           spec.observation.to_string(), " and ", spec.action.to_string());
    }
    return spec;
  }
  static ObsView view(std::vector<std::int64_t>& obs) {
    ObsView result;
    result.leaf[0] = obs.data();
    return result;
  }

  Config config_;
  Rng rng_;
  QTable table_;
  StepBuffer step_;                          // where the environments write
  std::vector<std::int64_t> obs_, actions_;  // [N] of the step at hand
  double progress_ = 0, sum_error_ = 0;
  std::int64_t num_updates_ = 0;  // since the last report
};

CORVID_REGISTER_AGENT(
    QLearning, {.id = "my_q_learning", .family = "example", .summary = "Tabular Q-learning", .source = "Watkins 1989"});

}  // namespace
