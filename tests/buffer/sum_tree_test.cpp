#include "core/buffer/sum_tree.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "core/base/check.h"

namespace corvid {
namespace {

/// Numbers of draws against their expectation; under the hypothesis about chi-square with as many degrees of freedom as
/// there are positive priorities, less one.
double chi_square(const std::vector<double>& priorities, const std::vector<std::int64_t>& counts) {
  const double total = std::accumulate(priorities.begin(), priorities.end(), 0.0);
  const auto draws = static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}));
  double sum = 0;
  for (std::size_t leaf = 0; leaf < counts.size(); ++leaf) {
    const double expected = draws * priorities[leaf] / total;
    if (expected > 0)
      sum += (static_cast<double>(counts[leaf]) - expected) * (static_cast<double>(counts[leaf]) - expected) / expected;
  }
  return sum;
}

void set(SumTree& tree, std::int64_t leaf, float priority) { tree.set({&leaf, 1}, &priority); }

TEST(SumTree, RoundsToItsUnitAndAddsUp) {
  SumTree tree(10);
  EXPECT_EQ(tree.total(), 0);
  set(tree, 3, 0.5f);
  set(tree, 9, 2.25f);
  EXPECT_EQ(tree.priority(3), 0.5);
  EXPECT_EQ(tree.total(), 2.75);
  set(tree, 3, 1e-12f);  // positive, so it stays drawable
  EXPECT_EQ(tree.priority(3), SumTree::kUnit);
  set(tree, 3, 0);
  EXPECT_EQ(tree.priority(3), 0);
  set(tree, 3, 1.4f * static_cast<float>(SumTree::kUnit));
  EXPECT_EQ(tree.priority(3), SumTree::kUnit);
  set(tree, 3, 1e30f);
  EXPECT_EQ(tree.priority(3), SumTree::kMost);
  set(tree, 3, std::numeric_limits<float>::infinity());
  EXPECT_EQ(tree.priority(3), SumTree::kMost);
  EXPECT_EQ(tree.total(), SumTree::kMost + 2.25);
}

TEST(SumTree, KeepsTheLastOfALeafNamedTwice) {
  SumTree tree(100);
  const std::vector<std::int64_t> leaves = {7, 50, 7, 8, 50, 7};
  const std::vector<float> priorities = {1, 2, 3, 4, 5, 6};
  tree.set(leaves, priorities.data());
  EXPECT_EQ(tree.priority(7), 6);
  EXPECT_EQ(tree.priority(8), 4);
  EXPECT_EQ(tree.priority(50), 5);
  EXPECT_EQ(tree.total(), 15);
  EXPECT_TRUE(tree.is_exact());
}

TEST(SumTree, StaysExactOverAMillionUpdates) {
  constexpr std::int64_t kLeaves = 10'007;  // no power of 8
  SumTree tree(kLeaves);
  Rng rng(1);
  std::vector<double> expected(kLeaves);
  std::vector<std::int64_t> leaves(1000);
  std::vector<float> priorities(1000);
  for (int round = 0; round < 1000; ++round) {
    for (std::size_t k = 0; k < leaves.size(); ++k) {
      leaves[k] = rng.integers(0, kLeaves);
      priorities[k] = rng.integers(0, 10) == 0 ? 0.0f : static_cast<float>(std::exp(rng.uniform(-12, 12)));
      expected[static_cast<std::size_t>(leaves[k])] = static_cast<double>(priorities[k]);
    }
    tree.set(leaves, priorities.data());
    if (round % 100 == 0) {
      const std::int64_t first = rng.integers(0, kLeaves - 3000);
      tree.fill(first, 3000, 0.75f);
      std::fill_n(expected.begin() + first, 3000, 0.75);
    }
  }
  double sum = 0;
  for (std::int64_t leaf = 0; leaf < kLeaves; ++leaf) {
    const double exact = expected[static_cast<std::size_t>(leaf)];
    EXPECT_NEAR(tree.priority(leaf), exact, exact > 0 ? SumTree::kUnit : 0) << leaf;
    sum += tree.priority(leaf);  // below 2^53 units, so exact
  }
  EXPECT_EQ(tree.total(), sum);
  EXPECT_TRUE(tree.is_exact());
}

TEST(SumTree, FillsRangesLikeSingleLeaves) {
  for (const std::int64_t num_leaves : {1, 2, 7, 8, 9, 63, 64, 65, 513, 5000}) {
    SumTree ranges(num_leaves), singles(num_leaves);
    Rng rng(static_cast<std::uint64_t>(num_leaves));
    for (int k = 0; k < 50; ++k) {
      const std::int64_t first = rng.integers(0, num_leaves), count = rng.integers(0, num_leaves - first + 1);
      const auto priority = static_cast<float>(rng.uniform(0, 4));
      ranges.fill(first, count, priority);
      for (std::int64_t leaf = first; leaf < first + count; ++leaf) set(singles, leaf, priority);
    }
    for (std::int64_t leaf = 0; leaf < num_leaves; ++leaf) EXPECT_EQ(ranges.priority(leaf), singles.priority(leaf));
    EXPECT_EQ(ranges.total(), singles.total()) << num_leaves;
    EXPECT_TRUE(ranges.is_exact() && singles.is_exact()) << num_leaves;
  }
}

TEST(SumTree, DrawsInProportion) {
  // 100 leaves, a third of them without priority; 99.9 % of chi-square with 66 degrees of freedom is 107.3.
  std::vector<double> priorities(100);
  std::vector<std::int64_t> leaves(7), counts(100);
  SumTree tree(100);
  Rng rng(3);
  double degrees = -1;
  for (std::size_t leaf = 0; leaf < priorities.size(); ++leaf) {
    if (leaf % 3 != 1) priorities[leaf] = static_cast<double>(static_cast<float>(rng.uniform(0.01, 2)));
    set(tree, static_cast<std::int64_t>(leaf), static_cast<float>(priorities[leaf]));
    degrees += priorities[leaf] > 0;
  }
  ASSERT_EQ(degrees, 66);
  for (int k = 0; k < 30'000; ++k) {
    // One draw each: independent of each other, as chi-square wants it.
    tree.draw(rng, {leaves.data(), 1});
    ++counts[static_cast<std::size_t>(leaves[0])];
  }
  EXPECT_LT(chi_square(priorities, counts), 107.3);
  for (std::size_t leaf = 1; leaf < counts.size(); leaf += 3) EXPECT_EQ(counts[leaf], 0);

  // Strata can only bring the numbers nearer to their expectation, and they still draw each leaf as often.
  std::fill(counts.begin(), counts.end(), 0);
  for (int k = 0; k < 30'000; ++k) {
    tree.draw(rng, leaves);
    for (const std::int64_t leaf : leaves) ++counts[static_cast<std::size_t>(leaf)];
  }
  EXPECT_LT(chi_square(priorities, counts), 107.3);
  for (std::size_t leaf = 1; leaf < counts.size(); leaf += 3) EXPECT_EQ(counts[leaf], 0);
}

TEST(SumTree, DrawsOneFromEachShare) {
  // Equal priorities and as many draws as leaves: every leaf comes once, in order.
  SumTree tree(600);
  tree.fill(0, 600, 0.3f);
  Rng rng(4);
  std::vector<std::int64_t> leaves(600), expected(600);
  std::iota(expected.begin(), expected.end(), 0);
  tree.draw(rng, leaves);
  EXPECT_EQ(leaves, expected);
}

TEST(SumTree, UnitsAreDrawnEquallyOftenWhereSharesDoNotDivideThem) {
  // Three units shared by two draws: the middle one belongs half to each share.
  SumTree tree(3);
  tree.fill(0, 3, static_cast<float>(SumTree::kUnit));
  Rng rng(5);
  std::vector<std::int64_t> leaves(2), counts(3);
  for (int k = 0; k < 30'000; ++k) {
    tree.draw(rng, leaves);
    EXPECT_LE(leaves[0], 1);
    EXPECT_GE(leaves[1], 1);
    for (const std::int64_t leaf : leaves) ++counts[static_cast<std::size_t>(leaf)];
  }
  for (const std::int64_t count : counts) EXPECT_NEAR(static_cast<double>(count), 20'000, 350);
}

TEST(SumTree, DrawsTheFirstTheLastAndTheOnlyLeaf) {
  Rng rng(6);
  std::vector<std::int64_t> leaves(300);
  for (const std::int64_t num_leaves : {1, 2, 8, 9, 64, 100, 512, 513, 100'000}) {
    SumTree tree(num_leaves);
    for (const std::int64_t leaf : {std::int64_t{0}, num_leaves - 1, num_leaves / 2}) {
      tree.fill(0, num_leaves, 0);
      set(tree, leaf, static_cast<float>(SumTree::kUnit));
      tree.draw(rng, leaves);
      EXPECT_EQ(leaves, std::vector<std::int64_t>(300, leaf)) << num_leaves;
    }
  }
}

TEST(SumTree, CannotOverflow) {
  constexpr std::int64_t kLeaves = 1 << 24;
  SumTree tree(kLeaves);
  tree.fill(0, kLeaves, static_cast<float>(SumTree::kMost));
  // 2^43 / num_leaves, a unit less because 2^63 itself is no signed number.
  const double most = 0x1p43 / kLeaves - SumTree::kUnit;
  EXPECT_EQ(tree.priority(0), most);
  EXPECT_EQ(tree.priority(kLeaves - 1), most);
  EXPECT_EQ(tree.total(), most * kLeaves);
  EXPECT_TRUE(tree.is_exact());
  Rng rng(7);
  std::vector<std::int64_t> leaves(1 << 10);
  tree.draw(rng, leaves);
  for (std::size_t k = 0; k < leaves.size(); ++k) EXPECT_EQ(leaves[k] >> 14, static_cast<std::int64_t>(k));
  SumTree smaller(1 << 20);
  smaller.fill(0, 1 << 20, static_cast<float>(SumTree::kMost));
  EXPECT_EQ(smaller.total(), SumTree::kMost * (1 << 20));
}

TEST(SumTree, IsSavedAsItsLeaves) {
  SumTree first(77), second(77);
  Rng rng(8);
  for (std::int64_t leaf = 0; leaf < 77; ++leaf) set(first, leaf, static_cast<float>(rng.uniform(0, 3)));
  second.fill(0, 77, 9);
  BlobWriter writer;
  first.visit(writer);
  std::vector<std::byte> bytes = writer.take();
  EXPECT_EQ(bytes.size(), 77 * sizeof(std::int64_t));
  BlobReader reader(bytes);
  second.visit(reader);
  for (std::int64_t leaf = 0; leaf < 77; ++leaf) EXPECT_EQ(first.priority(leaf), second.priority(leaf));
  EXPECT_EQ(first.total(), second.total());
  EXPECT_TRUE(second.is_exact());

  bytes[7] = std::byte{0x80};  // the first priority becomes negative
  BlobReader damaged(bytes);
  EXPECT_THROW(second.visit(damaged), Error);
}

}  // namespace
}  // namespace corvid
