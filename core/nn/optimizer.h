// Optimizers over one flat parameter tensor: a step is a few kernels, however many layers there are.
#pragma once

#include <memory>
#include <string>

#include "core/nn/parameters.h"

namespace corvid {

class Optimizer {
 public:
  virtual ~Optimizer() = default;

  /// One step along the gradient that stands in `parameters`.
  virtual void step(Parameters& parameters, double learning_rate) = 0;
  virtual void visit(Archive& archive) = 0;
};

/// Adam (Kingma and Ba 2015, algorithm 1).
class Adam final : public Optimizer {
 public:
  explicit Adam(const Parameters& parameters, double eps = 1e-5, double beta1 = 0.9, double beta2 = 0.999);
  void step(Parameters& parameters, double learning_rate) override;
  void visit(Archive& archive) override;

 private:
  double eps_, beta1_, beta2_;
  at::Tensor mean_, square_, steps_;  // [P], [P], scalar
};

/// RMSProp (Tieleman and Hinton 2012), uncentred, without momentum; eps is added outside the root.
class RmsProp final : public Optimizer {
 public:
  explicit RmsProp(const Parameters& parameters, double eps = 1e-5, double alpha = 0.99);
  void step(Parameters& parameters, double learning_rate) override;
  void visit(Archive& archive) override;

 private:
  double eps_, alpha_;
  at::Tensor square_, scratch_;  // [P]
};

}  // namespace corvid
