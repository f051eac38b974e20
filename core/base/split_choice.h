// Decides, by measuring, whether a repeated piece of work is faster on one thread or split over a pool.
#pragma once

#include <array>
#include <chrono>

namespace corvid {

/// Tries both ways in turn at the start, keeps the faster one, and tries again now and then: what pays changes with what
/// else the machine does. Both ways must give the same result. Not thread-safe.
class SplitChoice {
 public:
  template <class Serial, class Split>
  void run(Serial&& serial, Split&& split) {
    if (settled_ > 0) {
      --settled_;
      splitting_ ? split() : serial();
      return;
    }
    const bool splitting = tried_ % 2 == 1;
    const auto start = std::chrono::steady_clock::now();
    splitting ? split() : serial();
    seconds_[splitting] += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (++tried_ < kTrials) return;
    splitting_ = seconds_[1] < seconds_[0];
    settled_ = kRunsBetween;
    tried_ = 0;
    seconds_ = {};
  }

  /// The way chosen last; false before the first choice.
  bool splitting() const { return splitting_; }

  static constexpr int kTrials = 16;         // half of them either way
  static constexpr int kRunsBetween = 1000;  // until the next trials

 private:
  std::array<double, 2> seconds_{};  // [serial, split] of the trials at hand
  int tried_ = 0, settled_ = 0;
  bool splitting_ = false;
};

}  // namespace corvid
