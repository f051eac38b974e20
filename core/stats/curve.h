// Learning curves of several runs as one: mean and band on a common grid.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace corvid {

struct Curve {
  std::vector<double> x, y;  // x ascends strictly
};

/// The value at `x` on the straight line between its neighbours; NaN outside of the curve.
double interpolate(const Curve& curve, double x);

/// Each value becomes the mean of the last `window` values, of fewer at the beginning.
Curve smooth(const Curve& curve, std::int64_t window);

enum class Band {
  kNone,       // one run
  kRange,      // fewer than 5 runs: from the lowest to the highest
  kBootstrap,  // 95 % percentile bootstrap interval of the mean, over runs
};

struct MeanCurve {
  std::vector<double> x, mean, low, high;  // low and high are empty without a band
  Band band = Band::kNone;
};

/// Mean of the runs at every x that one of them has, where all of them have data; at `max_points` equal distances when
/// there are more. Empty when no x is common to all. The bootstrap draws whole runs, 2,000 times, with a fixed seed.
MeanCurve mean_curve(std::span<const Curve> runs, std::size_t max_points = 1000);

}  // namespace corvid
