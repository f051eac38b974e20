// What an agent is to the training loop, and the registry of agents.
//
// An agent file holds a Config with its fields, the algorithm, and ends with one line:
//
//   CORVID_REGISTER_AGENT(Ppo, {.id = "ppo", .family = "policy_gradient", .summary = "...", .source = "..."});
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/registry.h"
#include "core/env/vector_env.h"
#include "core/io/rollout_log.h"
#include "core/nn/policy.h"
#include "core/run/metrics.h"

namespace corvid {

/// What an agent is made for.
struct AgentContext {
  EnvSpec spec;
  int num_envs = 1;
  std::uint64_t seed = 0;
  std::string device = "cpu";
  bool fused = true;    // Corvid's own kernels where device and network allow them; false: LibTorch alone
  int num_threads = 1;  // for updates that are worth splitting; 0: every processor

  int max_episode_steps = 0;  // 0: no limit

  bool learning = true;  // false: its policy alone is wanted, and what it learns from takes no memory

  /// The environment's transition probabilities, nullopt when it has none. To be called while the agent is made.
  std::function<std::optional<TabularModel>()> model = [] { return std::nullopt; };
};

class Agent {
 public:
  virtual ~Agent() = default;

  /// Where the first observations are written, once, before anything else.
  virtual ObsView first_obs() = 0;

  /// Actions for the observations written last.
  virtual ActionView act() = 0;

  /// Where the next step of the environments is written.
  virtual StepView sink() = 0;

  /// The step written last, for loggers: valid until `learn`.
  virtual RolloutStep last_step() = 0;

  /// V(s) [N] of the observations acted on in that step, for loggers; computed when asked, null for agents without
  /// values.
  virtual const float* last_values() { return nullptr; }

  /// Takes in the step written last and updates when it is time; true when it updated. `progress` in [0, 1] is the
  /// share of training done.
  virtual bool learn(double progress) = 0;

  /// What is evaluated and exported.
  virtual Policy& policy() = 0;

  /// Metrics of the updates since the last report.
  virtual void report(Metrics& metrics) = 0;

  /// What a user should know before the training begins, a line each.
  virtual std::vector<std::string> notes() const { return {}; }

  /// Every tensor, counter and generator once: save, load and resume.
  virtual void visit(Archive& archive) = 0;

  /// What was collected to learn from, where that is large: part of a whole run, not of a policy.
  virtual void visit_memory(Archive& archive) { (void)archive; }
};

/// An agent's settings, waiting to be filled in and made into an agent.
class AgentMaker {
 public:
  virtual ~AgentMaker() = default;
  virtual Fields fields() = 0;
  virtual std::unique_ptr<Agent> make(const AgentContext& context) const = 0;
};

struct AgentEntry {
  std::string id;
  std::string family;                                  // folder under agents/
  std::string summary;                                 // one sentence
  std::string source;                                  // paper
  std::function<std::unique_ptr<AgentMaker>()> maker;  // filled in by register_agent
};

Registry<AgentEntry>& agent_registry();

template <class A>
bool register_agent(AgentEntry entry) {
  struct Maker final : AgentMaker {
    typename A::Config config;
    Fields fields() override { return A::fields(config); }
    std::unique_ptr<Agent> make(const AgentContext& context) const override {
      return std::make_unique<A>(config, context);
    }
  };
  entry.maker = [] { return std::make_unique<Maker>(); };
  return add_at_start(agent_registry(), std::move(entry));
}

}  // namespace corvid

#define CORVID_REGISTER_AGENT(A, ...) static const bool registered_##A = ::corvid::register_agent<A>(__VA_ARGS__)
