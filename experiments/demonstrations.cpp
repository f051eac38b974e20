#include "experiments/demonstrations.h"

#include <cstring>

namespace corvid {

Demonstrations::Demonstrations(const std::filesystem::path& folder, const Player& player, const ShowOptions& options)
    : folder_(folder) {
  std::string env_options;
  for (const auto& [name, value] : options.env_options)
    env_options += (env_options.empty() ? "" : ", ") + name + " = " + value;
  std::filesystem::create_directories(folder_);
  log_ = std::make_unique<RolloutLog>(folder_,
                                      RolloutInfo{.env_id = player.env->id(),
                                                  .env_options = "{" + env_options + "}",
                                                  .observation = player.env->spec().observation,
                                                  .action = player.env->spec().action,
                                                  .base_seed = static_cast<std::uint64_t>(options.seed),
                                                  .num_envs = 1,
                                                  .config_toml = "",
                                                  .versions = versions()},
                                      // A crash costs the episode at hand.
                                      RolloutOptions{.rows_per_block = 1024, .max_open_seconds = 0});
}

void Demonstrations::append(Playback& playback) {
  const std::int64_t last = playback.newest() - 1;
  StepBuffer before(playback.env().spec(), 1);
  const auto leaves = playback.env().spec().observation.leaves();
  for (std::int64_t t = 0; t <= last; ++t) {
    playback.go_to(t);
    for (std::size_t leaf = 0; leaf < leaves.size(); ++leaf)
      std::memcpy(before.view().obs.leaf[leaf], playback.obs().leaf[leaf], leaves[leaf].second->bytes());
    playback.go_to(t + 1);
    const std::uint8_t terminated = playback.now().terminated;
    const std::uint8_t truncated = t == last && !terminated;
    log_->append({.obs = before.view().obs,
                  .actions = playback.at(t).action.data(),
                  .rewards = &playback.at(t).reward,
                  .terminated = &terminated,
                  .truncated = &truncated,
                  .final_obs = playback.obs()});
  }
  log_->close_shard();
  ++episodes_;
  steps_ += last + 1;
}

}  // namespace corvid
