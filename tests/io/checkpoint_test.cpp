#include "core/io/checkpoint.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "core/base/rng.h"
#include "tests/io/io_testing.h"

namespace corvid {
namespace {

using testing::error_of;
using testing::Folder;
using testing::read_bytes;
using testing::write_bytes;

struct Part {
  std::uint8_t flags[3] = {0, 0, 0};
  std::string text;
  void visit(Archive& a) {
    a("flags", flags);
    a("text", text);
  }
};

struct Everything {
  std::int64_t steps = 0;
  std::int32_t small = 0;
  bool yes = false;
  float single = 0;
  double precise = 0;
  std::vector<float> weights = std::vector<float>(6);  // visited as [2, 3]
  std::vector<std::int64_t> counts;
  std::vector<std::byte> blob, empty_blob;
  float none = 0;  // visited as an array [0, 4]
  Rng rng{1};
  Part part;

  void visit(Archive& a) {
    a("steps", steps);
    a("small", small);
    a("yes", yes);
    a("single", single);
    a("precise", precise);
    const std::int64_t matrix[] = {2, 3}, nothing[] = {0, 4};
    a.array("net/weights", DType::kFloat32, matrix, weights.data());
    a.array("none", DType::kFloat32, nothing, &none);
    a("counts", counts);
    a("blob", blob);
    a("empty_blob", empty_blob);
    a("rng", rng);
    a("part", part);
  }
};

Everything filled() {
  Everything e;
  e.steps = std::numeric_limits<std::int64_t>::min() + 7;
  e.small = -5;
  e.yes = true;
  e.single = 1.5e-42F;  // denormal
  e.precise = 0.1;
  e.weights = {1, 2, 3, -0.0F, std::numeric_limits<float>::infinity(), 6.25F};
  e.counts = {3, -4, 5};
  e.blob = {std::byte{0}, std::byte{255}, std::byte{7}};
  e.rng = Rng(99);
  e.rng.next_uint32();
  e.part.flags[1] = 200;
  e.part.text = "lines\nand \xc3\xbc";
  return e;
}

CheckpointInfo example_info() {
  return {.agent = "ppo",
          .env = "CartPole-v1",
          .config_toml = "gamma = 0.99\n",
          .step = 12345,
          .versions = {{"corvid", "0.1.0"}}};
}

void save(const std::filesystem::path& path, Everything e = filled()) {
  save_checkpoint(path, example_info(), [&](Archive& a) { e.visit(a); });
}

TEST(Checkpoint, LoadsEveryTypeShapeBlobAndScopeAsSaved) {
  const Folder folder;
  save(folder / "last.h5");
  Everything loaded;
  const CheckpointInfo info = load_checkpoint(folder / "last.h5", [&](Archive& a) { loaded.visit(a); });
  const Everything expected = filled();
  EXPECT_EQ(loaded.steps, expected.steps);
  EXPECT_EQ(loaded.small, -5);
  EXPECT_TRUE(loaded.yes);
  EXPECT_EQ(loaded.single, 1.5e-42F);
  EXPECT_EQ(loaded.precise, 0.1);
  EXPECT_EQ(std::memcmp(loaded.weights.data(), expected.weights.data(), 24), 0);  // -0.0 and inf to the bit
  EXPECT_EQ(loaded.counts, expected.counts);
  EXPECT_EQ(loaded.blob, expected.blob);
  EXPECT_TRUE(loaded.empty_blob.empty());
  EXPECT_EQ(loaded.rng, expected.rng);
  EXPECT_EQ(loaded.part.flags[1], 200);
  EXPECT_EQ(loaded.part.text, expected.part.text);
  EXPECT_EQ(info.agent, "ppo");
  EXPECT_EQ(info.env, "CartPole-v1");
  EXPECT_EQ(info.config_toml, "gamma = 0.99\n");
  EXPECT_EQ(info.step, 12345);
  EXPECT_EQ(info.versions, example_info().versions);
}

TEST(Checkpoint, SameStateGivesTheSameBytes) {
  const Folder folder;
  save(folder / "a.h5");
  save(folder / "b.h5");
  EXPECT_EQ(read_bytes(folder / "a.h5"), read_bytes(folder / "b.h5"));
}

TEST(Checkpoint, KeepsALargeConfig) {
  const Folder folder;
  CheckpointInfo info = example_info();
  info.config_toml.assign(200'000, '#');
  save_checkpoint(folder / "c.h5", info, [](Archive&) {});
  EXPECT_EQ(read_checkpoint_info(folder / "c.h5").config_toml, info.config_toml);
}

TEST(Checkpoint, LeavesNoOtherFileInTheFolder) {
  const Folder folder;
  write_bytes(folder / ".last.h5.tmp999999999", "left by a killed run");
  save(folder / "last.h5");
  save(folder / "last.h5");
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) files += entry.is_regular_file();
  EXPECT_EQ(files, 1);
}

TEST(Checkpoint, NamesFieldExpectedAndGotWhenTheyDiffer) {
  const Folder folder;
  const auto file = folder / "x.h5";
  float three[3] = {1, 2, 3};
  save_checkpoint(file, {}, [&](Archive& a) { a.scope("net", [&] { a("bias", three); }); });

  float four[4] = {};
  std::string text = error_of([&] { load_checkpoint(file, [&](Archive& a) { a("net/bias", four); }); });
  EXPECT_NE(text.find("x.h5: field 'net/bias' differs: expected float32 [4], got float32 [3]"), std::string::npos)
      << text;

  double doubles[3] = {};
  text = error_of([&] { load_checkpoint(file, [&](Archive& a) { a("net/bias", doubles); }); });
  EXPECT_NE(text.find("expected float64 [3], got float32 [3]"), std::string::npos) << text;

  text = error_of([&] { load_checkpoint(file, [&](Archive& a) { a("net/bais", three); }); });
  EXPECT_NE(text.find("field 'net/bais' is missing: expected float32 [3], got nothing; did you mean 'net/bias'"),
            std::string::npos)
      << text;

  std::string blob;
  text = error_of([&] { load_checkpoint(file, [&](Archive& a) { a("net/bias", blob); }); });
  EXPECT_NE(text.find("expected uint8 [any length], got float32 [3]"), std::string::npos) << text;

  text = error_of([&] { load_checkpoint(file, [&](Archive&) {}); });
  EXPECT_NE(text.find("holds fields that were not expected: 'net/bias'"), std::string::npos) << text;
}

// Loads, and expects an Error before the first visit.
std::string refuse(const std::filesystem::path& path) {
  bool visited = false;
  const std::string text = error_of([&] { load_checkpoint(path, [&](Archive&) { visited = true; }); });
  EXPECT_FALSE(visited);
  EXPECT_NE(text.find(path.filename().string()), std::string::npos) << "the error must name the file: " << text;
  return text;
}

TEST(Checkpoint, RefusesEveryTruncation) {
  const Folder folder;
  const auto file = folder / "t.h5";
  save(file);
  const std::string whole = read_bytes(file);
  for (std::size_t length = 0; length < whole.size(); length += length < 1100 ? 1 : 37) {
    write_bytes(file, whole.substr(0, length));
    ASSERT_NE(refuse(file), "") << "cut to " << length;
  }
  write_bytes(file, whole + '\0');
  EXPECT_NE(refuse(file), "");
}

TEST(Checkpoint, RefusesEveryFlippedBit) {
  const Folder folder;
  const auto file = folder / "f.h5";
  save(file);
  const std::string whole = read_bytes(file);
  for (std::size_t at = 0; at < whole.size(); at += at < 1100 ? 1 : 11) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    write_bytes(file, damaged);
    ASSERT_NE(refuse(file), "") << "bit flipped in byte " << at;
  }
}

TEST(Checkpoint, SaysWhatIsWrongWithOtherFiles) {
  const Folder folder;
  EXPECT_NE(refuse(folder / "missing.h5").find("does not exist"), std::string::npos);
  std::filesystem::create_directory(folder / "dir.h5");
  EXPECT_NE(refuse(folder / "dir.h5").find("is a folder"), std::string::npos);
  write_bytes(folder / "empty.h5", "");
  EXPECT_NE(refuse(folder / "empty.h5").find("is empty"), std::string::npos);
  write_bytes(folder / "text.h5", "agent = ppo\n");
  EXPECT_NE(refuse(folder / "text.h5").find("is no Corvid checkpoint"), std::string::npos);
  write_bytes(folder / "newer.h5", "CORVID FILE 2\nkind checkpoint\n");
  EXPECT_NE(refuse(folder / "newer.h5").find("another file format (2), this program reads format 1"),
            std::string::npos);
  write_bytes(folder / "shard.h5", "CORVID FILE 1\nkind rollout shard\n");
  EXPECT_NE(refuse(folder / "shard.h5").find("'kind rollout shard'"), std::string::npos);
  ASSERT_EQ(::mkfifo((folder / "pipe.h5").c_str(), 0600), 0);
  EXPECT_NE(refuse(folder / "pipe.h5").find("not a regular file"), std::string::npos);
}

TEST(Checkpoint, PythonReadsItAndItsForgeriesAreRefused) {
  CORVID_NEEDS_PYTHON();
  const Folder folder;
  save(folder / "good.h5");
  const auto result = testing::run_python("check_checkpoint.py", folder.path().string());
  ASSERT_EQ(result.code, 0) << result.output;
  // The script wrote sealed files with contents that Corvid never writes.
  const std::pair<const char*, const char*> forged[] = {{"plain.h5", "no Corvid marker"},
                                                        {"unmarked.h5", "attribute 'format'"},
                                                        {"soft.h5", "link to elsewhere"},
                                                        {"external_link.h5", "link to elsewhere"},
                                                        {"external_data.h5", "another file"},
                                                        {"virtual.h5", "virtual dataset"},
                                                        {"gzip.h5", "filter 1"},
                                                        {"huge.h5", "claims more bytes"},
                                                        {"type.h5", "type that Corvid does not"},
                                                        {"checksum.h5", "does not fit its checksum"},
                                                        {"no_checksum.h5", "has no checksum"},
                                                        {"version.h5", "checkpoint format 1"}};
  for (const auto& [name, reason] : forged) {
    const std::string text = refuse(folder / name);
    EXPECT_NE(text.find(reason), std::string::npos) << name << ": " << text;
  }
}

TEST(Checkpoint, FullDiskLeavesTheOldFileAndAClearError) {
  const Folder folder;
  const auto file = folder / "last.h5";
  save(file);
  const std::string before = read_bytes(file);
  std::vector<double> large(100'000, 1.0);  // 800 kB
  for (const rlim_t limit : {0, 100, 512, 600, 2000, 4096, 65536, 300000, 799999}) {
    std::string text;
    {
      const testing::FileSizeLimit full(limit);
      text = error_of(
          [&] {
            save_checkpoint(file, {}, [&](Archive& a) {
              a("large", large);
              a("after", large);
            });
          },
          ErrorKind::kFailed);
    }
    EXPECT_NE(text.find("File too large"), std::string::npos) << limit << ": " << text;
    EXPECT_EQ(read_bytes(file), before);
  }
  save(folder / "again.h5");  // the library still works
  EXPECT_EQ(read_bytes(folder / "again.h5"), before);
}

TEST(Checkpoint, AVisitThatThrowsLeavesTheOldFile) {
  const Folder folder;
  save(folder / "last.h5");
  const std::string before = read_bytes(folder / "last.h5");
  std::int64_t one = 1;
  EXPECT_THROW(save_checkpoint(folder / "last.h5", {},
                               [&](Archive& a) {
                                 a("one", one);
                                 throw std::bad_alloc();
                               }),
               std::bad_alloc);
  EXPECT_THROW(save_checkpoint(folder / "last.h5", {},
                               [&](Archive& a) {
                                 a("one", one);
                                 a("one", one);
                               }),
               Error);
  EXPECT_THROW(save_checkpoint(folder / "last.h5", {}, [&](Archive& a) { a("a/../one", one); }), std::logic_error);
  EXPECT_EQ(read_bytes(folder / "last.h5"), before);
}

}  // namespace
}  // namespace corvid
