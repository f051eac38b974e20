#include "core/io/rollout_read.h"

#include <algorithm>
#include <limits>
#include <sstream>

#include "core/base/check.h"
#include "core/base/fields.h"
#include "core/io/hdf5_file.h"
#include "core/io/rollout_shard.h"
#include "core/io/seal.h"

namespace corvid {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kRowsAtOnce = 1 << 16;

const Hdf5Dataset& column(const fs::path& path, const Hdf5Reader& file, const std::string& name, DType dtype,
                          bool is_bool, std::int64_t rows) {
  const std::int64_t shape[] = {rows};
  const Hdf5Dataset* found = file.find(name);
  const std::string expected = describe(dtype, shape, is_bool);
  const std::string got = found ? describe(found->dtype, found->shape, found->is_bool) : "nothing";
  if (got != expected) fail(ErrorKind::kBadFile, path.string(), ": '", name, "': expected ", expected, ", got ", got);
  return *found;
}

// Every column must have as many rows as the others.
std::int64_t count_rows(const fs::path& path, const Hdf5Reader& file) {
  const Hdf5Dataset* rewards = file.find("rewards");
  if (rewards == nullptr || rewards->shape.size() != 1)
    fail(ErrorKind::kBadFile, path.string(), ": has no column 'rewards'");
  const std::int64_t rows = rewards->shape[0];
  for (const Hdf5Dataset& dataset : file.datasets()) {
    if (dataset.name.starts_with("final_")) continue;
    if (dataset.shape.empty() || dataset.shape[0] != rows) {
      fail(ErrorKind::kBadFile, path.string(), ": '", dataset.name, "' is ", describe(dataset.dtype, dataset.shape),
           ", expected ", rows, " rows");
    }
  }
  return rows;
}

// Goes through the rows and counts episodes and returns.
class EpisodeScan {
 public:
  EpisodeScan(const fs::path& path, std::int64_t num_envs) : path_(path) {
    returns_.resize(static_cast<std::size_t>(num_envs));
    from_start_.resize(returns_.size());
    next_.resize(returns_.size());
  }

  void run(Hdf5Reader& file, std::int64_t rows) {
    const Hdf5Dataset& rewards = column(path_, file, "rewards", DType::kFloat64, false, rows);
    const Hdf5Dataset& terminated = column(path_, file, "terminated", DType::kUint8, true, rows);
    const Hdf5Dataset& truncated = column(path_, file, "truncated", DType::kUint8, true, rows);
    const Hdf5Dataset& env = column(path_, file, "env", DType::kInt32, false, rows);
    const Hdf5Dataset& episode = column(path_, file, "episode", DType::kInt64, false, rows);
    const Hdf5Dataset& step = column(path_, file, "step", DType::kInt32, false, rows);
    for (std::int64_t first = 0; first < rows; first += kRowsAtOnce) {
      const std::int64_t count = std::min(kRowsAtOnce, rows - first);
      for (const auto& [dataset, to] : {std::pair{&rewards, static_cast<void*>(part_.reward.data())},
                                        {&terminated, part_.terminated.data()},
                                        {&truncated, part_.truncated.data()},
                                        {&env, part_.env.data()},
                                        {&episode, part_.episode.data()},
                                        {&step, part_.step.data()}}) {
        file.read_rows(*dataset, first, count, to);
      }
      for (std::int64_t k = 0; k < count; ++k) add(static_cast<std::size_t>(k), first + k);
    }
  }

  void finish(ShardContent& content) {
    content.summary.episodes = ended_;
    content.summary.complete_episodes = complete_;
    content.summary.mean_return =
        complete_ > 0 ? sum_ / static_cast<double>(complete_) : std::numeric_limits<double>::quiet_NaN();
    content.next_episodes = next_;
  }

 private:
  struct Part {
    std::vector<double> reward = std::vector<double>(kRowsAtOnce);
    std::vector<std::uint8_t> terminated = std::vector<std::uint8_t>(kRowsAtOnce), truncated = terminated;
    std::vector<std::int32_t> env = std::vector<std::int32_t>(kRowsAtOnce), step = env;
    std::vector<std::int64_t> episode = std::vector<std::int64_t>(kRowsAtOnce);
  };

  void add(std::size_t k, std::int64_t row) {
    const auto i = static_cast<std::size_t>(part_.env[k]);
    if (part_.env[k] < 0 || i >= returns_.size()) {
      fail(ErrorKind::kBadFile, path_.string(), ": row ", row, " is of environment ", part_.env[k], ", there are ",
           returns_.size());
    }
    if (part_.step[k] == 0) {
      returns_[i] = 0;
      from_start_[i] = true;
    }
    returns_[i] += part_.reward[k];
    next_[i] = std::max(next_[i], part_.episode[k] + 1);
    if (!part_.terminated[k] && !part_.truncated[k]) return;
    ++ended_;
    if (from_start_[i]) {
      ++complete_;
      sum_ += returns_[i];
    }
    from_start_[i] = false;
  }

  fs::path path_;
  Part part_;
  std::vector<double> returns_;     // [num_envs] of the episodes under way
  std::vector<bool> from_start_;    // [num_envs] whether they began in this shard
  std::vector<std::int64_t> next_;  // [num_envs]
  std::int64_t ended_ = 0, complete_ = 0;
  double sum_ = 0;
};

std::string number_or_dash(double value) {
  if (value != value) return "-";
  std::ostringstream text;
  text << value;
  return text.str();
}

}  // namespace

ShardContent read_shard_content(const fs::path& path) {
  const Seal seal = check_seal(path, kShardKind);
  Hdf5Reader file(path);
  if (!file.has_attribute("format") || file.text_attribute("format") != "corvid rollout shard") {
    fail(ErrorKind::kBadFile, path.string(), " is no rollout shard: attribute 'format' is missing");
  }
  const std::int64_t version = file.int_attribute("format_version");
  if (version != 1) fail(ErrorKind::kBadFile, path.string(), " has shard format ", version, ", this program reads 1");

  ShardContent content;
  ShardSummary& summary = content.summary;
  summary.file = path;
  summary.bytes = seal.bytes;
  summary.rows = count_rows(path, file);
  summary.first_row = file.int_attribute("first_row");
  for (const Hdf5Dataset& dataset : file.datasets()) {
    summary.datasets.push_back({dataset.name, describe(dataset.dtype, dataset.shape, dataset.is_bool)});
  }
  for (const char* name : {"env_id", "env_options", "observation_space", "action_space", "config_toml", "versions"}) {
    summary.attributes.emplace_back(name, file.text_attribute(name));
  }
  for (const char* name : {"base_seed", "num_envs"})
    summary.attributes.emplace_back(name, std::to_string(file.int_attribute(name)));

  const std::int64_t num_envs = file.int_attribute("num_envs");
  if (num_envs < 1 || num_envs > summary.rows)
    fail(ErrorKind::kBadFile, path.string(), ": has ", summary.rows, " rows of ", num_envs, " environments");
  EpisodeScan scan(path, num_envs);
  scan.run(file, summary.rows);
  scan.finish(content);
  content.env_id = summary.attributes[0].second;
  content.entry = {path.filename().string(),
                   seal.bytes,
                   seal.crc32,
                   summary.rows,
                   summary.first_row,
                   summary.first_row + summary.rows - 1};
  return content;
}

ShardSummary read_shard(const fs::path& path) {
  ShardContent content = read_shard_content(path);
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  for (const ManifestShard& listed : read_manifest(folder).shards) {
    if (listed.file != content.entry.file) continue;
    if (listed.bytes != content.entry.bytes || listed.crc32 != content.entry.crc32 ||
        listed.rows != content.entry.rows || listed.first_step != content.entry.first_step) {
      fail(ErrorKind::kBadFile, path.string(), " is not the file that ", (folder / "manifest.json").string(),
           " lists: expected ", listed.bytes, " bytes and ", listed.rows, " rows from step ", listed.first_step,
           ", got ", content.entry.bytes, " bytes and ", content.entry.rows, " rows from step ",
           content.entry.first_step, ", or another checksum");
    }
  }
  return std::move(content.summary);
}

std::vector<std::string> ShardSummary::lines() const {
  std::vector<std::string> result;
  std::ostringstream head;
  head << file.filename().string() << ": " << rows << " rows from step " << first_row << ", " << bytes << " bytes, "
       << episodes << " episodes ended, mean return " << number_or_dash(mean_return) << " of " << complete_episodes
       << " complete";
  result.push_back(head.str());
  for (const Dataset& dataset : datasets) result.push_back("  " + dataset.name + "  " + dataset.type);
  for (const auto& [name, value] : attributes) {
    const std::string line = value.substr(0, value.find('\n')).substr(0, 100);
    result.push_back("  @" + name + " = " + line + (line.size() < value.size() ? " ..." : ""));
  }
  return result;
}

std::vector<std::string> describe_rollouts(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) fail(ErrorKind::kBadFile, folder.string(), " is no folder of rollouts");
  const RolloutManifest manifest = read_manifest(folder);
  if (manifest.shards.empty())
    fail(ErrorKind::kBadFile, folder.string(), " holds no closed shard (no manifest.json that lists one)");
  std::vector<std::string> result;
  std::int64_t episodes = 0, complete = 0, bytes = 0;
  double sum = 0;
  for (const ManifestShard& listed : manifest.shards) {
    const ShardSummary shard = read_shard(folder / listed.file);
    result.push_back(shard.lines()[0]);
    episodes += shard.episodes;
    complete += shard.complete_episodes;
    bytes += shard.bytes;
    if (shard.complete_episodes > 0) sum += shard.mean_return * static_cast<double>(shard.complete_episodes);
  }
  std::ostringstream total;
  total << manifest.env_id << ": " << manifest.shards.size() << " shards, " << manifest.rows() << " rows, " << bytes
        << " bytes, " << episodes << " episodes ended, mean return "
        << number_or_dash(complete > 0 ? sum / static_cast<double>(complete)
                                       : std::numeric_limits<double>::quiet_NaN());
  result.push_back(total.str());
  return result;
}

}  // namespace corvid
