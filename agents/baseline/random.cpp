// Acts uniformly at random and learns nothing: the floor every agent is measured against.
// Source: none. Deviation: Box dimensions without two finite bounds are drawn from a standard normal.
#include <cmath>

#include "core/buffer/rollout_buffer.h"
#include "core/run/agent.h"

namespace corvid {
namespace {

class RandomPolicy final : public Policy {
 public:
  explicit RandomPolicy(Space action) : action_(std::move(action)) {}

  void act(const ObsView&, std::int64_t n, bool, Rng& rng, void* actions) override {
    auto* integers = static_cast<std::int64_t*>(actions);
    auto* numbers = static_cast<float*>(actions);
    num_rows_ = n;
    for (std::int64_t i = 0; i < n; ++i) {
      switch (action_.kind) {
        case Space::Kind::kDiscrete: *integers++ = rng.integers(action_.start, action_.start + action_.n); break;
        case Space::Kind::kMultiDiscrete:
          for (std::int64_t values : action_.nvec) *integers++ = rng.integers(0, values);
          break;
        case Space::Kind::kBox:
          for (std::size_t k = 0; k < action_.low.size(); ++k) *numbers++ = draw(action_.low[k], action_.high[k], rng);
          break;
        default: fail(ErrorKind::kUsage, "random actions are not known for ", action_.to_string());
      }
    }
  }

  /// It draws from all actions, masked ones too.
  Insight insight() override {
    Insight insight;
    std::vector<std::int64_t> choices = action_.nvec;
    if (action_.kind == Space::Kind::kDiscrete) choices = {action_.n};
    for (std::int64_t i = 0; i < num_rows_; ++i) {
      for (std::int64_t count : choices)
        insight.probabilities.insert(insight.probabilities.end(), static_cast<std::size_t>(count),
                                     1.0f / static_cast<float>(count));
    }
    return insight;
  }

 private:
  static float draw(double low, double high, Rng& rng) {
    if (std::isfinite(low) && std::isfinite(high)) return static_cast<float>(rng.uniform(low, high));
    return static_cast<float>(rng.standard_normal());
  }

  Space action_;
  std::int64_t num_rows_ = 0;  // acted on last
};

class Random final : public Agent {
 public:
  struct Config {};
  static Fields fields(Config&) { return {}; }

  Random(const Config&, const AgentContext& context)
      : rng_(context.seed),
        policy_(context.spec.action),
        rollout_(context.spec, 1, context.num_envs, 1, 1, at::kFloat),
        actions_(static_cast<std::size_t>(context.num_envs) * context.spec.action.bytes()),
        continuous_(context.spec.action.dtype == DType::kFloat32) {}

  ObsView first_obs() override { return rollout_.obs(); }

  ActionView act() override {
    policy_.act(rollout_.obs(), rollout_.num_envs(), false, rng_, actions_.data());
    if (continuous_) return reinterpret_cast<const float*>(actions_.data());
    return reinterpret_cast<const std::int64_t*>(actions_.data());
  }

  StepView sink() override { return rollout_.sink(); }

  RolloutStep last_step() override {
    const StepView step = rollout_.sink();
    return {.obs = rollout_.obs(),
            .actions = actions_.data(),
            .rewards = step.reward,
            .terminated = step.terminated,
            .truncated = step.truncated,
            .final_obs = step.final_obs,
            .log_probs = nullptr};
  }

  bool learn(double) override {
    rollout_.advance();
    rollout_.clear();
    return false;
  }

  Policy& policy() override { return policy_; }
  void report(Metrics&) override {}

  void visit(Archive& archive) override {
    archive("rng", rng_);
    archive("rollout", rollout_);
  }

 private:
  Rng rng_;
  RandomPolicy policy_;
  RolloutBuffer rollout_;  // one step: this observation and the next
  std::vector<std::byte> actions_;
  bool continuous_;
};

CORVID_REGISTER_AGENT(Random, {.id = "random",
                               .family = "baseline",
                               .summary = "Uniformly random actions, no learning",
                               .source = "none"});

}  // namespace
}  // namespace corvid
