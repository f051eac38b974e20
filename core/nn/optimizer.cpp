#include "core/nn/optimizer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "core/base/check.h"

namespace corvid {

namespace {

constexpr double kNormFloor = 1e-6;  // keeps the scale of a vanishing gradient finite

bool use_kernels(bool fused, const Parameters& parameters) { return fused && parameters.on_kernels(); }

/// What a gradient of that norm is multiplied by so that it is at most `max_norm`.
float scale_for(double norm, double max_norm) {
  // Of NaN neither is true: it goes on into the parameters, where it is found and reported.
  return norm + kNormFloor <= max_norm ? 1 : static_cast<float>(max_norm / (norm + kNormFloor));
}

float clip_scale(const Parameters& parameters, double max_norm) {
  if (max_norm == kNoClipping) return 1;
  return scale_for(
      std::sqrt(kernels().sum_of_squares(parameters.size(), parameters.gradient().const_data_ptr<float>())), max_norm);
}

constexpr std::int64_t kFewParameters = 1 << 15;  // of a part; fewer than two of these one thread takes alone
constexpr int kMostParts = 8;

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
  kernel_step(parameters, factors, max_grad_norm);
}

void Adam::kernel_step(Parameters& parameters, const AdamFactors& factors, double max_grad_norm) {
  const std::int64_t size = parameters.size();
  const float* const gradient = parameters.gradient().const_data_ptr<float>();
  float *const flat = parameters.flat().data_ptr<float>(), *const mean = mean_.data_ptr<float>();
  float* const square = square_.data_ptr<float>();
  if (size < 2 * kFewParameters)
    return kernels().adam(size, factors, clip_scale(parameters, max_grad_norm), gradient, flat, mean, square);

  // Parts depend on the size alone, so the norm does not depend on the number of threads.
  const std::int64_t parts = std::min<std::int64_t>(kMostParts, size / kFewParameters);
  auto begin = [&](std::int64_t part) { return part * (size / kParameterAlignment) / parts * kParameterAlignment; };
  std::array<double, kMostParts> squares{};
  float scale = 1;
  auto measure = [&](int part) {
    const std::int64_t first = begin(part);
    squares[static_cast<std::size_t>(part)] = kernels().sum_of_squares(begin(part + 1) - first, gradient + first);
  };
  auto move = [&](int part) {
    const std::int64_t first = begin(part), count = begin(part + 1) - first;
    kernels().adam(count, factors, scale, gradient + first, flat + first, mean + first, square + first);
  };
  auto run = [&](auto&& each) {
    each(measure);
    if (max_grad_norm != kNoClipping)
      scale = scale_for(std::sqrt(std::accumulate(squares.begin(), squares.end(), 0.0)), max_grad_norm);
    each(move);
  };
  const int count = static_cast<int>(parts);
  auto serial = [&] {
    run([&](auto&& body) {
      for (int part = 0; part < count; ++part) body(part);
    });
  };
  if (!config_.pool) return serial();
  choice_.run(serial, [&] { run([&](auto&& body) { config_.pool->run(count, body); }); });
}

void Adam::visit(Archive& archive) {
  visit_tensor(archive, "mean", mean_);
  visit_tensor(archive, "square", square_);
  visit_tensor(archive, "steps", steps_);
}

RAdam::RAdam(const Parameters& parameters, const RAdamConfig& config)
    : config_(config),
      mean_(at::zeros_like(parameters.flat())),
      square_(at::zeros_like(parameters.flat())),
      scratch_(at::empty_like(parameters.flat())) {}

void RAdam::step(Parameters& parameters, double learning_rate, double max_grad_norm) {
  ++steps_;
  const AdamFactors factors = radam_factors(steps_, learning_rate, config_.beta1, config_.beta2, config_.eps);
  if (!use_kernels(config_.fused, parameters)) {
    at::NoGradGuard no_grad;
    if (max_grad_norm != kNoClipping) parameters.clip_grad_norm(max_grad_norm);
    mean_.lerp_(parameters.gradient(), 1 - config_.beta1);
    square_.mul_(config_.beta2).addcmul_(parameters.gradient(), parameters.gradient(), 1 - config_.beta2);
    at::sqrt_out(scratch_, square_).mul_(factors.root_scale).add_(factors.eps);
    parameters.flat().addcdiv_(mean_, scratch_, -factors.step_size);
    return;
  }
  kernels().adam(parameters.size(), factors, clip_scale(parameters, max_grad_norm),
                 parameters.gradient().const_data_ptr<float>(), parameters.flat().data_ptr<float>(),
                 mean_.data_ptr<float>(), square_.data_ptr<float>());
}

void RAdam::visit(Archive& archive) {
  visit_tensor(archive, "mean", mean_);
  visit_tensor(archive, "square", square_);
  archive("steps", steps_);
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
  at::NoGradGuard no_grad;
  if (tau == 1) {  // target + (source - target) rounds
    target.flat().copy_(source.flat());
    return;
  }
  if (!use_kernels(fused, target)) {
    target.flat().lerp_(source.flat(), tau);
    return;
  }
  kernels().polyak(source.size(), static_cast<float>(tau), source.flat().const_data_ptr<float>(),
                   target.flat().data_ptr<float>());
}

}  // namespace corvid
