// The part of `corvid bench` about HDF5 rollouts.
#include <unistd.h>

#include <filesystem>

#include "core/base/check.h"
#include "core/env/env_registry.h"
#include "core/io/rollout_log.h"
#include "experiments/bench.h"

namespace corvid {

int bench_logging(const Command& command, const Arguments& arguments) {
  BenchOptions options;
  std::string env_id = "CartPole-v1", folder = std::filesystem::temp_directory_path().string();
  std::int64_t num_envs = 64, steps = 2'000'000;
  CommandLine line(command);
  line.add("bench logging",
           {Field("env", &env_id, "environment id"),
            Field("num_envs", &num_envs, "environments stepped together").between(1, 1 << 20).alias("n_envs"),
            Field("steps", &steps, "steps logged in one repetition").at_least(1),
            Field("folder", &folder,
                  "an existing folder; the shards go into one of their own in it, which is removed again")})
      .add("Output", fields(options))
      .positional(0);
  if (!line.parse(arguments)) return 0;
  if (!std::filesystem::is_directory(folder)) fail(ErrorKind::kUsage, "--folder ", folder, " is no folder");

  const auto env = make_env(env_id, {.num_envs = static_cast<int>(num_envs)});
  const auto n = static_cast<std::size_t>(num_envs);
  StepBuffer buffer(env->spec(), env->num_envs());
  env->reset(0, buffer.view().obs);
  const std::vector<std::byte> actions(n * env->spec().action.bytes());
  const std::vector<float> numbers(n);
  const std::vector<double> rewards(n);
  const std::vector<std::uint8_t> none(n);
  const RolloutStep step{.obs = buffer.view().obs,
                         .actions = actions.data(),
                         .rewards = rewards.data(),
                         .terminated = none.data(),
                         .truncated = none.data(),
                         .final_obs = buffer.view().final_obs,
                         .values = numbers.data(),
                         .log_probs = numbers.data()};
  const std::filesystem::path place = std::filesystem::path(folder) / ("corvid-bench-" + std::to_string(::getpid()));
  std::vector<double> values;
  for (std::int64_t k = 0; k < options.repetitions && !stop_requested; ++k) {
    const auto start = std::chrono::steady_clock::now();
    {
      RolloutLog log(place, {.env_id = env_id,
                             .observation = env->spec().observation,
                             .action = env->spec().action,
                             .num_envs = env->num_envs(),
                             .has_values = true,
                             .has_log_probs = true});
      for (std::int64_t done = 0; done < steps && !stop_requested; done += num_envs) log.append(step);
      log.close();
    }
    values.push_back(static_cast<double>(steps) / seconds_since(start));
    std::filesystem::remove_all(place);
  }
  if (stop_requested) return kExitInterrupted;
  report({.name = "logging",
          .values = values,
          .unit = "steps/s",
          .settings = {{"env", env_id}, {"num_envs", num_envs}, {"steps", steps}}},
         options);
  return 0;
}

}  // namespace corvid
