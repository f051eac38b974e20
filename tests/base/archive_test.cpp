#include "core/base/archive.h"

#include <gtest/gtest.h>

#include "core/base/check.h"
#include "core/base/rng.h"

namespace corvid {
namespace {

enum class Color : std::uint8_t { kRed, kGreen };

struct Inner {
  std::int32_t count = 0;
  void visit(Archive& archive) { archive("count", count); }
  bool operator==(const Inner&) const = default;
};

struct Everything {
  bool flag = false;
  std::int64_t integer = 0;
  double number = 0;
  Color color = Color::kRed;
  std::string text;
  std::vector<float> floats;
  std::vector<std::byte> bytes;
  std::int32_t fixed[3] = {};
  Inner inner;

  void visit(Archive& archive) {
    archive("flag", flag);
    archive("integer", integer);
    archive("number", number);
    archive("color", color);
    archive("text", text);
    archive("floats", floats);
    archive("bytes", bytes);
    archive("fixed", fixed);
    archive("inner", inner);
  }
  bool operator==(const Everything&) const = default;
};

Everything example() {
  return {.flag = true,
          .integer = -5,
          .number = 0.1,
          .color = Color::kGreen,
          .text = std::string("a\0b", 3),
          .floats = {1.5f, -2.0f},
          .bytes = {std::byte{7}},
          .fixed = {1, 2, 3},
          .inner = {9}};
}

/// A number from 1 to 3, and a finite one.
struct Bounded {
  std::int32_t number = 1;
  double finite = 0;
  void visit(Archive& archive) {
    archive.between("number", number, 1, 3);
    archive.finite("finite", finite);
  }
};

std::vector<std::byte> written(Everything value) {
  BlobWriter writer;
  value.visit(writer);
  return writer.take();
}

TEST(Archive, ReadsBackWhatWasWritten) {
  const auto bytes = written(example());
  Everything loaded;
  loaded.floats = {9, 9, 9, 9};
  BlobReader reader(bytes);
  loaded.visit(reader);
  EXPECT_TRUE(loaded == example());
  EXPECT_TRUE(reader.at_end());
}

TEST(Archive, EmptyValuesSurvive) {
  Everything loaded = example();
  const auto bytes = written({});
  BlobReader reader(bytes);
  loaded.visit(reader);
  EXPECT_TRUE(loaded == Everything{});
}

TEST(Archive, EveryTruncationIsNoticed) {
  const auto bytes = written(example());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Everything loaded;
    BlobReader reader{std::span(bytes).first(size)};
    try {
      loaded.visit(reader);
      FAIL() << size << " bytes of " << bytes.size() << " were enough";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadFile);
    }
  }
}

TEST(Archive, LengthThatTheBytesCannotHoldIsRefusedBeforeMemoryIsTaken) {
  for (std::int64_t length : {std::int64_t{-1}, std::int64_t{2}, std::int64_t{1} << 60}) {
    std::vector<std::byte> bytes(9);  // the length, then one byte
    std::memcpy(bytes.data(), &length, sizeof length);
    BlobReader reader(bytes);
    std::vector<std::byte> loaded;
    EXPECT_THROW(reader.blob("loaded", loaded), Error) << length;
    EXPECT_EQ(loaded.capacity(), 0u);
  }
}

TEST(Archive, LeftOverBytesAreSeen) {
  auto bytes = written(example());
  bytes.push_back(std::byte{0});
  Everything loaded;
  BlobReader reader(bytes);
  loaded.visit(reader);
  EXPECT_FALSE(reader.at_end());
}

TEST(Archive, RestoredGeneratorGoesOnWithTheSameDraws) {
  Rng rng(3);
  rng.integers(0, 10);  // leaves half of a 64-bit draw behind
  BlobWriter writer;
  writer("rng", rng);
  const auto bytes = writer.take();
  Rng other(99);
  BlobReader reader(bytes);
  reader("rng", other);
  EXPECT_EQ(other, rng);
  for (int draw = 0; draw < 10; ++draw) EXPECT_EQ(other.integers(0, 1000), rng.integers(0, 1000));
}

/// Remembers the full names it is given.
class NameList : public Archive {
 public:
  bool loading() const override { return false; }
  void array(std::string_view name, DType, std::span<const std::int64_t>, void*) override {
    names.push_back(path(name));
  }
  void blob(std::string_view name, std::vector<std::byte>&) override { names.push_back(path(name)); }
  std::vector<std::string> names;
};

TEST(Archive, NamesNest) {
  NameList list;
  Everything value;
  list.scope("agent", [&] { list("state", value); });
  ASSERT_EQ(list.names.size(), 9u);
  EXPECT_EQ(list.names.front(), "agent/state/flag");
  EXPECT_EQ(list.names.back(), "agent/state/inner/count");
}

TEST(Archive, TypesHaveNumPysNamesAndSizes) {
  EXPECT_STREQ(dtype_name(dtype_of<float>()), "float32");
  EXPECT_STREQ(dtype_name(dtype_of<double>()), "float64");
  EXPECT_STREQ(dtype_name(dtype_of<std::uint8_t>()), "uint8");
  EXPECT_STREQ(dtype_name(dtype_of<std::int32_t>()), "int32");
  EXPECT_STREQ(dtype_name(dtype_of<std::int64_t>()), "int64");
  EXPECT_EQ(dtype_size(DType::kUint8) + dtype_size(DType::kInt32) + dtype_size(DType::kFloat64), 13u);
}

template <class T>
bool is_refused(T saved) {
  BlobWriter writer;
  saved.visit(writer);
  const std::vector<std::byte> bytes = writer.take();
  BlobReader reader(bytes);
  try {
    T().visit(reader);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadFile);
    return true;
  }
  return false;
}

TEST(Archive, RefusesNumbersOutsideTheirRange) {
  for (const int good : {1, 3}) EXPECT_FALSE(is_refused(Bounded{.number = good}));
  for (const int bad : {0, 4, -1}) EXPECT_TRUE(is_refused(Bounded{.number = bad}));
  EXPECT_FALSE(is_refused(Bounded{.finite = -1e300}));
  const double inf = std::numeric_limits<double>::infinity();
  for (const double bad : {inf, -inf, inf - inf}) EXPECT_TRUE(is_refused(Bounded{.finite = bad}));
}

TEST(Archive, RefusesBytesThatAreNoTruthValue) {
  std::vector<std::byte> bytes = written(example());
  bytes[0] = std::byte{2};  // Everything::flag
  BlobReader reader(bytes);
  Everything loaded;
  EXPECT_THROW(loaded.visit(reader), Error);
}

}  // namespace
}  // namespace corvid
