// One update of soft actor-critic for fully connected networks on the CPU: twin critics, their targets, a squashed Gaussian
// actor and a learned temperature, as kernels on plain memory, in pairs of pieces that two threads can share.
// Source: Haarnoja et al. 2018, "Soft Actor-Critic Algorithms and Applications", arXiv:1812.05905, algorithm 1.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "core/base/aligned.h"
#include "core/base/archive.h"
#include "core/base/rng.h"
#include "core/base/split_choice.h"
#include "core/base/thread_pool.h"
#include "core/learn/loss_kernels.h"
#include "core/nn/fused_mlp.h"

namespace corvid {

struct SacSettings {
  std::int64_t obs_size = 0, action_size = 0;
  std::vector<std::int64_t> hidden = {256, 256};
  Activation activation = Activation::kRelu;
  std::int64_t batch_size = 256;
  double learning_rate = 3e-4;  // of critics, actor and temperature
  double tau = 0.005;
  double alpha = 1;           // first temperature
  bool learn_alpha = true;    // towards the target entropy
  double target_entropy = 0;  // nats; 0: minus the action's size
};

/// Transitions, all [B, ...]; actions in [-1, 1]. `discounts` is gamma, or 0 where the episode terminated.
struct SacBatch {
  const float *obs, *actions, *rewards, *discounts, *next_obs;
};

class SacLearner {
 public:
  /// Parameters start at 0: `initialise` or the caller fills them. `pool` may be null.
  SacLearner(const SacSettings& settings, std::shared_ptr<ThreadPool> pool);

  /// Fills weights uniformly within +-1 / sqrt(inputs), as LibTorch's default; targets equal the critics.
  void initialise(Rng& rng);

  /// One gradient step of critics, actor and temperature, and of the targets towards the critics. Draws the actions' noise
  /// from `rng`.
  void update(const SacBatch& batch, Rng& rng);

  const FusedMlp& actor() const { return actor_; }    // [obs] -> means, then log standard deviations
  const FusedMlp& critic() const { return critic_; }  // [obs, action] -> Q
  double alpha() const;

  /// Means over the batch of the last update.
  struct Losses {
    double critic = 0, actor = 0, entropy = 0;
  };
  const Losses& losses() const { return losses_; }

  // Parameters in flat memory, and the gradients of the last update.
  AlignedVector<float>& actor_parameters() { return actor_net_.parameters; }
  AlignedVector<float>& critic_parameters(std::size_t k) { return critic_nets_.at(k).parameters; }
  AlignedVector<float>& target_parameters(std::size_t k) { return targets_.at(k); }
  const AlignedVector<float>& actor_gradient() const { return actor_net_.gradient; }
  const AlignedVector<float>& critic_gradient(std::size_t k) const { return critic_nets_.at(k).gradient; }

  void visit(Archive& archive);

 private:
  struct Net {
    explicit Net(const FusedMlp& mlp)
        : parameters(static_cast<std::size_t>(mlp.num_parameters())),
          gradient(parameters.size()),
          mean(parameters.size()),
          square(parameters.size()) {}
    void visit(Archive& archive);
    AlignedVector<float> parameters, gradient, mean, square;
  };
  /// Actions drawn for one set of observations.
  struct Draw {
    std::vector<float> noise, actions, log_probs, inputs;  // columns [A, stride] x 2, [B], critic inputs [B, O + A]
  };

  void draw(const float* obs, FusedMlp::Workspace& work, Draw& to);
  void adam_step(Net& net) const;
  /// The pairs of an update; each decides for itself whether two threads pay.
  enum Phase : std::uint8_t { kDraw, kTarget, kCritics, kJudge, kJudgeBack, kActor, kNumPhases };
  template <class Body>
  void both(Phase phase, Body&& body);

  SacSettings settings_;
  std::shared_ptr<ThreadPool> pool_;
  FusedMlp actor_, critic_;
  Net actor_net_;
  std::array<Net, 2> critic_nets_;
  std::array<AlignedVector<float>, 2> targets_;
  float log_alpha_ = 0, log_alpha_mean_ = 0, log_alpha_square_ = 0;
  std::int64_t num_updates_ = 0;
  Losses losses_;

  // Workspaces and intermediate results.
  FusedMlp::Workspace actor_work_, next_actor_work_;
  std::array<FusedMlp::Workspace, 2> critic_work_;
  Draw now_, next_;
  std::vector<float> inputs_;                            // [B, O + A] as stored
  std::array<std::vector<float>, 2> next_q_, d_inputs_;  // [B], [B, O + A]
  std::vector<float> target_, d_actions_;                // [B], [A, stride]
  std::array<double, 2> critic_squares_{};
  std::array<SplitChoice, kNumPhases> choices_;
};

}  // namespace corvid
