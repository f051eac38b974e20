// Dyna-Q: Q-learning that also learns a model of the environment and replays what it says, by chance or most urgent
// first.
// Source: Sutton 1990; Sutton and Barto 2018, section 8.2; prioritised sweeping: Moore and Atkeson 1993, section 8.4.
// Deviation: the model counts outcomes, so that chance is modelled. Pairs are drawn uniformly from those seen.
// Prioritised updates take the expectation over the counted outcomes.
#include <algorithm>
#include <cmath>
#include <set>

#include "core/learn/learned_model.h"
#include "core/run/tabular.h"

namespace corvid {
namespace {

struct DynaQConfig : TabularConfig {
  std::int64_t planning_steps = 10;
  bool prioritized_sweeping = false;
  double theta = 1e-4;
};

class DynaQ final : public TabularLearner {
 public:
  using Config = DynaQConfig;

  static Fields fields(Config& c) {
    Fields list = corvid::fields(static_cast<TabularConfig&>(c));
    list.push_back(Field("planning_steps", &c.planning_steps, "updates from the model after each step").at_least(0));
    list.push_back(
        Field("prioritized_sweeping", &c.prioritized_sweeping, "update the pairs with the largest error first"));
    list.push_back(Field("theta", &c.theta, "smallest error that prioritised sweeping goes after").at_least(0));
    return list;
  }

  DynaQ(const Config& config, const AgentContext& context)
      : TabularLearner(config, context, "dyna_q"),
        config_(config),
        model_(table_.num_states(), table_.num_actions()),
        priorities_(static_cast<std::size_t>(table_.num_states() * table_.num_actions())),
        legal_(context.spec.masks_actions ? priorities_.size() : 0, 1) {}

  void visit(Archive& archive) override {
    TabularLearner::visit(archive);
    archive("model", model_);
    const std::int64_t shape[] = {table_.num_states(), table_.num_actions()};
    archive.array("priorities", DType::kFloat64, shape, priorities_.data());
    if (!legal_.empty()) archive.bytes("legal_in_states", legal_.data(), legal_.size());
    if (!archive.loading()) return;
    queue_.clear();
    for (std::size_t pair = 0; pair < priorities_.size(); ++pair) {
      if (priorities_[pair] > 0) queue_.emplace(-priorities_[pair], pair);
    }
  }

 protected:
  void update(const TabularStep& step) override {
    const std::int64_t pair = table_.pair(step.state, step.action);
    model_.add(pair, step.next_state, step.reward, step.terminated);
    if (step.next_legal != nullptr)
      std::copy_n(step.next_legal, table_.num_actions(), legal_.begin() + table_.pair(step.next_state, 0));
    if (config_.prioritized_sweeping) {
      sweep_from(pair);
      return;
    }
    // Q-learning from the step, and from outcomes that the model draws (box in section 8.2).
    learn_pair(pair, target(step, next_value(step.next_state)));
    for (std::int64_t k = 0; k < config_.planning_steps; ++k) {
      const std::int64_t drawn = model_.draw_pair(rng_);
      const Transition t = model_.draw_outcome(drawn, rng_);
      learn_pair(drawn, one_step_target(t.reward, gamma(), t.terminated, next_value(t.next_state)));
    }
  }

 private:
  double next_value(std::int64_t state) {
    return greedy_value(state, legal_.empty() ? nullptr : legal_.data() + table_.pair(state, 0));
  }

  double modelled_target(std::int64_t pair) {
    return expected_target(model_.outcomes(pair), gamma(), [this](std::int64_t state) { return next_value(state); });
  }

  /// Box in section 8.4: the pair with the largest error first, then those that lead to its state.
  void sweep_from(std::int64_t pair) {
    prioritize(pair);
    for (std::int64_t k = 0; k < config_.planning_steps && !queue_.empty(); ++k) {
      const std::int64_t most_urgent = queue_.begin()->second;
      queue_.erase(queue_.begin());
      priorities_[static_cast<std::size_t>(most_urgent)] = 0;
      learn_pair(most_urgent, modelled_target(most_urgent));
      for (const std::int64_t before : model_.predecessors(most_urgent / table_.num_actions())) prioritize(before);
    }
  }

  /// Queues a pair by the size of its error, or takes it out of the queue when that is small.
  void prioritize(std::int64_t pair) {
    double& priority = priorities_[static_cast<std::size_t>(pair)];
    if (priority > 0) queue_.erase({-priority, pair});
    const double error = std::fabs(modelled_target(pair) - table_.at(pair));
    priority = error > config_.theta ? error : 0;
    if (priority > 0) queue_.emplace(-priority, pair);
  }

  DynaQConfig config_;
  LearnedModel model_;
  std::vector<double> priorities_;                   // [S, A]; 0: not queued
  std::set<std::pair<double, std::int64_t>> queue_;  // (-priority, pair)
  std::vector<std::uint8_t> legal_;                  // [S, A] as seen last; empty when all are always legal
};

CORVID_REGISTER_AGENT(DynaQ, {.id = "dyna_q",
                              .family = "tabular",
                              .summary = "Q-learning that plans with a learned model, also by prioritised sweeping",
                              .source = "Sutton 1990; Sutton and Barto 2018, sections 8.2 and 8.4"});

}  // namespace
}  // namespace corvid
