// A network of action values as a policy: greedy among the legal actions, or now and then one of these at random.
#pragma once

#include <string>
#include <vector>

#include "core/base/fields.h"
#include "core/learn/td_learner.h"
#include "core/nn/encoder.h"
#include "core/nn/policy.h"

namespace corvid {

struct TdPolicyConfig {
  std::vector<std::int64_t> net_arch = {120, 84};
  std::string activation = "relu";
  bool layer_norm = true;
  bool normalize_observations = false;
  double clip_observations = 10;
};
Fields fields(TdPolicyConfig& config);

class TdPolicy final : public Policy {
 public:
  /// Throws Error, naming `agent`, when the actions are not discrete.
  TdPolicy(const EnvSpec& spec, const TdPolicyConfig& config, const Compute& compute, Rng& rng, const char* agent);

  Encoder& encoder() { return encoder_; }
  Parameters& parameters() { return parameters_; }
  TdLearner& learner() { return learner_; }
  std::int64_t start() const { return start_; }  // the number of the first action

  /// The share of random actions where actions are not asked to be deterministic.
  double epsilon() const { return epsilon_; }
  void set_epsilon(double epsilon) { epsilon_ = epsilon; }

  /// max_a Q(s, a) [n] for features [n, F] and masks [n, A], null where all actions are legal; with `actions` [n] also what
  /// to do, counted from 0.
  void choose(const float* features, const std::uint8_t* masks, std::int64_t n, double epsilon, Rng& rng, float* values,
              std::int64_t* actions);

  void act(const ObsView& obs, std::int64_t n, bool deterministic, Rng& rng, void* actions) override;

  void visit(Archive& archive);

 private:
  Encoder encoder_;
  Mlp network_;
  Parameters parameters_;
  TdLearner learner_;
  std::int64_t start_, num_actions_;
  double epsilon_ = 0;
  std::vector<float> features_, q_, values_;  // scratch
};

}  // namespace corvid
