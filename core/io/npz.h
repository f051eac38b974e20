// evaluations.npz, as Stable-Baselines3's EvalCallback writes it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "core/base/archive.h"

namespace corvid {

/// What such a file holds, for E evaluations of n episodes each.
struct Evaluations {
  std::vector<std::int64_t> timesteps;  // [E]
  std::vector<double> rewards;          // [E, n]
  std::vector<std::int64_t> lengths;    // [E, n]
  std::size_t num_episodes = 0;         // n
};

/// Reads a file of this writer or of numpy.savez. Throws Error kBadFile that says what is wrong with it.
Evaluations read_evaluations(const std::filesystem::path& path);

/// timesteps int64 [E], results float64 [E, n], ep_lengths int64 [E, n] for E evaluations of n episodes each. The file
/// is replaced atomically by every add.
class EvaluationsNpz {
 public:
  explicit EvaluationsNpz(std::filesystem::path path);

  /// One evaluation; returns and lengths of its n episodes. n must be the same every time.
  void add(std::int64_t timesteps, std::span<const double> rewards, std::span<const std::int64_t> lengths);

  /// The evaluations themselves are stored; loading writes the file anew.
  void visit(Archive& archive);

 private:
  void write() const;

  std::filesystem::path path_;
  std::int64_t num_episodes_ = 0;  // n; 0 before the first evaluation
  std::vector<std::int64_t> timesteps_, lengths_;
  std::vector<double> rewards_;
};

}  // namespace corvid
