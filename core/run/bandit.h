// What bandit agents share. An algorithm is a struct that plays one problem:
//
//   struct Ucb1 {
//     struct Config { ... };
//     static constexpr const char* kId = "ucb1";
//     static constexpr bool kContextual = false;      // whether it looks at observations
//     static Fields fields(Config&);
//
//     Ucb1(const Config&, const BanditShape&);        // knows nothing yet
//     std::int64_t choose(const double* context, const std::uint8_t* legal, Rng&);   // an arm; legal [K] or null
//     void learn(std::int64_t arm, double reward, const double* context);
//     double value(std::int64_t arm, const double* context) const;   // optional: the reward it expects
//     double probability(std::int64_t arm) const;                    // optional: of choosing it, as in the last choice
//     void visit(Archive&);                           // all that it learned, of fixed size
//   };
//
// One episode is one problem: where an episode ends, for whatever reason, its statistics begin anew. Evaluation plays
// new problems and learns within them, so a policy has statistics of its own, and explores whether it is to be
// deterministic or not: exploring is part of the method.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "core/run/agent.h"

namespace corvid {

/// Numbers of one problem.
struct BanditShape {
  std::int64_t num_arms = 0;
  std::int64_t context_size = 0;  // 0: observations are not looked at
};

/// Settings of the algorithms that do not look at observations.
struct ContextFreeConfig {
  bool ignore_observations = false;
};
Field ignore_observations_field(ContextFreeConfig& config);

/// Throws Error when agent `id` cannot play an environment of this spec.
BanditShape bandit_shape(const EnvSpec& spec, const char* id, bool contextual, bool ignore_observations);

/// N problems played side by side: one virtual call a step.
class BanditPlayers {
 public:
  virtual ~BanditPlayers() = default;

  /// Pulls an arm in each problem; `arms` [N], from 0.
  virtual void choose(const ObsView& obs, Rng& rng, std::int64_t* arms) = 0;

  /// What these pulls earned [N].
  virtual void learn(const double* rewards) = 0;

  virtual void restart(std::int64_t problem) = 0;

  /// What was thought of the arms chosen last, as far as the algorithm has it.
  virtual Insight insight() const = 0;

  /// Between `learn` and `choose`.
  virtual void visit(Archive& archive) = 0;

  virtual std::int64_t size() const = 0;  // N
};

template <class Problem>
class BanditPlayersOf final : public BanditPlayers {
 public:
  BanditPlayersOf(std::int64_t num_problems, const Problem& fresh, const BanditShape& shape)
      : shape_(shape),
        fresh_(fresh),
        problems_(static_cast<std::size_t>(num_problems), fresh),
        arms_(problems_.size()),
        contexts_(problems_.size() * static_cast<std::size_t>(shape.context_size)) {}

  void choose(const ObsView& obs, Rng& rng, std::int64_t* arms) override {
    for (std::size_t k = 0; k < contexts_.size(); ++k) contexts_[k] = obs.as<float>()[k];
    for (std::size_t i = 0; i < problems_.size(); ++i) {
      const std::uint8_t* legal = obs.action_mask;
      if (legal) legal += static_cast<std::int64_t>(i) * shape_.num_arms;
      arms[i] = arms_[i] = problems_[i].choose(context(i), legal, rng);
    }
  }

  void learn(const double* rewards) override {
    for (std::size_t i = 0; i < problems_.size(); ++i) problems_[i].learn(arms_[i], rewards[i], context(i));
  }

  void restart(std::int64_t problem) override { problems_[static_cast<std::size_t>(problem)] = fresh_; }

  Insight insight() const override {
    Insight insight;
    for (std::size_t i = 0; i < problems_.size(); ++i) {
      const Problem& problem = problems_[i];
      for (std::int64_t arm = 0; arm < shape_.num_arms; ++arm) {
        if constexpr (requires { problem.value(arm, context(i)); })
          insight.action_values.push_back(static_cast<float>(problem.value(arm, context(i))));
        if constexpr (requires { problem.probability(arm); })
          insight.probabilities.push_back(static_cast<float>(problem.probability(arm)));
      }
      if constexpr (requires { problem.value(0, context(i)); })
        insight.values.push_back(static_cast<float>(problem.value(arms_[i], context(i))));
    }
    return insight;
  }

  void visit(Archive& archive) override {
    BlobWriter writer;
    for (Problem& problem : problems_) problem.visit(writer);
    std::vector<std::byte> state = writer.take();
    archive("problems", state);
    if (!archive.loading()) return;
    BlobReader reader(state);
    for (Problem& problem : problems_) problem.visit(reader);
    if (!reader.at_end()) fail(ErrorKind::kBadFile, "the saved statistics belong to other bandit problems");
  }

  std::int64_t size() const override { return static_cast<std::int64_t>(problems_.size()); }

 private:
  const double* context(std::size_t i) const {
    return contexts_.data() + i * static_cast<std::size_t>(shape_.context_size);
  }

  BanditShape shape_;
  Problem fresh_;
  std::vector<Problem> problems_;
  std::vector<std::int64_t> arms_;  // [N] pulled last
  std::vector<double> contexts_;    // [N, D] in which they were
};

/// The policy of a bandit agent: problems of its own, from `begin` on.
class BanditPolicy final : public Policy {
 public:
  using Factory = std::function<std::unique_ptr<BanditPlayers>(std::int64_t num_problems)>;

  BanditPolicy(Factory make, std::int64_t first_arm) : make_(std::move(make)), first_arm_(first_arm) {}
  void act(const ObsView& obs, std::int64_t n, bool deterministic, Rng& rng, void* actions) override;
  void begin(std::int64_t n) override { players_ = make_(n); }
  void observe(const double* rewards) override { players_->learn(rewards); }
  Insight insight() override { return players_ ? players_->insight() : Insight(); }

 private:
  Factory make_;
  std::int64_t first_arm_;
  std::unique_ptr<BanditPlayers> players_;
};

class BanditAgent : public Agent {
 public:
  BanditAgent(const AgentContext& context, const BanditPolicy::Factory& make);

  ObsView first_obs() override { return steps_[now_].view().obs; }
  ActionView act() override;
  StepView sink() override { return steps_[1 - now_].view(); }
  RolloutStep last_step() override;
  bool learn(double progress) override;
  Policy& policy() override { return policy_; }
  void report(Metrics&) override {}
  void visit(Archive& archive) override;

 private:
  EnvSpec spec_;
  Rng rng_;
  BanditPolicy policy_;
  std::unique_ptr<BanditPlayers> players_;
  std::array<StepBuffer, 2> steps_;  // what is acted on, and what comes of it
  std::size_t now_ = 0;              // the one that is acted on
  std::vector<std::int64_t> actions_;
};

template <class Problem>
class BanditAgentOf final : public BanditAgent {
 public:
  using Config = typename Problem::Config;
  static Fields fields(Config& config) { return Problem::fields(config); }

  BanditAgentOf(const Config& config, const AgentContext& context) : BanditAgent(context, factory(config, context)) {}

 private:
  static BanditPolicy::Factory factory(const Config& config, const AgentContext& context) {
    bool ignore = false;
    if constexpr (!Problem::kContextual) ignore = config.ignore_observations;
    const BanditShape shape = bandit_shape(context.spec, Problem::kId, Problem::kContextual, ignore);
    return [shape, fresh = Problem(config, shape)](std::int64_t num_problems) {
      return std::make_unique<BanditPlayersOf<Problem>>(num_problems, fresh, shape);
    };
  }
};

}  // namespace corvid
