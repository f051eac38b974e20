#include "core/run/run_config.h"

namespace corvid {

Fields fields(RunConfig& c) {
  return {
      Field("agent", &c.agent, "agent id, see `list agents`").alias("algo"),
      Field("env", &c.env, "environment id, see `list envs`").alias("env_id"),
      Field("seed", &c.seed, "seed of networks, actions and environments (environment i: seed + i)").at_least(0),
      Field("total_timesteps", &c.total_timesteps, "environment steps to train for, over all environments")
          .at_least(1)
          .alias("n_timesteps"),
      Field("num_envs", &c.num_envs, "environments stepped together").between(1, 1 << 20).alias("n_envs"),
      Field("num_threads", &c.num_threads, "threads that step and learn, where that pays; 0 takes every processor")
          .between(0, 1024),
      Field("max_episode_steps", &c.max_episode_steps, "step limit of an episode; -1 as registered, 0 none")
          .between(-1, 1e9),
      Field("device", &c.device, "where networks live: cpu, cuda, cuda:<number>, auto"),
      Field("fused", &c.fused, "Corvid's kernels where network and device allow, or LibTorch alone")
          .one_of({"auto", "off"}),
      Field("eval_freq", &c.eval_freq, "steps between evaluations; -1 a twentieth of the training, 0 only at the end")
          .at_least(-1),
      Field("n_eval_episodes", &c.n_eval_episodes, "episodes of one evaluation")
          .between(1, 1 << 20)
          .alias("eval_episodes"),
      Field("n_final_eval_episodes", &c.n_final_eval_episodes, "episodes of the evaluation at the end")
          .between(1, 1 << 20),
      Field("eval_seed", &c.eval_seed, "seed of the first evaluation episode").at_least(0),
      Field("deterministic_eval", &c.deterministic_eval, "evaluate the most likely actions instead of samples"),
      Field("stop_at_return", &c.stop_at_return,
            "training ends when an evaluation reaches this mean return; inf never"),
      Field("log_dir", &c.log_dir, "folder that runs are kept in").alias("log_folder"),
      Field("name", &c.name, "name of the run; empty takes the next free run-<number>").alias("exp_name"),
      Field("overwrite", &c.overwrite, "replace a run of the same name"),
      Field("log_freq", &c.log_freq, "steps between rows of progress.csv; -1 a hundredth of the training").at_least(-1),
      Field("save_freq", &c.save_freq, "steps between checkpoints; -1 a tenth of the training, 0 only at the end")
          .at_least(-1),
      Field("keep_checkpoints", &c.keep_checkpoints, "how many of the newest checkpoints are kept").at_least(1),
      Field("tensorboard", &c.tensorboard, "write TensorBoard event files"),
      Field("capture_video", &c.capture_video, "film every n-th evaluation into videos/ and TensorBoard; 0: none")
          .at_least(0),
      Field("log_rollouts", &c.log_rollouts, "write every step to HDF5 shards"),
      Field("rows_per_shard", &c.rows_per_shard, "most steps in one HDF5 shard; every checkpoint closes one too")
          .at_least(1),
  };
}

VectorOptions vector_options(const RunConfig& config, AutoReset auto_reset, std::int64_t num_envs) {
  VectorOptions vector{.num_envs = static_cast<int>(num_envs),
                       .num_threads = static_cast<int>(config.num_threads),
                       .auto_reset = auto_reset,
                       .max_episode_steps = std::nullopt};
  if (config.max_episode_steps >= 0) vector.max_episode_steps = static_cast<int>(config.max_episode_steps);
  return vector;
}

}  // namespace corvid
