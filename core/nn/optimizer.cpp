#include "core/nn/optimizer.h"

#include <cmath>

#include "core/base/check.h"

namespace corvid {

namespace {

constexpr double kNormFloor = 1e-6;  // keeps the scale of a vanishing gradient finite

bool use_kernels(bool fused, const Parameters& parameters) { return fused && parameters.on_kernels(); }

/// What the gradient is multiplied by so that its norm is at most `max_norm`.
float clip_scale(const Parameters& parameters, double max_norm) {
  if (max_norm == kNoClipping) return 1;
  const double norm =
      std::sqrt(kernels().sum_of_squares(parameters.size(), parameters.gradient().const_data_ptr<float>()));
  // Of NaN neither is true: it goes on into the parameters, where it is found and reported.
  return norm + kNormFloor <= max_norm ? 1 : static_cast<float>(max_norm / (norm + kNormFloor));
}

}  // namespace

Adam::Adam(const Parameters& parameters, const AdamConfig& config)
    : config_(config),
      mean_(at::zeros_like(parameters.flat())),
      square_(at::zeros_like(parameters.flat())),
      steps_(at::zeros({}, parameters.flat().options())) {}

void Adam::step(Parameters& parameters, double learning_rate, double max_grad_norm) {
  if (!use_kernels(config_.fused, parameters)) {
    at::NoGradGuard no_grad;
    if (max_grad_norm != kNoClipping) parameters.clip_grad_norm(max_grad_norm);
    steps_.add_(1);
    at::_fused_adamw_({parameters.flat()}, {parameters.gradient()}, {mean_}, {square_}, {}, {steps_}, learning_rate,
                      config_.beta1, config_.beta2, config_.weight_decay, config_.eps, /*amsgrad=*/false,
                      /*maximize=*/false);
    return;
  }
  float& count = *steps_.data_ptr<float>();
  count += 1;
  const AdamFactors factors = adam_factors(static_cast<std::int64_t>(count), learning_rate, config_.beta1,
                                           config_.beta2, config_.eps, config_.weight_decay);
  kernels().adam(parameters.size(), factors, clip_scale(parameters, max_grad_norm),
                 parameters.gradient().const_data_ptr<float>(), parameters.flat().data_ptr<float>(),
                 mean_.data_ptr<float>(), square_.data_ptr<float>());
}

void Adam::visit(Archive& archive) {
  visit_tensor(archive, "mean", mean_);
  visit_tensor(archive, "square", square_);
  visit_tensor(archive, "steps", steps_);
}

RmsProp::RmsProp(const Parameters& parameters, const RmsPropConfig& config)
    : config_(config), square_(at::zeros_like(parameters.flat())), scratch_(at::empty_like(parameters.flat())) {}

void RmsProp::step(Parameters& parameters, double learning_rate, double max_grad_norm) {
  if (!use_kernels(config_.fused, parameters)) {
    at::NoGradGuard no_grad;
    if (max_grad_norm != kNoClipping) parameters.clip_grad_norm(max_grad_norm);
    square_.mul_(config_.alpha).addcmul_(parameters.gradient(), parameters.gradient(), 1 - config_.alpha);
    at::sqrt_out(scratch_, square_).add_(config_.eps);
    parameters.flat().addcdiv_(parameters.gradient(), scratch_, -learning_rate);
    return;
  }
  kernels().rms_prop(parameters.size(), static_cast<float>(learning_rate), static_cast<float>(config_.alpha),
                     static_cast<float>(1 - config_.alpha), static_cast<float>(config_.eps),
                     clip_scale(parameters, max_grad_norm), parameters.gradient().const_data_ptr<float>(),
                     parameters.flat().data_ptr<float>(), square_.data_ptr<float>());
}

void RmsProp::visit(Archive& archive) { visit_tensor(archive, "square", square_); }

void polyak_update(const Parameters& source, Parameters& target, double tau, bool fused) {
  CORVID_CHECK(source.size() == target.size(), "Polyak averaging needs two networks of one shape");
  if (!use_kernels(fused, target)) {
    at::NoGradGuard no_grad;
    target.flat().lerp_(source.flat(), tau);
    return;
  }
  kernels().polyak(source.size(), static_cast<float>(tau), source.flat().const_data_ptr<float>(),
                   target.flat().data_ptr<float>());
}

}  // namespace corvid
