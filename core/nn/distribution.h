// Action distributions. Acting draws with an Rng on plain memory; learning evaluates log-probabilities and entropies on
// tensors. Discrete: one categorical. MultiDiscrete: a product of categoricals. Box: a diagonal Gaussian whose actions
// are clipped to the space's bounds on their way to the environment.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/base/rng.h"
#include "core/base/space.h"
#include "core/nn/policy.h"
#include "core/nn/torch.h"

namespace corvid {

struct Evaluation {
  at::Tensor log_prob;  // [B]
  at::Tensor entropy;   // [B]
};

class Distribution {
 public:
  virtual ~Distribution() = default;

  virtual std::int64_t num_outputs() const = 0;  // width of the network's last layer
  virtual std::int64_t action_size() const = 0;  // numbers in one stored action
  virtual at::ScalarType action_type() const = 0;

  /// Parameters beside the network's: the Gaussian's log standard deviation.
  virtual std::vector<at::Tensor> parameters() const { return {}; }

  /// Logits of each categorical; empty for a Gaussian.
  virtual std::span<const std::int64_t> categories() const { return {}; }

  /// Draws (or takes the mode) from outputs [N, num_outputs]. `actions` [N, action_size] are kept for learning,
  /// `env_actions` are what the environment gets; `log_probs` [N].
  virtual void act(const float* outputs, std::int64_t n, bool deterministic, Rng& rng, void* actions, void* env_actions,
                   float* log_probs) const = 0;

  /// What `act` draws from, for outputs [N, num_outputs]: the probabilities of each categorical, or the means and
  /// standard deviations of a Gaussian.
  virtual void describe(const float* outputs, std::int64_t n, Insight& insight) const = 0;

  /// log pi(a | s) and the entropy of pi(. | s) for stored actions.
  virtual Evaluation evaluate(const at::Tensor& outputs, const at::Tensor& actions) const = 0;
};

/// The distribution for an action space. Throws Error for spaces no distribution serves. `log_std_init` starts the
/// Gaussian's log standard deviation.
std::unique_ptr<Distribution> make_distribution(const Space& action, double log_std_init);

}  // namespace corvid
