#include "core/io/rollout_manifest.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/base/check.h"
#include "core/io/atomic_file.h"
#include "core/io/disk_file.h"

namespace corvid {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kFile = "manifest.json";
constexpr const char* kFormat = "corvid rollouts";
constexpr int kVersion = 1;
constexpr std::int64_t kMaxBytes = 256 << 20;

// Throws what the JSON library throws; the caller names the file.
RolloutManifest parse(const Json& json) {
  if (json.at("format") != kFormat || json.at("version") != kVersion) {
    throw std::runtime_error("expected format '" + std::string(kFormat) + "' version " + std::to_string(kVersion));
  }
  RolloutManifest manifest;
  manifest.env_id = json.at("env_id").get<std::string>();
  manifest.next_episodes = json.at("next_episodes").get<std::vector<std::int64_t>>();
  std::int64_t row = 0;
  for (const Json& item : json.at("shards")) {
    ManifestShard shard;
    shard.file = item.at("file").get<std::string>();
    shard.bytes = item.at("bytes").get<std::int64_t>();
    shard.crc32 = item.at("crc32").get<std::uint32_t>();
    shard.rows = item.at("rows").get<std::int64_t>();
    shard.first_step = item.at("first_step").get<std::int64_t>();
    shard.last_step = item.at("last_step").get<std::int64_t>();
    // Names follow from the numbers, so that nothing outside the folder can be named.
    const std::string name = shard_name(static_cast<std::int64_t>(manifest.shards.size()));
    if (shard.file != name) throw std::runtime_error("expected '" + name + "', got '" + shard.file + "'");
    if (shard.rows <= 0 || shard.first_step != row || shard.last_step != row + shard.rows - 1) {
      throw std::runtime_error("the rows of '" + name + "' do not follow those before it");
    }
    row += shard.rows;
    manifest.shards.push_back(std::move(shard));
  }
  return manifest;
}

}  // namespace

std::int64_t RolloutManifest::rows() const { return shards.empty() ? 0 : shards.back().last_step + 1; }

std::string shard_name(std::int64_t index) {
  char name[40];
  std::snprintf(name, sizeof name, "shard-%06lld.h5", static_cast<long long>(index));
  return name;
}

RolloutManifest read_manifest(const fs::path& folder) {
  const fs::path path = folder / kFile;
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return {};
  const std::string text = read_file(path, kMaxBytes);
  try {
    return parse(Json::parse(text));
  } catch (const std::exception& error) {
    fail(ErrorKind::kBadFile, path.string(), " is damaged: ", error.what());
  }
}

void write_manifest(const fs::path& folder, const RolloutManifest& manifest) {
  Json json = {{"format", kFormat}, {"version", kVersion}, {"env_id", manifest.env_id}, {"rows", manifest.rows()}};
  json["shards"] = Json::array();
  for (const ManifestShard& shard : manifest.shards) {
    json["shards"].push_back({{"file", shard.file},
                              {"bytes", shard.bytes},
                              {"crc32", shard.crc32},
                              {"rows", shard.rows},
                              {"first_step", shard.first_step},
                              {"last_step", shard.last_step}});
  }
  json["next_episodes"] = manifest.next_episodes;
  write_text_atomically(folder / kFile, json.dump(1) + '\n');
}

}  // namespace corvid
