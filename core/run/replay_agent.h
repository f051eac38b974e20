// What DQN-like agents share: they act by Q-values with some exploration, keep every step in a replay buffer, and learn
// from batches drawn from it, so many updates for so many steps.
#pragma once

#include <limits>
#include <memory>
#include <vector>

#include "core/buffer/replay_buffer.h"
#include "core/learn/sequence_batch.h"
#include "core/learn/value_learner.h"
#include "core/nn/encoder.h"
#include "core/nn/optimizer.h"
#include "core/nn/q_network.h"
#include "core/run/agent.h"
#include "core/run/exploration.h"
#include "core/run/q_policy.h"

namespace corvid {

struct ReplayAgentConfig : QNetworkConfig, ExplorationConfig {
  ReplayAgentConfig() { exploration_fraction = 0.5; }
  Schedule learning_rate = 2.5e-4;
  std::int64_t buffer_size = 100'000;
  std::int64_t learning_starts = 1000;
  std::int64_t batch_size = 128;
  double gamma = 0.99;
  std::int64_t train_freq = 10;
  std::int64_t gradient_steps = 1;
  double tau = 1;
  std::int64_t target_update_interval = 500;
  std::int64_t n_steps = 1;
  bool prioritized_replay = false;
  double prioritized_alpha = 0.6;
  double prioritized_beta = 0.4;
  double prioritized_eps = 1e-6;
  double max_grad_norm = 10;
  double adam_eps = 1e-8;
  bool save_replay_buffer = true;
};
Fields fields(ReplayAgentConfig& config);

/// What an agent asks for whose network has a state: batches are sequences then.
struct Recurrence {
  std::int64_t state_size = 0;       // floats of one environment; 0: no state, batches of transitions
  std::int64_t sequence_length = 1;  // steps learned from
  std::int64_t burn_in = 0;          // steps before them that only bring the state up to date
};

class ReplayAgent : public Agent {
 public:
  ReplayAgent(const ReplayAgentConfig& config, const AgentContext& context, std::string_view id,
              const Recurrence& recurrence = {});

  ObsView first_obs() override { return replay_.obs(); }
  ActionView act() override;
  StepView sink() override { return replay_.sink(); }
  RolloutStep last_step() override;
  const float* last_values() override;
  bool learn(double progress) override;
  Policy& policy() override { return policy_; }
  void report(Metrics& metrics) override;
  std::vector<std::string> notes() const override;
  void visit(Archive& archive) override;
  void visit_memory(Archive& archive) override;

 protected:
  /// Q(s, a) [n, A] for features [n, num_inputs]; `exploring` while training, with the noise of noisy networks.
  /// `states` [n, state_size] become those after these observations.
  virtual void q_values(const float* features, std::int64_t n, float* states, bool exploring, float* q) = 0;

  /// Before every choice of actions: noisy networks draw their noise (Fortunato et al. 2018, algorithm 1).
  virtual void before_acting() {}

  // One gradient step on a batch; returns what new priorities are made of, [B]. An agent has the one for its batches.
  virtual const float* update(const TransitionBatch& batch, double progress);
  virtual const float* update_on_sequences(const SequenceInputs& batch, double progress);

  /// The target network moves towards the online one.
  virtual void update_target() = 0;

  std::int64_t num_inputs() const { return num_inputs_; }
  double learning_rate(double progress) { return learning_rate_ = config_.learning_rate.at(progress); }

  ReplayAgentConfig config_;
  Compute compute_;
  Rng rng_;         // networks, exploration
  Rng replay_rng_;  // batches

 private:
  static constexpr std::int64_t kGreedy = std::numeric_limits<std::int64_t>::min();  // no action yet

  /// Epsilon of environment `index` of n at this point of the training.
  double exploration(std::int64_t index, std::int64_t n) const;

  /// Features of the observations at hand; the first call of a step takes them into the running statistics.
  void encode_now();
  TransitionBatch sample(double progress);
  SequenceInputs sample_sequences(double progress);
  double beta(double progress) const { return config_.prioritized_beta + progress * (1 - config_.prioritized_beta); }

  Recurrence recurrence_;
  Encoder encoder_;
  std::int64_t num_inputs_;
  std::int64_t num_actions_, first_action_;
  ReplayBuffer replay_;
  std::size_t replay_bytes_;  // when full
  QPolicy policy_;
  std::vector<float> features_, newest_, q_, values_;  // of the observations at hand
  bool encoded_ = false;                               // features_ are those of the observations at hand
  std::vector<float> states_, last_states_;            // [N, state_size] at hand; scratch of last_values
  double progress_ = 0;
  std::int64_t steps_ = 0, num_updates_ = 0;
  double learning_rate_ = 0;

  // The batch at hand.
  ReplayBatch batch_;
  SequenceBatch sequences_;
  std::vector<float> batch_features_, next_features_, priorities_;
  std::vector<std::int64_t> actions_;
};

/// A ReplayAgent with an online and a target network of one kind, and a ValueObjective.
class ValueAgent : public ReplayAgent {
 public:
  ValueAgent(const ReplayAgentConfig& config, const AgentContext& context, std::string_view id,
             const ValueObjective& objective, std::int64_t num_outputs);

  void report(Metrics& metrics) override;
  void visit(Archive& archive) override;

 protected:
  void q_values(const float* features, std::int64_t n, float* states, bool exploring, float* q) override;
  void before_acting() override { online_.draw_noise(rng_); }
  const float* update(const TransitionBatch& batch, double progress) override;
  void update_target() override;

 private:
  ValueObjective objective_;
  QNetwork online_, target_;
  ValueLearner learner_;
  Adam adam_;
  std::vector<float> outputs_;
};

}  // namespace corvid
