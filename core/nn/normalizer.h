// Running normalisation of observations and rewards; its statistics are stored with the policy.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/archive.h"

namespace corvid {

/// Mean and variance of a stream of vectors, merged batch by batch (Chan, Golub and LeVeque 1979). Starts as if it had
/// seen `1e-4` samples of mean 0 and variance 1, like VecNormalize.
class RunningMeanStd {
 public:
  explicit RunningMeanStd(std::int64_t size)
      : mean_(static_cast<std::size_t>(size), 0.0), variance_(mean_.size(), 1.0) {}

  /// `batch` is [rows, size].
  template <class T>
  void update(const T* batch, std::int64_t rows);

  std::span<const double> mean() const { return mean_; }
  std::span<const double> variance() const { return variance_; }
  void visit(Archive& archive);

 private:
  std::vector<double> mean_, variance_;
  double count_ = 1e-4;
};

/// (x - mean) / std, clipped to +-`clip`.
class ObservationNormalizer {
 public:
  ObservationNormalizer(std::int64_t size, double clip) : stats_(size), clip_(clip) {}
  void update(const float* features, std::int64_t rows) { stats_.update(features, rows); }
  void normalize(float* features, std::int64_t rows) const;  // in place, [rows, size]
  void visit(Archive& archive) { stats_.visit(archive); }

 private:
  RunningMeanStd stats_;
  double clip_;
};

/// Rewards divided by the running standard deviation of the discounted return, clipped to +-`clip`; the mean is kept.
class RewardNormalizer {
 public:
  RewardNormalizer(int num_envs, double gamma, double clip)
      : stats_(1), returns_(static_cast<std::size_t>(num_envs), 0.0), gamma_(gamma), clip_(clip) {}

  /// One step of N environments: updates the statistics and writes scaled rewards.
  void normalize(const double* rewards, const std::uint8_t* terminated, const std::uint8_t* truncated, float* out);
  void visit(Archive& archive);

 private:
  RunningMeanStd stats_;
  std::vector<double> returns_;  // [N] discounted return so far
  double gamma_, clip_;
};

}  // namespace corvid
