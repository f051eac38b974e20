// What the bandits share: lists of numbers as options, names and the picture of the arms.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "core/env/environment.h"

namespace corvid {

inline constexpr std::int64_t kMaxArms = 64;     // memory that every copy of a bandit has for its arms
inline constexpr std::int64_t kMaxContext = 32;  // numbers in a context

/// "0.1, 0.5": at most kMaxArms numbers from `low` to `high`; empty text gives none.
inline std::vector<double> read_numbers(const std::string& option, const std::string& text, double low, double high) {
  auto refuse = [&] {
    fail(ErrorKind::kUsage, "option ", option, " expects 1 to ", kMaxArms, " numbers in [", low, ", ", high,
         "] divided by commas, such as '0.1,0.5', got '", text, "'");
  };
  std::string plain = text;
  std::erase_if(plain, [](char c) { return c == ' ' || c == '[' || c == ']'; });
  std::vector<double> numbers;
  const char* place = plain.data();
  const char* const end = place + plain.size();
  while (place != end) {
    double number = 0;
    const auto [next, code] = std::from_chars(place, end, number);
    if (code != std::errc() || !(number >= low && number <= high) || !std::isfinite(number)) refuse();
    numbers.push_back(number);
    place = next;
    if (place != end && (*place++ != ',' || place == end)) refuse();
  }
  if (std::ssize(numbers) > kMaxArms) refuse();
  return numbers;
}

/// "arm 0", "arm 1", ...
inline std::vector<std::string> numbered(const std::string& word, std::int64_t count) {
  std::vector<std::string> names;
  for (std::int64_t k = 0; k < count; ++k) names.push_back(word + " " + std::to_string(k));
  return names;
}

/// The expected reward that `arm` loses against the best one.
inline double lost_by(std::span<const double> means, std::int64_t arm) {
  return *std::max_element(means.begin(), means.end()) - means[static_cast<std::size_t>(arm)];
}

/// One bar an arm, from 0 to its expected reward; the best ones are green, a dot marks the arm pulled last (-1: none).
inline void draw_arms(Canvas& canvas, std::span<const double> means, std::int64_t pulled) {
  const auto count = static_cast<double>(means.size());
  const double best = *std::max_element(means.begin(), means.end());
  const double worst = *std::min_element(means.begin(), means.end());
  const double high = std::max(best, 0.0), low = std::min(worst, 0.0);
  const double unit = 1 / std::max(high - low, 1e-9);  // the bars fill a height of 1
  auto y = [&](double value) { return (value - low) * unit; };
  canvas.view({-0.05, -0.2}, {2.05, 1.1});
  for (std::size_t k = 0; k < means.size(); ++k) {
    const double left = 2 * static_cast<double>(k) / count, width = 2 / count;
    const double bottom = std::min(y(0), y(means[k])), top = std::max(y(0), y(means[k]));
    canvas.rectangle({left + 0.1 * width, bottom}, {left + 0.9 * width, top},
                     means[k] == best ? palette::kGreen : palette::kBlue);
    canvas.text({left + width / 2, -0.08}, std::min(0.06, 0.5 * width), std::to_string(k), palette::kMuted);
    if (static_cast<std::int64_t>(k) == pulled)
      canvas.circle({left + width / 2, -0.15}, std::min(0.03, 0.3 * width), palette::kOrange);
  }
  canvas.line({0, y(0)}, {2, y(0)}, 0.008, palette::kInk);
}

}  // namespace corvid
