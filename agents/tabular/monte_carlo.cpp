// On-policy first-visit Monte-Carlo control with an epsilon-soft policy: whole returns are the targets.
// Source: Sutton and Barto 2018, section 5.4.
// Deviation: epsilon falls over the training; a learning rate may take the place of the mean of all returns. Episodes
// cut off by a step limit end in the policy's value of their last observation.
#include "core/learn/returns.h"
#include "core/run/tabular.h"

namespace corvid {
namespace {

struct MonteCarloConfig : TabularConfig {
  MonteCarloConfig() { learning_rate = 0.0; }
};

class MonteCarlo final : public TabularLearner {
 public:
  using Config = MonteCarloConfig;

  static Fields fields(Config& c) {
    Fields list = corvid::fields(static_cast<TabularConfig&>(c));
    list.front() =
        Field("learning_rate", &c.learning_rate, "share of the error that one update removes; 0: Q is the mean")
            .between(0, 1);
    return list;
  }

  MonteCarlo(const Config& config, const AgentContext& context)
      : TabularLearner(config, context, "monte_carlo"),
        mean_(config.learning_rate.initial == 0),
        episodes_(static_cast<std::size_t>(context.num_envs),
                  PairHistory{.num_pairs = table_.num_states() * table_.num_actions()}),
        visits_(static_cast<std::size_t>(table_.num_states() * table_.num_actions())),
        last_visitor_(visits_.size()) {}

  void visit(Archive& archive) override {
    TabularLearner::visit(archive);
    for (std::size_t i = 0; i < episodes_.size(); ++i) archive("episode" + std::to_string(i), episodes_[i]);
    const std::int64_t shape[] = {table_.num_states(), table_.num_actions()};
    archive.array("visits", DType::kInt64, shape, visits_.data());
  }

 protected:
  void update(const TabularStep& step) override {
    PairHistory& episode = episodes_[static_cast<std::size_t>(step.env)];
    episode.append(table_.pair(step.state, step.action), step.reward);
    if (!step.ended()) return;
    finish(episode, step.terminated ? 0 : policy_value(step.next_state, step.next_legal));
    episode.drop_first(episode.size());
  }

 private:
  /// Q(s, a) <- mean of the returns that followed first visits (box in section 5.4)
  void finish(const PairHistory& episode, double last_value) {
    returns_.resize(episode.size());
    discounted_returns(episode.rewards.data(), std::ssize(episode.rewards), gamma(), last_value, returns_.data());
    ++visitor_;
    for (std::size_t t = 0; t < episode.size(); ++t) {
      const auto pair = static_cast<std::size_t>(episode.pairs[t]);
      if (std::exchange(last_visitor_[pair], visitor_) == visitor_) continue;
      ++visits_[pair];
      learn_pair(episode.pairs[t], returns_[t], mean_ ? 1.0 / static_cast<double>(visits_[pair]) : learning_rate());
    }
  }

  bool mean_;
  std::vector<PairHistory> episodes_;       // [N] under way
  std::vector<std::int64_t> visits_;        // [S, A] first visits
  std::vector<std::int64_t> last_visitor_;  // [S, A] scratch: number of the episode that was there last
  std::int64_t visitor_ = 0;                // scratch
  std::vector<double> returns_;             // scratch
};

CORVID_REGISTER_AGENT(MonteCarlo, {.id = "monte_carlo",
                                   .family = "tabular",
                                   .summary = "First-visit Monte-Carlo control with an epsilon-soft policy",
                                   .source = "Sutton and Barto 2018, section 5.4"});

}  // namespace
}  // namespace corvid
