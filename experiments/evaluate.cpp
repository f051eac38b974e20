// corvid evaluate: how well a trained agent does.
#include <iomanip>
#include <iostream>

#include "core/run/run.h"
#include "experiments/settings.h"

namespace corvid {
namespace {

int evaluate_command(const Command& command, const Arguments& arguments) {
  const std::vector<std::string> known = {"--env-set"};
  SettingSources sources = gather(arguments, known);
  std::int64_t episodes = 100, seed = 1'000'000, num_threads = 1;
  std::string device = "cpu", fused = "auto";
  bool stochastic = false, json = false;
  CommandLine line(command);
  line.add("Options",
           {Field("n_eval_episodes", &episodes, "episodes to play").between(1, 1 << 20).alias("episodes"),
            Field("seed", &seed, "seed of the first episode").at_least(0),
            Field("stochastic", &stochastic, "sample actions instead of taking the most likely"),
            Field("num_threads", &num_threads, "threads that step and infer, where that pays; 0 takes every processor")
                .between(0, 1024),
            Field("device", &device, "where networks live: cpu, cuda, cuda:<number>, auto"),
            Field("fused", &fused, "Corvid's kernels where network and device allow, or LibTorch alone")
                .one_of({"auto", "off"}),
            Field("json", &json, "end with one JSON line on standard output")})
      .add("Settings", source_fields(sources, known))
      .positional(1);
  if (!line.parse(sources.rest)) return 0;
  if (line.words().empty())
    fail(ErrorKind::kUsage,
         "corvid evaluate expects a run folder or checkpoint, for example runs/CartPole-v1/ppo/run-1-s0");

  LoadedAgent loaded = load_agent(line.words()[0], device, num_threads, fused);
  const RunConfig& config = loaded.setup.config;
  EnvOptions options = loaded.setup.env_options;
  options.insert(options.end(), sources.env_options.begin(), sources.env_options.end());
  VectorOptions vector = vector_options(config, AutoReset::kDisabled, episodes);
  vector.num_threads = static_cast<int>(num_threads);
  const auto env = make_env(config.env, vector, options);
  check_same_spaces(env->spec(), loaded);
  const EvaluationResult result = evaluate(loaded.agent->policy(), *env, static_cast<std::uint64_t>(seed), !stochastic,
                                           kMaxEvaluationSteps, [] { return stop_requested.load(); });
  if (result.rewards.empty()) return kExitInterrupted;

  std::cout << std::fixed << std::setprecision(2) << config.agent << " on " << config.env << " ("
            << loaded.checkpoint.string() << ") after " << loaded.steps << " steps: return " << result.mean_reward()
            << " ± " << result.std_reward() << ", length " << result.mean_length() << ", " << result.rewards.size()
            << (stochastic ? " sampled" : " deterministic") << " episodes"
            << (stop_requested ? ", partial: the longer ones are missing" : "") << "\n";
  if (json) {
    print_json({{"mean_reward", json_number(result.mean_reward())},
                {"std_reward", json_number(result.std_reward())},
                {"mean_length", json_number(result.mean_length())},
                {"episodes", result.rewards.size()}});
  }
  return stop_requested ? kExitInterrupted : 0;
}

CORVID_REGISTER_COMMAND(
    evaluate, {.id = "evaluate",
               .usage = "RUN|CHECKPOINT [--n-eval-episodes 100] [--stochastic] [--env-set key=value] [--json]",
               .summary = "Play episodes with a trained agent (of a run: its best checkpoint) and report returns",
               .run = evaluate_command});

}  // namespace
}  // namespace corvid
