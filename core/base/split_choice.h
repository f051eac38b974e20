// Decides, by measuring, whether a repeated piece of work is faster on one thread or split over a pool.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>

#include "core/base/thread_pool.h"

namespace corvid {

/// Tries one way and then the other, keeps the faster one, and tries again now and then, more and more rarely while
/// splitting does not pay: that changes with what else the machine does. When splitting becomes slower than one thread
/// was, as when another process takes a core, it tries at once. Both ways must give the same result. Not thread-safe.
class SplitChoice {
 public:
  template <class Serial, class Split>
  void run(Serial&& serial, Split&& split) {
    if (settled_ > 0) {
      --settled_;
      if (!splitting_) return serial();
      mean_split_ += (seconds_of(split) - mean_split_) / kWatched;
      if (mean_split_ > typical_serial_) settled_ = 0;
      return;
    }
    // One way after the other, not in turn: threads go to sleep while one works alone, and waking them is not what splitting
    // costs. The first splits only wake them.
    if (tried_ < kTrials) {
      serial_[static_cast<std::size_t>(tried_)] = seconds_of(serial);
    } else {
      if (tried_ == kTrials) {
        // The median: a run that was disturbed does not make splitting look good.
        std::nth_element(serial_.begin(), serial_.begin() + kTrials / 2, serial_.end());
        typical_serial_ = serial_[kTrials / 2];
        mean_split_ = 0;
      }
      const double seconds = seconds_of(split);
      if (tried_ >= kTrials + kWakeUps) mean_split_ += seconds / kTrials;
      // Somebody else has the other cores: the rest of the trials would only cost time.
      if (seconds > std::max(kHopeless * typical_serial_, 1e-3)) return settle(false);
    }
    if (++tried_ == kTried) settle(mean_split_ < typical_serial_);
  }

  /// body(0) to body(count - 1), one after the other or on a pool, which may be null.
  template <class Body>
  void run(ThreadPool* pool, int count, Body&& body) {
    auto serial = [&] {
      for (int k = 0; k < count; ++k) body(k);
    };
    if (!pool || count < 2) return serial();
    run(serial, [&] { pool->run(count, body); });
  }

  /// The way chosen last; false before the first choice.
  bool splitting() const { return splitting_; }

  static constexpr int kTrials = 8;  // either way
  static constexpr int kWakeUps = 2;
  static constexpr int kTried = 2 * kTrials + kWakeUps;
  static constexpr int kRunsBetween = 1000;       // until the next trials, while splitting pays
  static constexpr int kFewestRunsBetween = 125;  // while it does not; doubles up to
  static constexpr int kMostRunsBetween = 32'000;

 private:
  static constexpr double kHopeless = 4;
  static constexpr double kWatched = 64;  // runs over which splitting is averaged

  template <class Way>
  static double seconds_of(Way&& way) {
    const auto start = std::chrono::steady_clock::now();
    way();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  void settle(bool splitting) {
    splitting_ = splitting;
    settled_ = splitting ? kRunsBetween : runs_between_;
    runs_between_ = splitting ? kFewestRunsBetween : std::min(2 * runs_between_, kMostRunsBetween);
    tried_ = 0;
  }

  std::array<double, kTrials> serial_{};  // seconds of the trials at hand
  double typical_serial_ = 0;             // their median
  double mean_split_ = 0;                 // of the trials at hand; while splitting, of the last runs
  int tried_ = 0, settled_ = 0, runs_between_ = kFewestRunsBetween;
  bool splitting_ = false;
};

}  // namespace corvid
