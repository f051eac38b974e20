// RandomState against numbers recorded from NumPy 2.4.6.
#include "core/base/random_state.h"

#include <gtest/gtest.h>

#include <bit>

#include "core/base/archive.h"
#include "core/base/check.h"

namespace corvid {
namespace {

/// FNV-1a over 64-bit words.
struct Digest {
  std::uint64_t hash = 14695981039346656037ULL;
  void add(std::uint64_t word) { hash = (hash ^ word) * 1099511628211ULL; }
};

struct Recorded {
  std::uint64_t seed;
  // 1500 of randint(0, 2**32), 1000 of rand(), 300 of randint over each range, drawn in this order.
  std::uint64_t words, reals, integers;
};

TEST(RandomState, EqualsNumPy) {
  const Recorded table[] = {
      {0, 0x58f8e8697f960fe3, 0x2c082be4408b7b33, 0x8daf0c65c19bfe24},
      {42, 0xd4e09565c3a61f7e, 0x494c97d3686eb5c6, 0xd1e09921dfd2bf2e},
      {4294967295, 0x39ee5bd80a28824, 0x9baa1bdc472082c5, 0xf113f8fc76ced2f8},
      {0x700000005, 0x9a0d70a7f0530dc7, 0x36e6712909331336, 0xcdc1271cd94b4eb7},  // RandomState([5, 7])
  };
  constexpr std::pair<int, int> kRanges[] = {{0, 1}, {0, 2}, {1, 9}, {-3, 5}, {0, 10}, {0, 1000}};
  for (const Recorded& row : table) {
    SCOPED_TRACE(row.seed);
    RandomState random(row.seed);
    Digest words, reals, integers;
    for (int k = 0; k < 1500; ++k) words.add(random.next_uint32());
    for (int k = 0; k < 1000; ++k) reals.add(std::bit_cast<std::uint64_t>(random.random()));
    for (const auto& [low, high] : kRanges) {
      for (int k = 0; k < 300; ++k) integers.add(static_cast<std::uint64_t>(random.randint(low, high)));
    }
    EXPECT_EQ(words.hash, row.words);
    EXPECT_EQ(reals.hash, row.reals);
    EXPECT_EQ(integers.hash, row.integers);
  }
}

TEST(RandomState, GoesOnFromWhereItWasSaved) {
  RandomState random(3);
  for (int k = 0; k < 700; ++k) random.next_uint32();
  BlobWriter writer;
  random.visit(writer);
  RandomState copy(9);
  const auto state = writer.take();
  BlobReader reader(state);
  copy.visit(reader);
  EXPECT_EQ(copy, random);
  for (int k = 0; k < 2000; ++k) ASSERT_EQ(copy.next_uint32(), random.next_uint32());
}

}  // namespace
}  // namespace corvid
