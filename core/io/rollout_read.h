// Reading closed shards; shared by the log (which lists shards a killed run left complete) and by `info`.
#pragma once

#include <filesystem>
#include <vector>

#include "core/io/rollout_log.h"
#include "core/io/rollout_manifest.h"

namespace corvid {

struct ShardContent {
  ShardSummary summary;
  std::string env_id;
  ManifestShard entry;                      // what the manifest should say
  std::vector<std::int64_t> next_episodes;  // [num_envs] number of the first episode that begins after this shard
};

/// Checks the seal and reads the columns it needs. Throws Error kBadFile.
ShardContent read_shard_content(const std::filesystem::path& path);

}  // namespace corvid
