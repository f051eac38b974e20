#include "core/base/rng.h"

#include <gtest/gtest.h>

#include <bit>
#include <fstream>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include "core/base/archive.h"

namespace corvid {
namespace {

using Words = std::vector<std::uint64_t>;  // 64 bits a value, whatever its type

std::uint64_t bits(double value) { return std::bit_cast<std::uint64_t>(value); }
std::uint64_t bits(std::int64_t value) { return static_cast<std::uint64_t>(value); }

std::uint64_t fnv1a(const Words& words) {
  std::uint64_t digest = 14695981039346656037ULL;
  for (std::uint64_t word : words) digest = (digest ^ word) * 1099511628211ULL;
  return digest;
}

double read_double(std::istream& in) {
  std::string text;
  in >> text;
  return std::strtod(text.c_str(), nullptr);
}

/// Numbers 0 .. length - 1, shuffled.
void append_shuffled(Rng& rng, std::size_t length, Words& out) {
  std::vector<std::uint64_t> items(length);
  std::iota(items.begin(), items.end(), 0);
  rng.shuffle(std::span(items));
  out.insert(out.end(), items.begin(), items.end());
}

/// The operation of one golden line, `count` values of it.
Words draw(Rng& rng, std::uint64_t seed, std::istream& line, std::size_t count) {
  std::string operation;
  line >> operation;
  Words out;
  auto repeat = [&](auto next) {
    while (out.size() < count) out.push_back(next());
  };
  if (operation == "seed_sequence") {
    out.resize(count);
    seed_sequence(seed, out);
  } else if (operation == "next_uint64") {
    repeat([&] { return rng.next_uint64(); });
  } else if (operation == "next_uint32") {
    repeat([&] { return rng.next_uint32(); });
  } else if (operation == "random") {
    repeat([&] { return bits(rng.random()); });
  } else if (operation == "uniform") {
    const double low = read_double(line), high = read_double(line);
    repeat([&] { return bits(rng.uniform(low, high)); });
  } else if (operation == "standard_normal") {
    repeat([&] { return bits(rng.standard_normal()); });
  } else if (operation == "normal") {
    const double mean = read_double(line), std = read_double(line);
    repeat([&] { return bits(rng.normal(mean, std)); });
  } else if (operation == "integers") {
    std::int64_t low = 0, high = 0;
    line >> low >> high;
    repeat([&] { return bits(rng.integers(low, high)); });
  } else if (operation == "choice_p") {
    std::size_t n = 0;
    line >> n;
    std::vector<double> p(n);
    for (double& value : p) value = read_double(line);
    repeat([&] { return bits(rng.choice(p)); });
  } else if (operation == "choice") {
    std::int64_t n = 0;
    line >> n;
    repeat([&] { return bits(rng.integers(0, n)); });
  } else if (operation == "shuffle") {
    std::size_t length = 0;
    line >> length;
    for (int i = 0; i < 3; ++i) append_shuffled(rng, length, out);  // a list, an array, a permutation
  } else if (operation == "mixed") {
    const double p[] = {0.2, 0.3, 0.5};
    for (std::int64_t k = 0; k < 400; ++k) {
      out.push_back(bits(rng.integers(0, k + 1)));
      out.push_back(bits(rng.random()));
      out.push_back(bits(rng.integers(-9, 10)));
      out.push_back(bits(rng.integers(0, 1LL << 33)));
      out.push_back(bits(rng.standard_normal()));
      out.push_back(bits(rng.choice(p)));
      out.push_back(bits(rng.integers(0, k + 2)));
      out.push_back(bits(rng.uniform(-1, 1)));
    }
  } else {
    ADD_FAILURE() << "unknown operation " << operation;
  }
  return out;
}

TEST(Rng, DrawsEqualNumPysToTheLastBit) {
  std::ifstream file(CORVID_SOURCE_DIR "/tests/golden/rng.txt");
  ASSERT_TRUE(file) << "tests/golden/rng.txt is missing; tests/reference/make_rng_golden.py writes it";
  Rng rng;
  std::uint64_t seed = 0;
  int lines = 0;
  for (std::string text; std::getline(file, text);) {
    if (text.starts_with("#")) continue;
    if (text.starts_with("seed ")) {
      seed = std::stoull(text.substr(5));
      rng = Rng(seed);
      continue;
    }
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + text);
    const std::size_t colon = text.find(" : ");
    ASSERT_NE(colon, std::string::npos);
    std::istringstream operation(text.substr(0, colon)), recorded(text.substr(colon + 3));
    std::size_t count = 0;
    std::uint64_t digest = 0;
    recorded >> count >> std::hex >> digest;
    const Words drawn = draw(rng, seed, operation, count);
    ASSERT_EQ(drawn.size(), count);
    for (std::size_t k = 0; k < std::min<std::size_t>(count, 4); ++k) {
      std::uint64_t word = 0;
      recorded >> word;
      ASSERT_EQ(drawn[k], word) << "value " << k;
    }
    std::uint64_t last = 0;
    if (count > 0) {
      recorded >> last;
      ASSERT_EQ(drawn.back(), last) << "last value";
    }
    ASSERT_EQ(fnv1a(drawn), digest) << "a value between the fourth and the last";
    ++lines;
  }
  EXPECT_GT(lines, 400);
}

TEST(Rng, GoesOnWhereItWasSaved) {
  Rng rng(7);
  rng.next_uint32();  // leaves half a draw behind
  rng.standard_normal();
  BlobWriter writer;
  rng.visit(writer);
  const auto saved = writer.take();
  Rng other(99);
  BlobReader reader(saved);
  other.visit(reader);
  EXPECT_TRUE(reader.at_end());
  EXPECT_TRUE(rng == other);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(rng.next_uint32(), other.next_uint32());
}

}  // namespace
}  // namespace corvid
