// corvid bench: how fast this machine steps, infers, updates, replays, trains and logs.
#include "experiments/bench.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iomanip>
#include <iostream>

#include "core/io/atomic_file.h"
#include "core/run/evaluate.h"
#include "core/run/train.h"
#include "experiments/settings.h"

namespace corvid {

Fields fields(BenchOptions& o) {
  return {Field("repetitions", &o.repetitions, "repetitions; the median is reported").at_least(1),
          Field("json", &o.json, "end with one JSON line on standard output"),
          Field("history", &o.history, "file that a line with the figure is appended to")};
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

double seconds_per_call(const std::function<void()>& call, double seconds) {
  call();
  std::int64_t calls = 0;
  const auto start = std::chrono::steady_clock::now();
  double passed = 0;
  for (std::int64_t batch = 1; passed < seconds; batch *= 2) {
    for (std::int64_t k = 0; k < batch; ++k) call();
    calls += batch;
    passed = seconds_since(start);
  }
  return passed / static_cast<double>(calls);
}

void report(BenchFigure figure, const BenchOptions& options) {
  std::vector<double>& values = figure.values;
  std::sort(values.begin(), values.end());
  const double middle = median(values);
  std::cout << std::left << std::setw(16) << figure.name << std::right << std::fixed
            << std::setprecision(figure.unit == "us" ? 2 : 0) << std::setw(12) << middle << " " << figure.unit << "  ("
            << values.front() << " to " << values.back() << " in " << values.size() << ")  ";
  for (const auto& [key, value] : figure.more.items()) std::cout << key << " " << value << "  ";
  std::cout << figure.settings.dump() << "\n";
  nlohmann::ordered_json line = {{"name", figure.name}, {"value", middle}, {"unit", figure.unit}};
  line.update(figure.more);
  line["settings"] = figure.settings;
  if (options.json) print_json(line);
  if (options.history.empty()) return;
  const auto now = std::time(nullptr);
  std::ostringstream date;
  date << std::put_time(std::gmtime(&now), "%Y-%m-%dT%H:%M:%SZ");
  nlohmann::ordered_json kept = {{"date", date.str()}};
  for (const auto& [key, value] : versions()) kept[key] = value;
  kept.update(line);
  kept["min"] = values.front();
  kept["max"] = values.back();
  kept["n"] = values.size();
  std::ofstream file(options.history, std::ios::app);
  if (!(file << kept.dump() << "\n" << std::flush))
    fail(ErrorKind::kFailed, "cannot append to the history ", options.history, ": ", std::strerror(errno));
}

namespace {

/// What TOML writes is JSON too, but for infinity and NaN, which stay text.
nlohmann::ordered_json json_value(const Field& field) {
  const auto value = nlohmann::ordered_json::parse(field.value(), nullptr, false);
  return value.is_discarded() ? nlohmann::ordered_json(field.value()) : value;
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
  std::int64_t num_envs = 1024, num_threads = 0;
  double seconds = 1;
  BenchOptions options;
  CommandLine line(command);
  line.add("bench step",
           {Field("env", &env_id, "environment id"),
            Field("num_envs", &num_envs, "environments stepped together").between(1, 1 << 20).alias("n_envs"),
            Field("num_threads", &num_threads, "threads; 0 takes every processor").between(0, 1024),
            Field("seconds", &seconds, "length of one repetition").more_than(0)})
      .add("Output", fields(options))
      .add("Settings", source_fields(sources, known))
      .positional(0);
  if (!line.parse(sources.rest)) return 0;
  const auto env =
      make_env(env_id, {.num_envs = static_cast<int>(num_envs), .num_threads = static_cast<int>(num_threads)},
               sources.env_options);
  std::vector<double> values;
  for (std::int64_t k = 0; k < options.repetitions && !stop_requested; ++k)
    values.push_back(steps_per_second(*env, seconds));
  if (values.empty()) return kExitInterrupted;
  report({.name = "step",
          .values = values,
          .unit = "steps/s",
          .settings = {{"env", env_id}, {"num_envs", num_envs}, {"num_threads", num_threads}, {"seconds", seconds}}},
         options);
  return stop_requested ? kExitInterrupted : 0;
}

int bench_train(const Command& command, const Arguments& arguments) {
  BenchOptions options{.repetitions = 3};
  std::string note;
  const auto setup = read_settings(command, arguments, fields(options), note);
  if (!setup) return 0;
  const RunConfig& config = setup->config;
  if (std::isfinite(config.stop_at_return) || config.log_rollouts)
    fail(ErrorKind::kUsage,
         "bench train only trains: no evaluations, logs or goals; corvid train has --stop-at-return "
         "and --log-rollouts");
  std::vector<double> values, returns;
  for (std::int64_t k = 0; k < options.repetitions && !stop_requested; ++k) {
    const auto env =
        make_env(config.env, vector_options(config, AutoReset::kSameStep, config.num_envs), setup->env_options);
    const auto agent = setup->agent->make(agent_context(config, *env));
    TrainState state{
        .steps = 0, .total_steps = config.total_timesteps, .seed = static_cast<std::uint64_t>(config.seed)};
    const auto start = std::chrono::steady_clock::now();
    train(*agent, *env, state, {}, stop_requested);
    values.push_back(static_cast<double>(state.steps) / seconds_since(start));

    // Outside the time: speed without learning counts for nothing.
    constexpr std::int64_t kEpisodes = 20;
    const auto eval_env =
        make_env(config.env, vector_options(config, AutoReset::kDisabled, kEpisodes), setup->env_options);
    returns.push_back(evaluate(agent->policy(), *eval_env, static_cast<std::uint64_t>(config.eval_seed), true,
                               kMaxEvaluationSteps, [] { return stop_requested.load(); })
                          .mean_reward());
  }
  if (values.empty() || stop_requested) return kExitInterrupted;
  nlohmann::ordered_json settings;
  for (const char* name : {"agent", "env", "seed", "total_timesteps", "num_envs", "num_threads", "fused"}) {
    for (const Field& field : fields(const_cast<RunConfig&>(config))) {
      if (field.name() == name) settings[name] = json_value(field);
    }
  }
  for (const Field& field : setup->agent->fields()) settings[field.name()] = json_value(field);
  report({.name = "train",
          .values = values,
          .unit = "steps/s",
          .settings = settings,
          .more = {{"eval_return", json_number(median(returns))}}},
         options);
  return 0;
}

int bench_all(const Command& command, const Arguments& arguments);

const BenchPart kParts[] = {
    {"step", "steps a second of environments", bench_step},
    {"inference", "actions for small batches, kernels beside LibTorch", bench_inference},
    {"update", "one update of networks: --kind mlp, ppo or sac", bench_update},
    {"products", "matrix products by width and batch: kernels, LibTorch, libxsmm", bench_products},
    {"replay", "transitions a second into and out of replay buffers", bench_replay},
    {"train", "steps a second of whole trainings, with the return reached", bench_train},
    {"logging", "steps a second into HDF5 rollouts", bench_logging},
    {"all", "a selection of these, appended to a history", bench_all},
};

int bench_all(const Command& command, const Arguments& arguments) {
  std::string history = "experiments/bench/corvid.jsonl";
  CommandLine line(command);
  line.add("Output", {Field("history", &history, "file that the figures are appended to")}).positional(0);
  if (!line.parse(arguments)) return 0;
  if (!std::ofstream(history, std::ios::app)) {
    fail(ErrorKind::kUsage, "cannot append to ", history, ": ", std::strerror(errno),
         "; start it in the project's folder, or name a file with --history");
  }
  const std::vector<std::vector<std::string>> suite = {
      {"step", "--env", "CartPole-v1"},
      {"step", "--env", "Pendulum-v1"},
      {"step", "--env", "Acrobot-v1"},
      {"inference", "--batch-size", "1"},
      {"inference", "--batch-size", "4"},
      {"inference", "--batch-size", "64"},
      {"update", "--kind", "mlp"},
      {"update", "--kind", "ppo"},
      {"update", "--kind", "sac"},
      {"replay", "--kind", "add"},
      {"replay", "--kind", "sample"},
      {"replay", "--kind", "prioritized"},
      {"train", "--agent", "ppo", "--env", "CartPole-v1"},
      {"train", "--agent", "ppo", "--env", "CartPole-v1", "--num-threads", "0"},
      {"train", "--agent", "ppo", "--env", "Pendulum-v1"},
      {"train", "--agent", "a2c", "--env", "CartPole-v1"},
      {"logging"},
  };
  for (std::size_t k = 0; k < suite.size(); ++k) {
    std::cerr << "[" << k + 1 << "/" << suite.size() << "]\n";
    Arguments words(suite[k].begin() + 1, suite[k].end());
    words.insert(words.end(), {"--history", history});
    for (const BenchPart& part : kParts) {
      if (part.name != suite[k][0]) continue;
      if (const int status = part.run(command, words); status != 0) return status;
    }
  }
  return 0;
}

int bench_command(const Command& command, const Arguments& arguments) {
  const std::string what = arguments.empty() ? "--help" : arguments[0];
  if (what == "--help" || what == "-h") {
    std::cout << "corvid bench " << command.usage << "\n  " << command.summary << "\n\nParts:\n";
    for (const BenchPart& part : kParts)
      std::cout << "  " << std::left << std::setw(12) << part.name << part.summary << "\n";
    std::cout
        << "\ncorvid bench PART --help shows a part's options. ./corvid bench --peers measures Corvid beside other "
           "libraries.\n\n--help, -h shows this text.\n";
    return 0;
  }
  std::vector<std::string> names;
  for (const BenchPart& part : kParts) {
    if (what == part.name) return part.run(command, {arguments.begin() + 1, arguments.end()});
    names.emplace_back(part.name);
  }
  fail(ErrorKind::kUsage, "corvid bench expects the name of a part as its first word, see corvid bench --help",
       suggestion(what, names));
}

CORVID_REGISTER_COMMAND(bench, {.id = "bench",
                                .usage = "PART [options of the part]",
                                .summary = "Measure how fast environments, networks, trainings and logs are",
                                .run = bench_command});

}  // namespace
}  // namespace corvid
