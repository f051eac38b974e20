// A number that may fall linearly over training: "0.001" stays, "lin_0.001" falls to 0 at the last step.
#pragma once

#include <string>
#include <string_view>

namespace corvid {

struct Schedule {
  double initial = 0;
  bool linear = false;  // multiply by the share of training that remains

  Schedule() = default;
  Schedule(double constant) : initial(constant) {}  // NOLINT(google-explicit-constructor): a number is a schedule
  static Schedule lin(double initial) { return Schedule(initial, true); }

  /// Reads "0.001" or "lin_0.001" (the notation of RL Baselines3 Zoo). Throws Error otherwise.
  static Schedule parse(std::string_view text);
  std::string to_string() const;

  /// The value when `progress` in [0, 1] of the training is done.
  double at(double progress) const { return linear ? initial * (1 - progress) : initial; }

  bool operator==(const Schedule&) const = default;

 private:
  Schedule(double value, bool falls) : initial(value), linear(falls) {}
};

}  // namespace corvid
