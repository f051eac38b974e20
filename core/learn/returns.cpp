#include "core/learn/returns.h"

namespace corvid {

void generalized_advantage_estimation(const float* rewards, const float* values, const float* next_values,
                                      const float* discounts, const float* traces, std::int64_t steps, std::int64_t n,
                                      float* advantages) {
  for (std::int64_t t = steps - 1; t >= 0; --t) {
    const std::int64_t row = t * n;
    const bool last = t + 1 == steps;
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t k = row + i;
      const float delta = rewards[k] + discounts[k] * next_values[k] - values[k];
      advantages[k] = delta + (last ? 0.0f : discounts[k] * traces[k] * advantages[k + n]);
    }
  }
}

void lambda_returns(const float* rewards, const float* next_values, const float* discounts, const float* traces,
                    std::int64_t steps, std::int64_t n, float* returns) {
  for (std::int64_t t = steps - 1; t >= 0; --t) {
    const bool last = t + 1 == steps;
    for (std::int64_t k = t * n; k < (t + 1) * n; ++k) {
      const float further = last ? 0.0f : traces[k] * (returns[k + n] - next_values[k]);
      returns[k] = rewards[k] + discounts[k] * (next_values[k] + further);
    }
  }
}

template <class T>
static void returns_of(const T* rewards, std::int64_t steps, double gamma, double last_value, T* returns) {
  double following = last_value;
  for (std::int64_t t = steps - 1; t >= 0; --t) {
    following = rewards[t] + gamma * following;
    returns[t] = static_cast<T>(following);
  }
}

void discounted_returns(const float* rewards, std::int64_t steps, double gamma, double last_value, float* returns) {
  returns_of(rewards, steps, gamma, last_value, returns);
}

void discounted_returns(const double* rewards, std::int64_t steps, double gamma, double last_value, double* returns) {
  returns_of(rewards, steps, gamma, last_value, returns);
}

void n_step_returns(const float* rewards, const float* discounts, const float* valid, std::int64_t steps,
                    std::int64_t rows, std::int64_t n, float* returns, float* factors, std::int64_t* ends) {
  for (std::int64_t start = 0; start < steps * rows; ++start) {
    double sum = 0, factor = 1;
    std::int64_t t = start / rows;
    for (std::int64_t at = start; t < steps && valid[at] > 0 && t < start / rows + n; ++t, at += rows) {
      sum += factor * static_cast<double>(rewards[at]);
      factor *= static_cast<double>(discounts[at]);
    }
    returns[start] = static_cast<float>(sum);
    factors[start] = static_cast<float>(factor);
    ends[start] = t;
  }
}

}  // namespace corvid
