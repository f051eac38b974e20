// Optimizers over one flat parameter tensor: clipping and step are two passes over memory, however many layers there
// are.
#pragma once

#include <limits>
#include <memory>
#include <string>

#include "core/base/split_choice.h"
#include "core/nn/parameters.h"

namespace corvid {

inline constexpr double kNoClipping = std::numeric_limits<double>::infinity();

class Optimizer {
 public:
  virtual ~Optimizer() = default;

  /// One step along the gradient that stands in `parameters`, scaled so that its Euclidean norm is at most
  /// `max_grad_norm` (Pascanu et al. 2013). Never synchronises with a device.
  virtual void step(Parameters& parameters, double learning_rate, double max_grad_norm = kNoClipping) = 0;
  virtual void visit(Archive& archive) = 0;
};

struct AdamConfig {
  double eps = 1e-5, beta1 = 0.9, beta2 = 0.999;
  double weight_decay = 0;
  bool fused = true;  // false: LibTorch does the step, even where the parameters are on kernels; the state is the same
  std::shared_ptr<ThreadPool> pool;  // for parameters that are worth splitting; null: one thread
};

/// Adam (Kingma and Ba 2015, algorithm 1); with weight decay, AdamW (Loshchilov and Hutter 2019, algorithm 2).
class Adam final : public Optimizer {
 public:
  explicit Adam(const Parameters& parameters, const AdamConfig& config = {});
  void step(Parameters& parameters, double learning_rate, double max_grad_norm = kNoClipping) override;
  void visit(Archive& archive) override;

 private:
  void kernel_step(Parameters& parameters, const AdamFactors& factors, double max_grad_norm);

  AdamConfig config_;
  at::Tensor mean_, square_, steps_;  // [P], [P], scalar
  SplitChoice choice_;
};

struct RAdamConfig {
  double eps = 1e-8, beta1 = 0.9, beta2 = 0.999;
  bool fused = true;
};

/// RAdam (Liu et al. 2020, algorithm 2): Adam whose first steps, with few gradients to judge by, are made smaller.
class RAdam final : public Optimizer {
 public:
  explicit RAdam(const Parameters& parameters, const RAdamConfig& config = {});
  void step(Parameters& parameters, double learning_rate, double max_grad_norm = kNoClipping) override;
  void visit(Archive& archive) override;

 private:
  RAdamConfig config_;
  at::Tensor mean_, square_, scratch_;  // [P]
  std::int64_t steps_ = 0;
};

struct RmsPropConfig {
  double eps = 1e-5, alpha = 0.99;
  bool fused = true;
};

/// RMSProp (Tieleman and Hinton 2012), uncentred, without momentum; eps is added outside the root.
class RmsProp final : public Optimizer {
 public:
  explicit RmsProp(const Parameters& parameters, const RmsPropConfig& config = {});
  void step(Parameters& parameters, double learning_rate, double max_grad_norm = kNoClipping) override;
  void visit(Archive& archive) override;

 private:
  RmsPropConfig config_;
  at::Tensor square_, scratch_;  // [P]
};

/// target += tau (source - target): slowly moving target networks (Lillicrap et al. 2016). tau = 1 copies every bit.
void polyak_update(const Parameters& source, Parameters& target, double tau, bool fused = true);

}  // namespace corvid
