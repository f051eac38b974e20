#include "core/learn/bandit.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/base/check.h"

namespace corvid {

namespace {

/// The k-th of the arms that `is_among` takes.
template <class F>
std::int64_t arm_number(std::int64_t k, std::int64_t num_arms, const F& is_among) {
  for (std::int64_t a = 0; a < num_arms; ++a) {
    if (is_among(a) && k-- == 0) return a;
  }
  CORVID_CHECK(false, "no arm is legal");
  return 0;
}

}  // namespace

std::int64_t best_arm(const double* values, const std::uint8_t* legal, std::int64_t num_arms, Rng& rng) {
  double best = -std::numeric_limits<double>::infinity();
  std::int64_t ties = 0;
  for (std::int64_t a = 0; a < num_arms; ++a) {
    if ((legal && !legal[a]) || values[a] < best) continue;
    ties = values[a] == best ? ties + 1 : 1;
    best = values[a];
  }
  auto is_best = [&](std::int64_t a) { return (!legal || legal[a]) && values[a] == best; };
  return arm_number(ties > 1 ? rng.integers(0, ties) : 0, num_arms, is_best);
}

std::int64_t random_arm(const std::uint8_t* legal, std::int64_t num_arms, Rng& rng) {
  if (!legal) return rng.integers(0, num_arms);
  const std::int64_t count = num_arms - std::count(legal, legal + num_arms, std::uint8_t{0});
  CORVID_CHECK(count > 0, "no arm is legal");
  return arm_number(rng.integers(0, count), num_arms, [&](std::int64_t a) { return legal[a] != 0; });
}

double ucb1_bound(const ArmMean& arm, std::int64_t num_pulls, double c) {
  if (arm.count == 0) return std::numeric_limits<double>::infinity();
  return arm.value + c * std::sqrt(std::log(static_cast<double>(num_pulls)) / static_cast<double>(arm.count));
}

double sample_gamma(double shape, Rng& rng) {
  if (shape < 1) {
    // Gamma(shape) = Gamma(shape + 1) U^(1 / shape)
    const double whole = sample_gamma(shape + 1, rng);
    return whole * std::pow(1 - rng.random(), 1 / shape);
  }
  const double d = shape - 1.0 / 3.0, c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = rng.standard_normal();
    const double root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    const double u = 1 - rng.random();  // in (0, 1]
    if (std::log(u) < 0.5 * x * x + d * (1 - v + std::log(v))) return d * v;
  }
}

double sample_beta(double a, double b, Rng& rng) {
  const double x = sample_gamma(a, rng), y = sample_gamma(b, rng);
  return x + y > 0 ? x / (x + y) : 0.5;  // both may be too small for a double
}

Gaussian gaussian_posterior(const Gaussian& prior, double noise_std, const ArmMean& arm) {
  const double prior_precision = 1 / (prior.std * prior.std);
  const double data_precision = static_cast<double>(arm.count) / (noise_std * noise_std);
  const double precision = prior_precision + data_precision;
  return {(prior.mean * prior_precision + arm.value * data_precision) / precision, 1 / std::sqrt(precision)};
}

double ucb1_regret_bound(const double* gaps, std::int64_t num_arms, std::int64_t num_pulls) {
  double inverse = 0, sum = 0;
  for (std::int64_t a = 0; a < num_arms; ++a) {
    if (gaps[a] > 0) inverse += 1 / gaps[a];
    sum += gaps[a];
  }
  return 8 * inverse * std::log(static_cast<double>(num_pulls)) + (1 + std::numbers::pi * std::numbers::pi / 3) * sum;
}

void arm_probabilities(const double* preferences, const std::uint8_t* legal, std::int64_t num_arms,
                       double* probabilities) {
  double high = -std::numeric_limits<double>::infinity();
  for (std::int64_t a = 0; a < num_arms; ++a) {
    if (!legal || legal[a]) high = std::max(high, preferences[a]);
  }
  double sum = 0;
  for (std::int64_t a = 0; a < num_arms; ++a) {
    probabilities[a] = !legal || legal[a] ? std::exp(preferences[a] - high) : 0;
    sum += probabilities[a];
  }
  for (std::int64_t a = 0; a < num_arms; ++a) probabilities[a] /= sum;
}

void gradient_bandit_update(double* preferences, const double* probabilities, std::int64_t num_arms, std::int64_t arm,
                            double advantage, double step_size) {
  for (std::int64_t a = 0; a < num_arms; ++a)
    preferences[a] += step_size * advantage * ((a == arm ? 1.0 : 0.0) - probabilities[a]);
}

void LinearArm::restart(double ridge) {
  std::fill_n(inverse, size * size, 0.0);
  for (std::int64_t j = 0; j < size; ++j) inverse[j * size + j] = 1 / ridge;
  std::fill_n(b, size, 0.0);
  std::fill_n(theta, size, 0.0);
}

double LinearArm::upper_bound(const double* x, double alpha) const {
  double mean = 0, variance = 0;
  for (std::int64_t i = 0; i < size; ++i) {
    double sum = 0;
    for (std::int64_t j = 0; j < size; ++j) sum += inverse[i * size + j] * x[j];
    variance += x[i] * sum;
    mean += theta[i] * x[i];
  }
  return mean + alpha * std::sqrt(std::max(0.0, variance));
}

void LinearArm::update(const double* x, double reward, double* scratch) {
  double scale = 1;
  for (std::int64_t i = 0; i < size; ++i) {
    scratch[i] = 0;
    for (std::int64_t j = 0; j < size; ++j) scratch[i] += inverse[i * size + j] * x[j];
    scale += x[i] * scratch[i];
  }
  for (std::int64_t i = 0; i < size; ++i) {
    for (std::int64_t j = 0; j < size; ++j) inverse[i * size + j] -= scratch[i] * scratch[j] / scale;
    b[i] += reward * x[i];
  }
  for (std::int64_t i = 0; i < size; ++i) {
    theta[i] = 0;
    for (std::int64_t j = 0; j < size; ++j) theta[i] += inverse[i * size + j] * b[j];
  }
}

}  // namespace corvid
