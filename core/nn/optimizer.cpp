#include "core/nn/optimizer.h"

namespace corvid {

Adam::Adam(const Parameters& parameters, double eps, double beta1, double beta2)
    : eps_(eps),
      beta1_(beta1),
      beta2_(beta2),
      mean_(at::zeros_like(parameters.flat())),
      square_(at::zeros_like(parameters.flat())),
      steps_(at::zeros({}, parameters.flat().options())) {}

void Adam::step(Parameters& parameters, double learning_rate) {
  at::NoGradGuard no_grad;
  steps_.add_(1);
  at::_fused_adam_({parameters.flat()}, {parameters.gradient()}, {mean_}, {square_}, {}, {steps_}, learning_rate,
                   beta1_, beta2_, /*weight_decay=*/0.0, eps_, /*amsgrad=*/false, /*maximize=*/false);
}

void Adam::visit(Archive& archive) {
  visit_tensor(archive, "mean", mean_);
  visit_tensor(archive, "square", square_);
  visit_tensor(archive, "steps", steps_);
}

RmsProp::RmsProp(const Parameters& parameters, double eps, double alpha)
    : eps_(eps),
      alpha_(alpha),
      square_(at::zeros_like(parameters.flat())),
      scratch_(at::empty_like(parameters.flat())) {}

void RmsProp::step(Parameters& parameters, double learning_rate) {
  at::NoGradGuard no_grad;
  square_.mul_(alpha_).addcmul_(parameters.gradient(), parameters.gradient(), 1 - alpha_);
  at::sqrt_out(scratch_, square_).add_(eps_);
  const at::Tensor& flat = parameters.flat();
  flat.addcdiv_(parameters.gradient(), scratch_, -learning_rate);
}

void RmsProp::visit(Archive& archive) { visit_tensor(archive, "square", square_); }

}  // namespace corvid
