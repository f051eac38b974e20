// Rollouts on disk: every transition of a run, in HDF5 shards that are complete or not there.
//
// A shard is written as shard-000000.h5.tmp, closed, reopened and verified, synced and renamed; then it is listed in
// manifest.json, which is itself replaced atomically. A closed shard is never touched again. A crash costs at most the
// open shard: `rows_per_shard` rows, or those of `max_open_seconds`, plus what waits in memory (at most 64 MB or two
// blocks, whichever is more) while the disk is slower than the run.
//
// Datasets of a shard, one row a transition, rows of one step together in order of the environments:
//   observations [R, ...] (a Dict: observations/<leaf>), actions [R, ...], rewards float64 [R],
//   terminated, truncated bool [R] (h5py's bool: an int8 enum {FALSE, TRUE}), env int32 [R],
//   episode int64 [R] (counted per environment), step int32 [R] (within the episode),
//   values, log_probs float32 [R] (where the agent has them),
//   final_observations [E, ...] with final_rows int64 [E]: the true last observation of every episode that ended, and
//   the row of this shard it ended in.
// Root attributes: format, format_version, env_id, env_options, observation_space and action_space (JSON), base_seed,
// num_envs, config_toml, versions (JSON), first_row (global), has_values, has_log_probs. Environment i was seeded with
// base_seed + i, so seed and actions replay every episode elsewhere.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/archive.h"
#include "core/base/space.h"
#include "core/env/vector_env.h"

namespace corvid {

struct RolloutInfo {
  std::string env_id;
  std::string env_options;  // as the command line gives them
  Space observation, action;
  std::uint64_t base_seed = 0;
  int num_envs = 1;
  std::string config_toml;
  std::map<std::string, std::string> versions;
  bool has_values = false, has_log_probs = false;
};

struct RolloutOptions {
  std::int64_t rows_per_shard = 1 << 20;  // rounded up to whole steps of all environments
  std::int64_t rows_per_block = 1 << 14;  // rows of an HDF5 chunk; fewer where they would take more than 16 MB
  double max_open_seconds = 60;           // a shard is closed when it has been open that long, 0: never for that reason
};

/// One step of N environments; borrowed for the call.
struct RolloutStep {
  ObsView obs;                               // [N, ...] what was acted on
  const void* actions = nullptr;             // [N, ...] in the dtype of the action space
  const double* rewards = nullptr;           // [N]
  const std::uint8_t* terminated = nullptr;  // [N]
  const std::uint8_t* truncated = nullptr;   // [N]
  ObsView final_obs;                         // [N, ...] read only where an episode ended
  const float* values = nullptr;             // [N] when has_values; agents leave it out, see Agent::last_values
  const float* log_probs = nullptr;          // [N] when has_log_probs
};

/// One thread at a time calls it; a thread of its own writes. After a failed write every call throws the same Error.
class RolloutLog {
 public:
  /// Goes on after the closed shards that the folder holds. What a killed run left is removed or listed; see
  /// recovered().
  RolloutLog(std::filesystem::path folder, RolloutInfo info, RolloutOptions options = {});
  ~RolloutLog();  // closes the shard; never throws

  /// Copies the rows. Blocks when the disk is slower than the run.
  void append(const RolloutStep& step);

  /// Afterwards all appended rows are in closed shards. Blocks until the disk has them.
  void close_shard();

  /// close_shard, and no row may follow.
  void close();

  /// Row count, counters of every environment and number of closed shards; saving closes the shard first, so that
  /// checkpoint and shards fit. Loading removes the shards that are newer than the checkpoint: the run writes them
  /// again.
  void visit(Archive& archive);

  std::int64_t rows() const;    // appended so far, those of earlier runs included
  std::int64_t shards() const;  // closed so far

  /// What was done about the leftovers of a killed run; empty when there were none.
  const std::string& recovered() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// What a shard holds.
struct ShardSummary {
  struct Dataset {
    std::string name, type;  // "float32 [1024, 4]"
  };
  std::filesystem::path file;
  std::int64_t bytes = 0;
  std::int64_t rows = 0, first_row = 0;
  std::int64_t episodes = 0;           // that ended in it
  std::int64_t complete_episodes = 0;  // that began and ended in it
  double mean_return = 0;              // of the complete episodes; NaN when there is none
  std::vector<Dataset> datasets;
  std::vector<std::pair<std::string, std::string>> attributes;

  std::vector<std::string> lines() const;  // for people
};

/// Reads and verifies a shard against its seal, its checksums, and the manifest beside it when there is one. Throws
/// Error kBadFile when it is damaged or not a shard.
ShardSummary read_shard(const std::filesystem::path& path);

/// One line a shard and a total; the same checks.
std::vector<std::string> describe_rollouts(const std::filesystem::path& folder);

}  // namespace corvid
