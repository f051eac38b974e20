// Priorities that can be drawn from in proportion: a tree of whole numbers, each node the exact sum of its children.
//
// Priorities are rounded to multiples of 2^-20, so sums never drift, whatever the order of updates, and a draw is
// exactly proportional to what is stored. A node has eight children and is one cache line: the running sums of its
// children.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/archive.h"
#include "core/base/memory.h"
#include "core/base/rng.h"

namespace corvid {

class SumTree {
 public:
  static constexpr double kUnit = 1.0 / (1 << 20);  // what priorities are multiples of; a positive one is at least this
  static constexpr double kMost = 1 << 22;          // the largest priority; larger ones are cut off

  /// Trees of more than 2^21 leaves cut priorities off at 2^43 / num_leaves, so that no sum can overflow.
  explicit SumTree(std::int64_t num_leaves);

  /// What a tree takes.
  static std::size_t bytes_needed(std::int64_t num_leaves);

  std::int64_t num_leaves() const { return num_leaves_; }
  double total() const { return static_cast<double>(sums(num_levels_ - 1, 0)[kWidth - 1]) * kUnit; }
  double priority(std::int64_t leaf) const { return static_cast<double>(units(leaf)) * kUnit; }

  /// Sets priorities, which must not be negative or NaN. A leaf named twice keeps the last one.
  void set(std::span<const std::int64_t> leaves, const float* priorities);

  /// The same priority for `count` leaves from `first` on.
  void fill(std::int64_t first, std::int64_t count, float priority);

  /// Draws leaves, each in proportion to its priority and one from each of leaves.size() equal shares of the total
  /// (stratified, as in Schaul et al. 2016, appendix B.2.1). Needs a positive total.
  void draw(Rng& rng, std::span<std::int64_t> leaves) const;

  /// Only the leaves are kept; loading adds them up again.
  void visit(Archive& archive) { visit(archive, "leaves", 0, num_leaves_); }
  void visit(Archive& archive, std::string_view name, std::int64_t first, std::int64_t count);

  /// Whether every node is the sum of its children, for tests.
  bool is_exact() const;

 private:
  static constexpr int kWidth = 8;        // children of a node
  static constexpr int kMostLevels = 21;  // of 2^63 leaves

  /// A node of one level, and what its sum has changed by.
  struct Change {
    std::int64_t node, delta;
  };
  struct Changes;

  /// The running sums of a node's children.
  std::int64_t* sums(int level, std::int64_t node) const {
    return level_[static_cast<std::size_t>(level)] + node * kWidth;
  }
  std::int64_t units(std::int64_t leaf) const;
  std::int64_t to_units(float priority) const;
  void pass_up(Changes& changes);

  /// Sets leaves in a row to value(k), k = 0 .. count - 1.
  template <class Value>
  void assign(std::int64_t first, std::int64_t count, const Value& value);

  std::int64_t num_leaves_;
  std::int64_t most_units_;
  int num_levels_ = 0;
  std::array<std::int64_t*, kMostLevels> level_{};  // the nodes of each level, leaves first
  Mapping memory_;
};

}  // namespace corvid
