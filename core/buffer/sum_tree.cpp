#include "core/buffer/sum_tree.h"

#include <algorithm>
#include <limits>

#include "core/base/check.h"

namespace corvid {
namespace {

constexpr int kChunk = 256;  // leaves worked on at once, so that their cache misses overlap

constexpr std::int64_t num_parents(std::int64_t count) { return (count + 7) / 8; }

/// For each child the numbers it is added to: itself and those behind it.
constexpr auto kBehind = [] {
  std::array<std::array<std::int64_t, 8>, 8> masks{};
  for (std::size_t place = 0; place < 8; ++place) {
    for (std::size_t i = place; i < 8; ++i) masks[place][i] = -1;
  }
  return masks;
}();

/// Adds `delta` to the running sums of a node from child `place` on.
inline void add(std::int64_t* sums, std::int64_t place, std::int64_t delta) {
  const auto& behind = kBehind[static_cast<std::size_t>(place)];
  for (std::size_t i = 0; i < 8; ++i) sums[i] += behind[i] & delta;
}

/// The child that unit `rest` of a node belongs to: the first whose running sum is larger.
inline std::int64_t find(const std::int64_t* sums, std::int64_t rest) {
  std::int64_t smaller = 0;
  for (int i = 0; i < 8; ++i) smaller += sums[i] <= rest;
  return smaller;
}

}  // namespace

/// Changes of one level in order; neighbours of one node are merged.
struct SumTree::Changes {
  std::size_t size = 0;
  std::array<Change, kChunk> list;

  void add(std::int64_t node, std::int64_t delta) {
    if (size > 0 && list[size - 1].node == node)
      list[size - 1].delta += delta;
    else
      list[size++] = {node, delta};
  }
};

SumTree::SumTree(std::int64_t num_leaves) : num_leaves_(num_leaves) {
  CORVID_CHECK(num_leaves >= 1, "a tree needs a leaf");
  most_units_ =
      std::min(static_cast<std::int64_t>(kMost / kUnit), std::numeric_limits<std::int64_t>::max() / num_leaves);
  memory_ = Mapping(bytes_needed(num_leaves));
  auto* next = reinterpret_cast<std::int64_t*>(memory_.data());
  for (std::int64_t count = num_leaves; num_levels_ == 0 || count > 1; ++num_levels_) {
    count = num_parents(count);
    level_[static_cast<std::size_t>(num_levels_)] = next;
    next += count * kWidth;
  }
}

std::size_t SumTree::bytes_needed(std::int64_t num_leaves) {
  std::int64_t count = num_parents(num_leaves), nodes = count;
  while (count > 1) nodes += count = num_parents(count);
  return Mapping::rounded(static_cast<std::size_t>(nodes) * kWidth * sizeof(std::int64_t));
}

std::int64_t SumTree::units(std::int64_t leaf) const {
  const std::int64_t* const node = sums(0, leaf / kWidth);
  const std::int64_t place = leaf % kWidth;
  return node[place] - (place > 0 ? node[place - 1] : 0);
}

std::int64_t SumTree::to_units(float priority) const {
  CORVID_CHECK(priority >= 0, "a priority is negative or NaN");
  const double exact = std::min(static_cast<double>(priority) / kUnit, static_cast<double>(kMost / kUnit));
  const auto rounded = static_cast<std::int64_t>(exact + 0.5);
  return std::min(rounded == 0 && priority > 0 ? 1 : rounded, most_units_);
}

void SumTree::pass_up(Changes& changes) {
  for (int level = 1; level < num_levels_; ++level) {
    const std::size_t count = changes.size;
    changes.size = 0;
    for (std::size_t k = 0; k < count; ++k) {
      const Change change = changes.list[k];
      const std::int64_t node = change.node / kWidth;
      add(sums(level, node), change.node % kWidth, change.delta);
      changes.add(node, change.delta);
    }
  }
}

void SumTree::set(std::span<const std::int64_t> leaves, const float* priorities) {
  Changes changes;
  for (std::size_t first = 0; first < leaves.size(); first += kChunk) {
    const std::size_t last = std::min(first + kChunk, leaves.size());
    for (std::size_t k = first; k < last; ++k) {
      const std::int64_t leaf = leaves[k];
      CORVID_CHECK(leaf >= 0 && leaf < num_leaves_, "no such leaf");
      __builtin_prefetch(sums(0, leaf / kWidth), 1);
      if (num_levels_ > 1) __builtin_prefetch(sums(1, leaf / kWidth / kWidth), 1);
    }
    changes.size = 0;
    for (std::size_t k = first; k < last; ++k) {
      const std::int64_t leaf = leaves[k], delta = to_units(priorities[k]) - units(leaf);
      add(sums(0, leaf / kWidth), leaf % kWidth, delta);
      changes.add(leaf / kWidth, delta);
    }
    pass_up(changes);
  }
}

template <class Value>
void SumTree::assign(std::int64_t first, std::int64_t count, const Value& value) {
  CORVID_CHECK(first >= 0 && count >= 0 && first <= num_leaves_ - count, "no such leaves");
  Changes changes;
  for (std::int64_t node = first / kWidth; node * kWidth < first + count; ++node) {
    std::int64_t* const running = sums(0, node);
    const std::int64_t before = running[kWidth - 1];
    std::int64_t below = 0, sum = 0;  // running sums up to here, as they were and as they become
    for (std::int64_t i = 0; i < kWidth; ++i) {
      const std::int64_t k = node * kWidth + i - first, old = running[i] - below;
      below = running[i];
      sum += k >= 0 && k < count ? value(k) : old;
      running[i] = sum;
    }
    changes.add(node, sum - before);
    if (changes.size < kChunk && (node + 1) * kWidth < first + count) continue;
    pass_up(changes);
    changes.size = 0;
  }
}

void SumTree::fill(std::int64_t first, std::int64_t count, float priority) {
  const std::int64_t value = to_units(priority);
  assign(first, count, [value](std::int64_t) { return value; });
}

void SumTree::draw(Rng& rng, std::span<std::int64_t> leaves) const {
  const std::int64_t total = sums(num_levels_ - 1, 0)[kWidth - 1];
  CORVID_CHECK(total > 0, "nothing has a priority to be drawn by");
  const auto shares = static_cast<std::int64_t>(leaves.size());
  CORVID_CHECK(shares < std::int64_t{1} << 31, "too many draws at once");
  std::array<std::int64_t, kChunk> rest;
  for (std::size_t first = 0; first < leaves.size(); first += kChunk) {
    const std::size_t count = std::min<std::size_t>(kChunk, leaves.size() - first);
    // Unit (k total + u) / shares, u drawn from [0, total): over all k every unit is hit by as many u.
    for (std::size_t k = 0; k < count; ++k) {
      const auto share = static_cast<std::int64_t>(first + k);
      const auto part =
          static_cast<std::uint64_t>(share * (total % shares)) + static_cast<std::uint64_t>(rng.integers(0, total));
      rest[k] = share * (total / shares) + static_cast<std::int64_t>(part / static_cast<std::uint64_t>(shares));
      leaves[first + k] = 0;
    }
    for (int level = num_levels_ - 1; level >= 0; --level) {
      for (std::size_t k = 0; k < count; ++k) {
        const std::int64_t* const running = sums(level, leaves[first + k]);
        const std::int64_t child = find(running, rest[k]);
        rest[k] -= child > 0 ? running[child - 1] : 0;
        leaves[first + k] = leaves[first + k] * kWidth + child;
        if (level > 0) __builtin_prefetch(sums(level - 1, leaves[first + k]));
      }
    }
  }
}

void SumTree::visit(Archive& archive, std::string_view name, std::int64_t first, std::int64_t count) {
  std::vector<std::int64_t> values(static_cast<std::size_t>(count));
  for (std::int64_t k = 0; k < count; ++k) values[static_cast<std::size_t>(k)] = units(first + k);
  archive.array(name, DType::kInt64, {&count, 1}, values.data());
  if (!archive.loading()) return;
  for (const std::int64_t value : values) {
    if (value < 0 || value > most_units_) fail(ErrorKind::kBadFile, "saved priorities are damaged: ", value, " units");
  }
  assign(first, count, [&](std::int64_t k) { return values[static_cast<std::size_t>(k)]; });
}

bool SumTree::is_exact() const {
  for (int level = 1; level < num_levels_; ++level) {
    const std::int64_t* const below = sums(level - 1, 0);
    for (std::int64_t child = 0; child < (sums(level, 0) - below) / kWidth; ++child) {
      const std::int64_t* const running = sums(level, child / kWidth);
      const std::int64_t place = child % kWidth, sum = running[place] - (place > 0 ? running[place - 1] : 0);
      if (sum != below[child * kWidth + kWidth - 1]) return false;
    }
  }
  return true;
}

}  // namespace corvid
