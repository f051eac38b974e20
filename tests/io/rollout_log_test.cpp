#include "core/io/rollout_log.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cmath>
#include <cstring>
#include <random>
#include <thread>

#include "core/io/checkpoint.h"
#include "core/io/hdf5_file.h"
#include "core/io/rollout_manifest.h"
#include "tests/io/io_testing.h"

namespace corvid {
namespace {

using testing::error_of;
using testing::Folder;
using testing::read_bytes;
using testing::write_bytes;

RolloutInfo vector_info(int num_envs) {
  RolloutInfo info;
  info.env_id = "Test-v0";
  info.env_options = "slippery=true";
  info.observation = Space::box(-1e9, 1e9, {2});
  info.action = Space::discrete(1000);
  info.base_seed = 7;
  info.num_envs = num_envs;
  info.config_toml = "gamma = 0.99\n";
  info.versions = {{"corvid", "0.1.0"}};
  return info;
}

// Writes steps whose every number follows from the global row r: obs (r, -r), action r % 1000, reward r. Episodes of
// environment i last 5 + i steps; even ones terminate, odd ones are truncated. final_obs is (r + 0.5, i).
class Source {
 public:
  explicit Source(int num_envs) : n_(static_cast<std::size_t>(num_envs)), age_(n_), episode_(n_) {}

  void append(RolloutLog& log) {
    const auto first = static_cast<double>(log.rows());
    std::vector<float> obs, final_obs, values, log_probs;
    std::vector<std::int64_t> actions;
    std::vector<double> rewards;
    std::vector<std::uint8_t> terminated, truncated;
    for (std::size_t i = 0; i < n_; ++i) {
      const double r = first + static_cast<double>(i);
      obs.insert(obs.end(), {static_cast<float>(r), static_cast<float>(-r)});
      final_obs.insert(final_obs.end(), {static_cast<float>(r + 0.5), static_cast<float>(i)});
      actions.push_back(static_cast<std::int64_t>(r) % 1000);
      rewards.push_back(r);
      values.push_back(static_cast<float>(2 * r));
      log_probs.push_back(static_cast<float>(-r));
      const bool ends = ++age_[i] == 5 + i;
      terminated.push_back(ends && episode_[i] % 2 == 0);
      truncated.push_back(ends && episode_[i] % 2 == 1);
      if (ends) {
        age_[i] = 0;
        ++episode_[i];
      }
    }
    RolloutStep step{.actions = actions.data(),
                     .rewards = rewards.data(),
                     .terminated = terminated.data(),
                     .truncated = truncated.data(),
                     .values = values.data(),
                     .log_probs = log_probs.data()};
    step.obs.leaf[0] = obs.data();
    step.final_obs.leaf[0] = final_obs.data();
    log.append(step);
  }

  void append(RolloutLog& log, int steps) {
    for (int t = 0; t < steps; ++t) append(log);
  }

 private:
  std::size_t n_;
  std::vector<std::size_t> age_, episode_;
};

template <class T>
std::vector<T> read_column(const std::filesystem::path& shard, const std::string& name) {
  Hdf5Reader file(shard);
  const Hdf5Dataset* dataset = file.find(name);
  if (dataset == nullptr) throw std::runtime_error("no dataset " + name);
  std::vector<T> values(static_cast<std::size_t>(dataset->bytes()) / sizeof(T));
  file.read(*dataset, values.data());
  return values;
}

bool has_open_shard(const Folder& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    if (entry.path().extension() == ".tmp") return true;
  }
  return false;
}

TEST(RolloutLog, KeepsEveryRowAcrossBlocksAndShards) {
  const Folder folder;
  {
    RolloutLog log(folder.path(), vector_info(3), {.rows_per_shard = 100, .rows_per_block = 16});
    Source(3).append(log, 75);  // 225 rows: shards of 102, 102 and 21
    log.close();
    EXPECT_EQ(log.rows(), 225);
    EXPECT_EQ(log.shards(), 3);
    EXPECT_THROW(Source(3).append(log), std::logic_error);
  }
  const std::int64_t rows[] = {102, 102, 21}, firsts[] = {0, 102, 204};
  for (std::size_t k = 0; k < 3; ++k) {
    const auto path = folder / shard_name(static_cast<std::int64_t>(k));
    const ShardSummary shard = read_shard(path);
    EXPECT_EQ(shard.rows, rows[k]);
    EXPECT_EQ(shard.first_row, firsts[k]);
    const auto rewards = read_column<double>(path, "rewards");
    const auto obs = read_column<float>(path, "observations");
    for (std::size_t r = 0; r < rewards.size(); ++r) {
      const double global = static_cast<double>(firsts[k]) + static_cast<double>(r);
      ASSERT_EQ(rewards[r], global);
      ASSERT_EQ(obs[2 * r + 1], static_cast<float>(-global));
    }
  }
  EXPECT_FALSE(has_open_shard(folder));
}

TEST(RolloutLog, CountsEpisodesAndKeepsTrueLastObservations) {
  const Folder folder;
  RolloutLog log(folder.path(), vector_info(2));
  Source(2).append(log, 12);
  log.close_shard();
  const auto path = folder / shard_name(0);
  // Environment 0 ends after its steps 5 and 10, environment 1 after 6 and 12; row = 2 * step + environment.
  EXPECT_EQ(read_column<std::int64_t>(path, "final_rows"), (std::vector<std::int64_t>{8, 11, 18, 23}));
  EXPECT_EQ(read_column<float>(path, "final_observations"), (std::vector<float>{8.5, 0, 11.5, 1, 18.5, 0, 23.5, 1}));
  const auto episode = read_column<std::int64_t>(path, "episode");
  const auto step = read_column<std::int32_t>(path, "step");
  EXPECT_EQ(episode[8], 0);
  EXPECT_EQ(step[8], 4);
  EXPECT_EQ(episode[10], 1);
  EXPECT_EQ(step[10], 0);
  EXPECT_EQ(episode[23], 1);
  EXPECT_EQ(step[23], 5);

  const ShardSummary summary = read_shard(path);
  EXPECT_EQ(summary.episodes, 4);
  EXPECT_EQ(summary.complete_episodes, 4);
  // Sums of rows: 0+2+4+6+8, 1+3+...+11, 10+...+18, 13+...+23.
  EXPECT_EQ(summary.mean_return, (20 + 36 + 70 + 108) / 4.0);
  const auto lines = describe_rollouts(folder.path());
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_NE(lines[1].find("Test-v0: 1 shards, 24 rows"), std::string::npos) << lines[1];
}

TEST(RolloutLog, H5pyReadsValuesTypesAndAttributes) {
  CORVID_NEEDS_PYTHON();
  const Folder folder;
  RolloutInfo info = vector_info(3);
  info.has_values = info.has_log_probs = true;
  RolloutLog log(folder / "vector", info, {.rows_per_shard = 150, .rows_per_block = 30});
  Source(3).append(log, 100);
  log.close();

  // A dictionary of an image too large for an attribute of fixed length and a number; continuous actions.
  RolloutInfo dict;
  dict.env_id = "Dict-v0";
  dict.num_envs = 2;
  dict.observation =
      Space::dict({{"image", Space::box(0, 255, {84, 84, 3}, DType::kUint8)}, {"goal", Space::discrete(9)}});
  dict.action = Space::box({-1, -1}, {1, 1});
  RolloutLog dict_log(folder / "dict", dict);
  std::vector<std::uint8_t> images(2 * 84 * 84 * 3, 200), final_images(images.size(), 100);
  std::vector<std::int64_t> goals{4, 5}, final_goals{6, 7};
  const float actions[] = {0.5, -0.5, 0.25, -0.25};
  const double rewards[] = {1, -1};
  const std::uint8_t no[] = {0, 0}, second[] = {0, 1};
  RolloutStep step{.actions = actions, .rewards = rewards, .terminated = second, .truncated = no};
  step.obs.leaf = {images.data(), goals.data()};
  step.final_obs.leaf = {final_images.data(), final_goals.data()};
  dict_log.append(step);
  dict_log.close();

  const auto result = testing::run_python("check_rollouts.py", folder.path().string());
  EXPECT_EQ(result.code, 0) << result.output;
}

TEST(RolloutLog, ClosesAShardThatHasBeenOpenTooLong) {
  const Folder folder;
  RolloutLog log(folder.path(), vector_info(2), {.max_open_seconds = 0.05});
  Source(2).append(log, 3);
  for (int i = 0; i < 500 && log.shards() == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(log.shards(), 1);
  EXPECT_EQ(read_shard(folder / shard_name(0)).rows, 6);
}

TEST(RolloutLog, ClosingWithoutRowsMakesNoShard) {
  const Folder folder;
  RolloutLog log(folder.path(), vector_info(2));
  log.close_shard();
  log.close();
  EXPECT_EQ(log.shards(), 0);
  EXPECT_NE(error_of([&] { describe_rollouts(folder.path()); }), "");
}

TEST(RolloutLog, ResumeRemovesNewerShardsAndWritesThemAgainTheSame) {
  const Folder folder;
  const auto rollouts = folder / "rollouts";
  const RolloutOptions options{.rows_per_shard = 60, .rows_per_block = 20};
  Source source(2);
  Source resumed(2);
  {
    RolloutLog log(rollouts, vector_info(2), options);
    source.append(log, 37);
    resumed = source;
    save_checkpoint(folder / "last.h5", {}, [&](Archive& a) { log.visit(a); });
    EXPECT_EQ(log.shards(), 2);  // 60 and 14 rows
    source.append(log, 70);
  }
  std::vector<std::string> first;
  for (int k = 0; k < 5; ++k) first.push_back(read_bytes(rollouts / shard_name(k)));
  const std::string manifest = read_bytes(rollouts / "manifest.json");
  {
    RolloutLog log(rollouts, vector_info(2), options);
    load_checkpoint(folder / "last.h5", [&](Archive& a) { log.visit(a); });
    EXPECT_EQ(log.rows(), 74);
    EXPECT_EQ(log.shards(), 2);
    EXPECT_FALSE(std::filesystem::exists(rollouts / shard_name(2)));
    resumed.append(log, 70);
  }
  for (int k = 0; k < 5; ++k)
    EXPECT_TRUE(read_bytes(rollouts / shard_name(k)) == first[static_cast<std::size_t>(k)]) << k;
  EXPECT_EQ(read_bytes(rollouts / "manifest.json"), manifest);
}

TEST(RolloutLog, RefusesACheckpointOfOtherRollouts) {
  const Folder folder;
  {
    RolloutLog log(folder / "a", vector_info(2));
    Source(2).append(log, 3);
    save_checkpoint(folder / "last.h5", {}, [&](Archive& a) { log.visit(a); });
  }
  RolloutLog empty(folder / "b", vector_info(2));
  const std::string text = error_of([&] { load_checkpoint(folder / "last.h5", [&](Archive& a) { empty.visit(a); }); });
  EXPECT_NE(text.find("holds 0 closed shards, the checkpoint expects 1"), std::string::npos) << text;
  RolloutLog wider(folder / "c", vector_info(3));
  EXPECT_NE(error_of([&] { load_checkpoint(folder / "last.h5", [&](Archive& a) { wider.visit(a); }); }), "");
}

TEST(RolloutLog, GoesOnAfterTheShardsOfAnEarlierRun) {
  const Folder folder;
  for (int run = 0; run < 2; ++run) {
    RolloutLog log(folder.path(), vector_info(2));
    EXPECT_EQ(log.rows(), 14 * run);
    EXPECT_EQ(log.recovered(), "");
    Source(2).append(log, 7);
  }
  // Environment 0 had begun episode 1 and environment 1 too; the second run starts with episode 2.
  const auto episode = read_column<std::int64_t>(folder / shard_name(1), "episode");
  EXPECT_EQ(episode[0], 2);
  EXPECT_EQ(episode[1], 2);
  EXPECT_EQ(read_column<std::int32_t>(folder / shard_name(1), "step")[0], 0);
}

TEST(RolloutLog, ReportsWhatAKilledRunLeft) {
  const Folder folder;
  const RolloutOptions options{.rows_per_shard = 10};
  {
    RolloutLog log(folder.path(), vector_info(2), options);
    Source(2).append(log, 15);
  }
  // As if killed before the third shard was listed, with a fourth open.
  RolloutManifest manifest = read_manifest(folder.path());
  ASSERT_EQ(manifest.shards.size(), 3U);
  manifest.shards.pop_back();
  write_manifest(folder.path(), manifest);
  write_bytes(folder / "shard-000003.h5.tmp", "half a shard");
  {
    RolloutLog log(folder.path(), vector_info(2), options);
    EXPECT_NE(log.recovered().find("removed shard-000003.h5.tmp (12 bytes)"), std::string::npos) << log.recovered();
    EXPECT_NE(log.recovered().find("listed shard-000002.h5"), std::string::npos) << log.recovered();
    EXPECT_EQ(log.rows(), 30);
  }
  write_bytes(folder / "shard-000003.h5", "damaged");
  RolloutLog log(folder.path(), vector_info(2), options);
  EXPECT_NE(log.recovered().find("renamed shard-000003.h5 to shard-000003.h5.damaged"), std::string::npos)
      << log.recovered();
  EXPECT_EQ(read_bytes(folder / "shard-000003.h5.damaged"), "damaged");
  EXPECT_EQ(log.rows(), 30);
}

TEST(RolloutLog, RefusesAFolderOfAnotherRunOrEnvironment) {
  const Folder folder;
  RolloutLog log(folder.path(), vector_info(2));
  Source(2).append(log, 3);
  log.close_shard();
  EXPECT_NE(error_of([&] { RolloutLog(folder.path(), vector_info(2)); }, ErrorKind::kUsage).find("another run"),
            std::string::npos);
  RolloutInfo other = vector_info(2);
  other.env_id = "Other-v0";
  const Folder copy;
  std::filesystem::copy(folder.path(), copy.path(), std::filesystem::copy_options::recursive);
  EXPECT_NE(error_of([&] { RolloutLog(copy.path(), other); }, ErrorKind::kUsage).find("holds rollouts of Test-v0"),
            std::string::npos);
}

TEST(RolloutLog, DamagedShardsAndManifestsAreRefused) {
  const Folder folder;
  {
    RolloutLog log(folder.path(), vector_info(2));
    Source(2).append(log, 20);
  }
  const auto path = folder / shard_name(0);
  const std::string whole = read_bytes(path);
  for (std::size_t at = 0; at < whole.size(); at += 1 + whole.size() / 300) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    write_bytes(path, damaged);
    ASSERT_NE(error_of([&] { read_shard(path); }), "") << at;
    write_bytes(path, whole.substr(0, at));
    ASSERT_NE(error_of([&] { read_shard(path); }), "") << at;
  }
  write_bytes(path, whole);
  EXPECT_EQ(read_shard(path).rows, 40);

  // A whole shard, but not the one that the manifest lists.
  const Folder other;
  {
    RolloutLog log(other.path(), vector_info(2));
    Source(2).append(log, 21);
  }
  write_bytes(path, read_bytes(other / shard_name(0)));
  EXPECT_NE(error_of([&] { read_shard(path); }).find("manifest.json lists"), std::string::npos);

  for (const char* text :
       {"", "{", "[]", "{\"format\": \"corvid rollouts\"}",
        "{\"format\": \"corvid rollouts\", \"version\": 1, "
        "\"env_id\": \"x\", \"next_episodes\": [], \"shards\": [{\"file\": \"../x\", \"bytes\": 1, \"crc32\": 1, "
        "\"rows\": 1, \"first_step\": 0, \"last_step\": 0}]}"}) {
    write_bytes(folder / "manifest.json", text);
    EXPECT_NE(error_of([&] { RolloutLog(folder.path(), vector_info(2)); }).find("manifest.json is damaged"),
              std::string::npos)
        << text;
  }
}

TEST(RolloutLog, AFullDiskIsOneClearErrorThatStays) {
  for (const rlim_t limit : {0, 400, 3000, 20'000, 100'000}) {
    const Folder folder;
    {
      RolloutLog log(folder.path(), vector_info(4), {.rows_per_shard = 40'000, .rows_per_block = 512});
      std::string text, again, closing;
      {
        const testing::FileSizeLimit full(limit);
        Source source(4);
        text = error_of(
            [&] {
              source.append(log, 20'000);
              log.close_shard();
            },
            ErrorKind::kFailed);
        again = error_of([&] { source.append(log); }, ErrorKind::kFailed);
        closing = error_of([&] { log.close(); }, ErrorKind::kFailed);
      }
      EXPECT_NE(text.find("File too large"), std::string::npos) << limit << ": " << text;
      EXPECT_EQ(again, text);  // also when there is room again
      EXPECT_EQ(closing, text);
    }
    EXPECT_FALSE(has_open_shard(folder));
    RolloutLog log(folder.path(), vector_info(4));  // starting anew works
    EXPECT_EQ(log.rows(), 0);
    Source(4).append(log, 10);
    log.close();
    EXPECT_EQ(read_shard(folder / shard_name(0)).rows, 40);
  }
}

struct SmallDisk {
  explicit SmallDisk(const std::filesystem::path& at) : path(at.string()) {
    mounted = std::system(("mount -t tmpfs -o size=512k tmpfs '" + path + "' 2>/dev/null").c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted && std::system(("umount '" + path + "'").c_str()) != 0) ADD_FAILURE() << "cannot unmount " << path;
  }
  std::string path;
  bool mounted = false;
};

TEST(RolloutLog, AFullFileSystemLeavesClosedShardsReadable) {
  const Folder folder;
  const SmallDisk disk(folder.path());
  if (!disk.mounted) GTEST_SKIP() << "mounting a small tmpfs needs root";
  {
    RolloutLog log(folder.path(), vector_info(4), {.rows_per_shard = 2000, .rows_per_block = 200});
    Source source(4);
    const std::string text = error_of(
        [&] {
          source.append(log, 20'000);
          log.close();
        },
        ErrorKind::kFailed);
    EXPECT_NE(text.find("No space left on device"), std::string::npos) << text;
  }
  const RolloutManifest manifest = read_manifest(folder.path());
  EXPECT_GE(manifest.shards.size(), 2U);
  for (const ManifestShard& shard : manifest.shards) EXPECT_EQ(read_shard(folder / shard.file).rows, 2000);
}

// A child appends until it is killed at a random moment; what it had appended is known from shared memory.
TEST(RolloutLog, AKillCostsAtMostTheOpenShardAndWhatWaits) {
  const Folder folder;
  constexpr int kEnvs = 4;
  const RolloutOptions options{.rows_per_shard = 2000, .rows_per_block = 200};
  constexpr std::int64_t kMaxLoss = 2000 + 66 * 200;  // the open shard, 64 waiting blocks, one under way, one filling
  auto* appended =
      static_cast<std::int64_t*>(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  std::mt19937 random(12345);
  std::size_t checked = 0;
  for (int round = 0; round < 40; ++round) {
    *appended = 0;
    const pid_t child = ::fork();
    if (child == 0) {
      try {
        RolloutLog log(folder.path(), vector_info(kEnvs), options);
        Source source(kEnvs);
        while (true) {
          source.append(log);
          __atomic_store_n(appended, log.rows(), __ATOMIC_SEQ_CST);
        }
      } catch (...) {
        ::_exit(1);
      }
    }
    // Progress, not time, decides: a slow machine must not make the test empty.
    const std::int64_t target = static_cast<std::int64_t>(checked) * 2000 + random() % 30'000;
    for (int wait = 0; wait < 20'000 && __atomic_load_n(appended, __ATOMIC_SEQ_CST) < target; ++wait) ::usleep(500);
    ::usleep(random() % 5000);
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer failed by itself in round " << round;

    const RolloutManifest manifest = read_manifest(folder.path());
    ASSERT_LE(*appended - manifest.rows(), kMaxLoss) << "round " << round;
    for (; checked < manifest.shards.size(); ++checked) {
      const ManifestShard& shard = manifest.shards[checked];
      const ShardSummary summary = read_shard(folder / shard.file);
      ASSERT_EQ(summary.rows, 2000);
      const auto rewards = read_column<double>(folder / shard.file, "rewards");
      for (std::size_t r = 0; r < rewards.size(); ++r)
        ASSERT_EQ(rewards[r], static_cast<double>(shard.first_step) + static_cast<double>(r));
    }
  }
  ::munmap(appended, 4096);
  EXPECT_GT(checked, 10U) << "too few shards to prove anything";

  RolloutLog log(folder.path(), vector_info(kEnvs), options);
  EXPECT_GE(log.rows(), static_cast<std::int64_t>(checked) * 2000);
  Source(kEnvs).append(log, 10);
  log.close();
}

}  // namespace
}  // namespace corvid
