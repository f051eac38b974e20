#include "experiments/demonstrations.h"

#include <cstring>

#include "core/io/atomic_file.h"

namespace corvid {
namespace {

namespace fs = std::filesystem;

/// One folder holds episodes of one game.
void check_same_game(const fs::path& folder, const std::string& env_options) {
  if (!fs::exists(folder)) return;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".h5") continue;
    for (const auto& [name, value] : read_shard(entry.path()).attributes) {
      if (name == "env_options" && value != env_options)
        fail(ErrorKind::kUsage, folder.string(), " holds episodes with the environment options ", value,
             ", these have ", env_options, "; name another --log-dir");
    }
    return;
  }
}

}  // namespace

Demonstrations::Demonstrations(const fs::path& folder, const Player& player, std::int64_t seed) : folder_(folder) {
  const std::string env_options = env_options_json(player.env_options);
  check_same_game(folder_, env_options);
  make_folder(folder_);
  log_ = std::make_unique<RolloutLog>(folder_,
                                      RolloutInfo{.env_id = player.env->id(),
                                                  .env_options = env_options,
                                                  .observation = player.env->spec().observation,
                                                  .action = player.env->spec().action,
                                                  .base_seed = static_cast<std::uint64_t>(seed),
                                                  .num_envs = 1,
                                                  .config_toml = player.config_toml,
                                                  .versions = versions()},
                                      // A crash costs the episode at hand.
                                      RolloutOptions{.rows_per_block = 1024, .max_open_seconds = 0});
}

void Demonstrations::append(Playback& playback, std::int64_t end) {
  StepBuffer before(playback.env().spec(), 1);
  const auto leaves = playback.env().spec().observation.leaves();
  for (std::int64_t t = 0; t < end; ++t) {
    playback.go_to(t);
    for (std::size_t leaf = 0; leaf < leaves.size(); ++leaf)
      std::memcpy(before.view().obs.leaf[leaf], playback.obs().leaf[leaf], leaves[leaf].second->bytes());
    playback.go_to(t + 1);
    const std::uint8_t terminated = playback.now().terminated;
    const std::uint8_t truncated = t + 1 == end && !terminated;
    log_->append({.obs = before.view().obs,
                  .actions = playback.at(t).action.data(),
                  .rewards = &playback.at(t).reward,
                  .terminated = &terminated,
                  .truncated = &truncated,
                  .final_obs = playback.obs()});
  }
  if (end == 0) return;
  log_->close_shard();
  ++episodes_;
  steps_ += end;
}

}  // namespace corvid
