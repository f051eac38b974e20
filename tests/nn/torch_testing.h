// What tests with LibTorch share: reproducible tensors, one measure of differences, one thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>

#include "core/base/rng.h"
#include "core/nn/torch.h"

namespace corvid::testing {

/// LibTorch on one thread, as in the program: its threads wait by spinning, which costs seconds where others work too.
inline const bool kOneThread = [] {
  at::set_num_threads(1);
  return true;
}();

/// Normally distributed numbers.
inline at::Tensor normal(std::initializer_list<std::int64_t> sizes, Rng& rng, double mean = 0, double std = 1) {
  at::Tensor result = at::empty(at::IntArrayRef(sizes.begin(), sizes.size()), at::kFloat);
  float* numbers = result.data_ptr<float>();
  for (std::int64_t k = 0; k < result.numel(); ++k) numbers[k] = static_cast<float>(rng.normal(mean, std));
  return result;
}

/// Adds noise to a tensor in place, beside autograd.
inline void disturb(const at::Tensor& tensor, Rng& rng, double std) {
  float* numbers = tensor.data_ptr<float>();
  for (std::int64_t k = 0; k < tensor.numel(); ++k) numbers[k] += static_cast<float>(rng.normal(0, std));
}

/// The largest difference as a share of the largest number, 1 at least; NaN where one is NaN.
inline double difference(const at::Tensor& found, const at::Tensor& expected) {
  const double size = std::max(1.0, expected.detach().abs().max().item<double>());
  return (found.detach() - expected.detach()).abs().max().item<double>() / size;
}

}  // namespace corvid::testing
