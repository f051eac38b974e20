// manifest.json: which shards of a rollout folder are closed. The manifest is the commit record: a shard that is not in
// it does not count.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace corvid {

struct ManifestShard {
  std::string file;  // name within the folder
  std::int64_t bytes = 0;
  std::uint32_t crc32 = 0;  // of all bytes after the seal
  std::int64_t rows = 0;
  std::int64_t first_step = 0, last_step = -1;  // global row numbers, the last one included
};

struct RolloutManifest {
  std::string env_id;
  std::vector<ManifestShard> shards;
  std::vector<std::int64_t> next_episodes;  // [num_envs] number of the first episode that no shard holds

  std::int64_t rows() const;
};

std::string shard_name(std::int64_t index);  // "shard-000000.h5"

/// An empty manifest when there is none. Throws Error kBadFile when it is damaged.
RolloutManifest read_manifest(const std::filesystem::path& folder);
void write_manifest(const std::filesystem::path& folder, const RolloutManifest& manifest);

}  // namespace corvid
