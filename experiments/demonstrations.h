// Episodes that were played in a window, as a rollout log.
#pragma once

#include <filesystem>
#include <memory>

#include "core/io/rollout_log.h"
#include "experiments/show.h"

namespace corvid {

/// Only what was kept in the end is written: an episode goes into the log when it is left.
class Demonstrations {
 public:
  /// `seed` of the first episode. Throws Error where the folder holds another game.
  Demonstrations(const std::filesystem::path& folder, const Player& player, std::int64_t seed);

  /// The episode's steps before `end`; one that was left before its end is marked truncated.
  void append(Playback& playback, std::int64_t end);

  void close() { log_->close(); }

  const std::filesystem::path& folder() const { return folder_; }
  std::int64_t episodes() const { return episodes_; }
  std::int64_t steps() const { return steps_; }

 private:
  std::filesystem::path folder_;
  std::unique_ptr<RolloutLog> log_;
  std::int64_t episodes_ = 0, steps_ = 0;
};

}  // namespace corvid
