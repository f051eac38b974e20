// corvid bench: how fast stepping and training are on this machine.
#include <algorithm>
#include <chrono>
#include <iomanip>
#include <iostream>

#include "core/run/train.h"
#include "experiments/settings.h"

namespace corvid {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// What TOML writes is JSON too, but for infinity and NaN, which stay text.
nlohmann::ordered_json json_value(const Field& field) {
  const auto value = nlohmann::ordered_json::parse(field.value(), nullptr, false);
  return value.is_discarded() ? nlohmann::ordered_json(field.value()) : value;
}

void report(const std::string& name, std::vector<double> values, const std::string& unit,
            const nlohmann::ordered_json& settings, bool json) {
  std::sort(values.begin(), values.end());
  const double median = (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
  std::cout << std::left << std::setw(12) << name << std::right << std::fixed << std::setprecision(0) << std::setw(12)
            << median << " " << unit << "  (" << values.front() << " to " << values.back() << " in " << values.size()
            << ")  " << settings.dump() << "\n";
  if (json) print_json({{"name", name}, {"value", median}, {"unit", unit}, {"settings", settings}});
}

/// Steps environments with actions drawn beforehand, as EnvPool's and Gymnasium's figures are measured.
double steps_per_second(VectorEnv& env, double seconds) {
  constexpr std::size_t kBatches = 64;
  const auto n = static_cast<std::size_t>(env.num_envs());
  const Space& space = env.spec().action;
  const auto size = static_cast<std::size_t>(space.size());
  Rng rng(0);
  std::vector<std::int64_t> integers;
  std::vector<float> numbers;
  for (std::size_t k = 0; k < kBatches * n; ++k) {
    for (std::size_t j = 0; j < size; ++j) {
      if (space.dtype == DType::kFloat32)
        numbers.push_back(static_cast<float>(rng.uniform(space.low[j], space.high[j])));
      else
        integers.push_back(space.kind == Space::Kind::kDiscrete ? rng.integers(space.start, space.start + space.n)
                                                                : rng.integers(0, space.nvec[j]));
    }
  }
  StepBuffer buffer(env.spec(), env.num_envs());
  env.reset(0, buffer.view().obs);
  std::int64_t steps = 0;
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t batch = 0; seconds_since(start) < seconds && !stop_requested; ++batch) {
    const std::size_t row = batch % kBatches * n * size;
    env.step(space.dtype == DType::kFloat32 ? ActionView(numbers.data() + row) : ActionView(integers.data() + row),
             buffer.view());
    steps += env.num_envs();
  }
  return static_cast<double>(steps) / seconds_since(start);
}

int bench_step(const Command& command, const Arguments& arguments) {
  const std::vector<std::string> known = {"--env-set"};
  SettingSources sources = gather(arguments, known);
  std::string env_id = "CartPole-v1";
  std::int64_t num_envs = 1024, num_threads = 0, repetitions = 5;
  double seconds = 1;
  bool json = false;
  CommandLine line(command);
  line.add("bench step",
           {Field("env", &env_id, "environment id"),
            Field("num_envs", &num_envs, "environments stepped together").between(1, 1 << 20).alias("n_envs"),
            Field("num_threads", &num_threads, "threads; 0 takes every processor").between(0, 1024),
            Field("seconds", &seconds, "length of one repetition").more_than(0),
            Field("repetitions", &repetitions, "repetitions; the median is reported").at_least(1),
            Field("json", &json, "end with one JSON line on standard output")})
      .add("Settings", source_fields(sources, known))
      .positional(0);
  if (!line.parse(sources.rest)) return 0;
  const auto env =
      make_env(env_id, {.num_envs = static_cast<int>(num_envs), .num_threads = static_cast<int>(num_threads)},
               sources.env_options);
  std::vector<double> values;
  for (std::int64_t k = 0; k < repetitions && !stop_requested; ++k) values.push_back(steps_per_second(*env, seconds));
  if (values.empty()) return kExitInterrupted;
  report("step", values, "steps/s",
         {{"env", env_id}, {"num_envs", num_envs}, {"num_threads", num_threads}, {"seconds", seconds}}, json);
  return stop_requested ? kExitInterrupted : 0;
}

int bench_train(const Command& command, const Arguments& arguments) {
  std::int64_t repetitions = 3;
  bool json = false;
  std::string note;
  const auto setup =
      read_settings(command, arguments,
                    {Field("repetitions", &repetitions, "repetitions; the median is reported").at_least(1),
                     Field("json", &json, "end with one JSON line on standard output")},
                    note);
  if (!setup) return 0;
  const RunConfig& config = setup->config;
  std::vector<double> values;
  for (std::int64_t k = 0; k < repetitions && !stop_requested; ++k) {
    const auto env =
        make_env(config.env, vector_options(config, AutoReset::kSameStep, config.num_envs), setup->env_options);
    const auto agent = setup->agent->make(agent_context(config, env->spec()));
    TrainState state{
        .steps = 0, .total_steps = config.total_timesteps, .seed = static_cast<std::uint64_t>(config.seed)};
    const auto start = std::chrono::steady_clock::now();
    train(*agent, *env, state, {}, stop_requested);
    values.push_back(static_cast<double>(state.steps) / seconds_since(start));
  }
  if (values.empty()) return kExitInterrupted;
  nlohmann::ordered_json settings = {{"agent", config.agent},
                                     {"env", config.env},
                                     {"total_timesteps", config.total_timesteps},
                                     {"num_envs", config.num_envs}};
  for (const Field& field : setup->agent->fields()) settings[field.name()] = json_value(field);
  report("train", values, "steps/s", settings, json);
  return stop_requested ? kExitInterrupted : 0;
}

int bench_command(const Command& command, const Arguments& arguments) {
  const std::string what = arguments.empty() ? "" : arguments[0];
  if (what == "train") return bench_train(command, {arguments.begin() + 1, arguments.end()});
  if (what == "step") return bench_step(command, {arguments.begin() + 1, arguments.end()});
  if (what == "--help" || what == "-h") return bench_step(command, arguments);
  fail(ErrorKind::kUsage, "corvid bench expects step or train as its first word",
       what.empty() ? "" : suggestion(what, {"step", "train"}));
}

CORVID_REGISTER_COMMAND(
    bench, {.id = "bench",
            .usage = "step|train [--env ENV] [--agent AGENT] [--repetitions N] [--json] [settings as for train]",
            .summary = "Measure steps per second of environments or of training",
            .run = bench_command});

}  // namespace
}  // namespace corvid
