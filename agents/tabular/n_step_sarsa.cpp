// n-step Sarsa: n rewards and then the value of the action taken after them are the target.
// Source: Sutton and Barto 2018, section 7.2.
// Deviation: none. Each environment has a window of its own.
#include "core/learn/returns.h"
#include "core/run/tabular.h"

namespace corvid {
namespace {

struct NStepSarsaConfig : TabularConfig {
  std::int64_t n_steps = 4;
};

class NStepSarsa final : public TabularLearner {
 public:
  using Config = NStepSarsaConfig;

  static Fields fields(Config& c) {
    Fields list = corvid::fields(static_cast<TabularConfig&>(c));
    list.push_back(Field("n_steps", &c.n_steps, "rewards in a target").between(1, 1'000'000));
    return list;
  }

  NStepSarsa(const Config& config, const AgentContext& context)
      : TabularLearner(config, context, "n_step_sarsa"),
        n_steps_(static_cast<std::size_t>(config.n_steps)),
        windows_(static_cast<std::size_t>(context.num_envs),
                 PairHistory{.num_pairs = table_.num_states() * table_.num_actions()}) {}

  void visit(Archive& archive) override {
    TabularLearner::visit(archive);
    for (std::size_t i = 0; i < windows_.size(); ++i) archive("window" + std::to_string(i), windows_[i]);
  }

 protected:
  void update(const TabularStep& step) override {
    PairHistory& window = windows_[static_cast<std::size_t>(step.env)];
    window.append(table_.pair(step.state, step.action), step.reward);
    const std::int64_t next_action = choose_next(step);
    if (!step.ended() && window.size() < n_steps_) return;

    // G = r_1 + gamma r_2 + ... + gamma^(n-1) r_n + gamma^n Q(s_n, a_n) (eq. 7.4), shorter at the end of an episode
    const double last_value = step.terminated ? 0 : table_.at(table_.pair(step.next_state, next_action));
    returns_.resize(window.size());
    discounted_returns(window.rewards.data(), std::ssize(window.rewards), gamma(), last_value, returns_.data());
    const std::size_t due = step.ended() ? window.size() : 1;
    for (std::size_t k = 0; k < due; ++k) learn_pair(window.pairs[k], returns_[k]);  // eq. 7.5
    window.drop_first(due);
  }

 private:
  std::size_t n_steps_;
  std::vector<PairHistory> windows_;  // [N] the last steps, at most n, that wait for their target
  std::vector<double> returns_;       // scratch
};

CORVID_REGISTER_AGENT(NStepSarsa, {.id = "n_step_sarsa",
                                   .family = "tabular",
                                   .summary = "Sarsa with returns over n steps as targets",
                                   .source = "Sutton and Barto 2018, section 7.2"});

}  // namespace
}  // namespace corvid
