// Everything about a run that is not the agent's or the environment's own.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "core/env/env_registry.h"

namespace corvid {

struct RunConfig {
  std::string agent = "ppo";
  std::string env = "CartPole-v1";
  std::int64_t seed = 0;
  std::int64_t total_timesteps = 100'000;
  std::int64_t num_envs = 8;
  std::int64_t num_threads = 1;
  std::int64_t max_episode_steps = -1;  // -1: as registered
  std::string device = "cpu";
  std::string fused = "auto";

  std::int64_t eval_freq = -1;  // -1: a twentieth of the training
  std::int64_t n_eval_episodes = 10;
  std::int64_t n_final_eval_episodes = 100;
  std::int64_t eval_seed = 1'000'000;
  bool deterministic_eval = true;
  double stop_at_return = std::numeric_limits<double>::infinity();

  std::string log_dir = "runs";
  std::string name;  // empty: the next free run-<number>
  bool overwrite = false;
  std::int64_t log_freq = -1;   // -1: a hundredth of the training
  std::int64_t save_freq = -1;  // -1: a tenth of the training
  std::int64_t keep_checkpoints = 2;
  bool tensorboard = true;
  std::int64_t capture_video = 0;  // 0: no films
  bool log_rollouts = false;
  std::int64_t rows_per_shard = 1 << 20;
};
Fields fields(RunConfig& config);

/// `num_envs` environments with the threads and step limit of the run.
VectorOptions vector_options(const RunConfig& config, AutoReset auto_reset, std::int64_t num_envs);

/// A value of -1 means that share of the training, in whole steps.
inline std::int64_t steps_or_share(std::int64_t steps, std::int64_t total, std::int64_t shares) {
  return steps >= 0 ? steps : std::max<std::int64_t>(1, total / shares);
}

/// Steps between two evaluations; 0: none are made.
inline std::int64_t evaluation_freq(const RunConfig& config) {
  return steps_or_share(config.eval_freq, config.total_timesteps, 20);
}

}  // namespace corvid
