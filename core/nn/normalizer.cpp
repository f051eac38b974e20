#include "core/nn/normalizer.h"

#include <algorithm>
#include <cmath>

namespace corvid {

namespace {
constexpr double kVarianceFloor = 1e-8;
}

template <class T>
void RunningMeanStd::update(const T* batch, std::int64_t rows) {
  const auto size = static_cast<std::int64_t>(mean_.size());
  const double total = count_ + static_cast<double>(rows);
  for (std::int64_t j = 0; j < size; ++j) {
    double mean = 0, square = 0;
    for (std::int64_t i = 0; i < rows; ++i) mean += batch[i * size + j];
    mean /= static_cast<double>(rows);
    for (std::int64_t i = 0; i < rows; ++i) {
      const double delta = batch[i * size + j] - mean;
      square += delta * delta;
    }
    const auto k = static_cast<std::size_t>(j);
    const double delta = mean - mean_[k];
    const double sum = variance_[k] * count_ + square + delta * delta * count_ * static_cast<double>(rows) / total;
    mean_[k] += delta * static_cast<double>(rows) / total;
    variance_[k] = sum / total;
  }
  count_ = total;
}

template void RunningMeanStd::update(const float*, std::int64_t);
template void RunningMeanStd::update(const double*, std::int64_t);

void RunningMeanStd::visit(Archive& archive) {
  archive("mean", mean_);
  archive("variance", variance_);
  archive("count", count_);
}

void ObservationNormalizer::normalize(float* features, std::int64_t rows) const {
  const auto size = static_cast<std::int64_t>(stats_.mean().size());
  for (std::int64_t j = 0; j < size; ++j) {
    const double mean = stats_.mean()[static_cast<std::size_t>(j)];
    const double scale = 1 / std::sqrt(stats_.variance()[static_cast<std::size_t>(j)] + kVarianceFloor);
    for (std::int64_t i = 0; i < rows; ++i) {
      float& x = features[i * size + j];
      x = static_cast<float>(std::clamp((x - mean) * scale, -clip_, clip_));
    }
  }
}

void RewardNormalizer::normalize(const double* rewards, const std::uint8_t* terminated, const std::uint8_t* truncated,
                                 float* out) {
  for (std::size_t i = 0; i < returns_.size(); ++i) returns_[i] = returns_[i] * gamma_ + rewards[i];
  stats_.update(returns_.data(), static_cast<std::int64_t>(returns_.size()));
  const double scale = 1 / std::sqrt(stats_.variance()[0] + kVarianceFloor);
  for (std::size_t i = 0; i < returns_.size(); ++i) {
    out[i] = static_cast<float>(std::clamp(rewards[i] * scale, -clip_, clip_));
    if (terminated[i] || truncated[i]) returns_[i] = 0;
  }
}

void RewardNormalizer::visit(Archive& archive) {
  archive("returns", returns_);
  stats_.visit(archive);
}

}  // namespace corvid
