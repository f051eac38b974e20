#include "core/run/run.h"

#include <fcntl.h>
#include <sys/file.h>
#include <torch/version.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#include "core/base/version.h"
#include "core/io/atomic_file.h"
#include "core/io/checkpoint.h"
#include "core/simd/isa.h"

namespace corvid {

namespace fs = std::filesystem;

namespace {

std::string toml_section(const std::string& name, const Fields& fields) {
  std::string text = "[" + name + "]\n";
  for (const Field& field : fields) text += field.name() + " = " + field.value() + "\n";
  return text;
}

std::string toml_text(const std::string& name, const std::map<std::string, std::string>& entries) {
  std::string text = "[" + name + "]\n";
  for (const auto& [key, value] : entries) {
    std::string copy = value;
    text += key + " = " + Field(key, &copy, "").value() + "\n";
  }
  return text;
}

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

// False when it exists already: of two processes that want the same folder one gets it.
bool make_new_folder(const fs::path& path) {
  make_folder(path.parent_path());
  std::error_code code;
  const bool made = fs::create_directory(path, code);
  if (!made && !fs::exists(path))
    fail(ErrorKind::kFailed, "cannot make the folder ", path.string(), ": ", code.message());
  return made;
}

fs::path make_run_folder(const RunConfig& config) {
  const fs::path parent = fs::path(config.log_dir) / config.env / config.agent;
  const std::string suffix = "-s" + std::to_string(config.seed);
  if (config.name.find('/') != std::string::npos)
    fail(ErrorKind::kUsage, "--name ", config.name, ": a name has no '/'; --log-dir chooses the folder");
  if (!config.name.empty()) {
    fs::path folder = parent / (config.name + suffix);
    if (!make_new_folder(folder) && !config.overwrite) {
      fail(ErrorKind::kUsage, "the run ", folder.string(), " exists; go on with it (corvid resume ", folder.string(),
           "), choose another --name, or replace it with --overwrite");
    }
    return folder;
  }
  for (int number = 1;; ++number) {
    fs::path folder = parent / ("run-" + std::to_string(number) + suffix);
    if (make_new_folder(folder)) return folder;
  }
}

// A run goes on in its folder, where its logs are. A relative path stays one.
fs::path folder_of_checkpoint(const fs::path& file) {
  const fs::path given = file.parent_path();
  const fs::path whole = fs::absolute(file).lexically_normal().parent_path();
  fs::path folder =
      given.filename() == "checkpoints" && given.has_parent_path() ? given.parent_path() : whole.parent_path();
  if (whole.filename() != "checkpoints" || !fs::exists(folder / "config.toml")) {
    fail(ErrorKind::kBadFile, file.string(),
         " is not in the folder of its run (<run>/checkpoints/), where the run would go on");
  }
  return folder;
}

}  // namespace

AgentContext agent_context(const RunConfig& config, const VectorEnv& env) {
  return {.spec = env.spec(),
          .num_envs = static_cast<int>(config.num_envs),
          .seed = static_cast<std::uint64_t>(config.seed),
          .device = config.device,
          .fused = config.fused == "auto",
          .num_threads = static_cast<int>(config.num_threads),
          .max_episode_steps = env.longest_episode(),
          .model = [&env] { return env.model(); }};
}

std::string RunSetup::to_toml() const {
  RunConfig copy = config;
  copy.overwrite = false;  // of the command that made it, not of the run
  std::string text = toml_section("run", fields(copy)) + "\n" + toml_section("agent", agent->fields()) + "\n";
  return text + toml_text("env", {env_options.begin(), env_options.end()});
}

void apply_section(RunSetup& setup, const ConfigSection& section, std::string_view file) {
  auto apply = [&](Fields list, const std::string& owner) {
    for (const ConfigEntry& entry : section.entries) {
      set_field(list, entry.key, entry.value, owner, std::string(file) + ":" + std::to_string(entry.line));
    }
  };
  if (section.name == "run") {
    apply(fields(setup.config), "a run");
  } else if (section.name == "agent") {
    apply(setup.agent->fields(), "agent " + setup.config.agent);
  } else if (section.name == "env") {
    for (const ConfigEntry& entry : section.entries) setup.env_options.emplace_back(entry.key, entry.value);
  } else if (!section.name.empty() || !section.entries.empty()) {
    fail(ErrorKind::kUsage, file, ":", section.line, ": unknown section [", section.name, "]",
         suggestion(section.name, {"run", "agent", "env"}));
  }
}

RunSetup setup_from_toml(std::string_view text, std::string_view name) {
  const std::vector<ConfigSection> sections = parse_config(text, name);
  RunSetup setup;
  // The run's settings name the agent, which decides what the others may be.
  for (const ConfigSection& section : sections) {
    if (section.name == "run") apply_section(setup, section, name);
  }
  setup.agent = agent_registry().at(setup.config.agent).maker();
  for (const ConfigSection& section : sections) {
    if (section.name != "run") apply_section(setup, section, name);
  }
  return setup;
}

/// The settings in a checkpoint. What is wrong with them is wrong with the file.
static RunSetup setup_of(const CheckpointInfo& info, const fs::path& file) {
  try {
    return setup_from_toml(info.config_toml, file.string());
  } catch (const Error& error) {
    throw Error(ErrorKind::kBadFile, error.what());
  }
}

std::map<std::string, std::string> versions() {
  return {{"corvid", kVersion},
          {"libtorch", TORCH_VERSION},
          {"compiler", __VERSION__},
          {"processor", processor()},
          {"kernels", isa_name(isa())}};
}

/// One process a run: a lock that ends with the process, however it ends.
struct Run::Lock {
  explicit Lock(const fs::path& folder) : file(::open((folder / ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
    if (file < 0)
      fail(ErrorKind::kFailed, "cannot write in the run folder ", folder.string(), ": ", std::strerror(errno));
    if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
      ::close(file);
      fail(ErrorKind::kUsage, "the run ", folder.string(), " is in use by another process");
    }
  }
  ~Lock() { ::close(file); }
  int file;
};

/// Everything but the lock goes.
static void clear(const fs::path& folder) {
  std::vector<fs::path> content;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename() != ".lock") content.push_back(entry.path());
  }
  for (const fs::path& path : content) {
    std::error_code code;
    fs::remove_all(path, code);
    if (code) fail(ErrorKind::kFailed, "cannot remove ", path.string(), ": ", code.message());
  }
}

std::string env_options_json(const EnvOptions& options) {
  std::string text;
  for (auto [name, value] : options)
    text += (text.empty() ? "\"" : ", \"") + name + "\": " + Field(name, &value, "").value();
  return "{" + text + "}";
}

Run::Run(fs::path folder, RunSetup setup, const std::atomic<bool>& stop)
    : setup_(std::move(setup)), folder_(std::move(folder)), stop_(stop) {}

Run::Run(RunSetup setup, const std::string& command, const std::atomic<bool>& stop)
    : Run(fs::path(), std::move(setup), stop) {
  // Everything that can be wrong with the settings is found before the folder is made.
  if (std::isfinite(setup_.config.stop_at_return) && setup_.config.eval_freq == 0)
    fail(ErrorKind::kUsage, "--stop-at-return needs evaluations during the training, and --eval-freq 0 makes none");
  if (setup_.config.capture_video > 0 && setup_.config.eval_freq == 0)
    fail(ErrorKind::kUsage, "--capture-video films evaluations, and --eval-freq 0 makes none");
  make_agent();
  folder_ = make_run_folder(setup_.config);
  lock_ = std::make_unique<Lock>(folder_);
  if (setup_.config.overwrite) clear(folder_);
  make_folder(folder_ / "checkpoints");
  write_text_atomically(folder_ / "config.toml", setup_.to_toml());
  write_text_atomically(folder_ / "command.txt", command + "\n");
  write_text_atomically(folder_ / "versions.toml", toml_text("versions", versions()));
  make_hooks();
  metrics_->describe(setup_.agent->fields(), setup_.to_toml());
}

Run::~Run() = default;

void Run::make_agent() {
  const RunConfig& config = setup_.config;
  env_ = make_env(config.env, vector_options(config, AutoReset::kSameStep, config.num_envs), setup_.env_options);
  agent_ = setup_.agent->make(agent_context(config, *env_));
  state_ = {.steps = 0, .total_steps = config.total_timesteps, .seed = static_cast<std::uint64_t>(config.seed)};
}

void Run::make_hooks() {
  const RunConfig& config = setup_.config;
  next_save_ = steps_or_share(config.save_freq, config.total_timesteps, 10);
  clock_.start();
  episodes_ = std::make_unique<EpisodeHook>(folder_, *env_, clock_);
  evaluation_ = std::make_unique<EvaluationHook>(folder_, config, setup_.env_options, *agent_, stop_);
  metrics_ = std::make_unique<MetricsHook>(folder_, config, *agent_, *episodes_, *evaluation_, clock_);
  if (config.log_rollouts) {
    const RolloutStep shape = agent_->last_step();
    rollouts_ = std::make_unique<RolloutHook>(
        folder_ / "rollouts",
        RolloutInfo{.env_id = config.env,
                    .env_options = env_options_json(setup_.env_options),
                    .observation = env_->spec().observation,
                    .action = env_->spec().action,
                    .base_seed = state_.seed,
                    .num_envs = env_->num_envs(),
                    .config_toml = setup_.to_toml(),
                    .versions = versions(),
                    .has_values = agent_->last_values() != nullptr,
                    .has_log_probs = shape.log_probs != nullptr},
        // Shards are closed at every checkpoint; a chunk is never larger than what comes between two.
        RolloutOptions{.rows_per_shard = config.rows_per_shard,
                       .rows_per_block = std::clamp<std::int64_t>(next_save_, 256, 1 << 14)},
        *agent_);
  }
}

void Run::visit(Archive& archive) {
  archive("agent", *agent_);
  archive.scope("memory", [&] { agent_->visit_memory(archive); });
  archive("steps", state_.steps);
  archive("after_step_due", state_.after_step_due);
  archive("reached_goal", state_.reached_goal);
  std::vector<std::byte> env_state = archive.loading() ? std::vector<std::byte>() : env_->save();
  archive("env", env_state);
  if (archive.loading()) {
    env_->restore(env_state);
    env_->observe(agent_->first_obs());  // for agents that did not keep it
  }
  archive("episodes", *episodes_);
  archive("evaluation", *evaluation_);
  archive("metrics", *metrics_);
  if (rollouts_) archive("rollouts", *rollouts_);
  archive("next_save", next_save_);
  archive("finished", finished_);
  archive("clock", clock_);
}

CheckpointInfo Run::info() const {
  return {.agent = setup_.config.agent,
          .env = setup_.config.env,
          .config_toml = setup_.to_toml(),
          .step = state_.steps,
          .versions = versions()};
}

void Run::save_best() {
  save_checkpoint(folder_ / "checkpoints" / "best.h5", info(), [this](Archive& archive) { archive("agent", *agent_); });
}

void Run::save_numbered() {
  char name[32];
  std::snprintf(name, sizeof name, "step-%012lld.h5", static_cast<long long>(state_.steps));
  const fs::path folder = folder_ / "checkpoints";
  episodes_->flush();
  metrics_->flush();
  save_checkpoint(folder / name, info(), [this](Archive& archive) { visit(archive); });

  // last.h5 is another name of the newest; the oldest beyond `keep_checkpoints` go.
  std::error_code ignored;
  const fs::path link = folder / ".last.h5.tmp";
  fs::remove(link, ignored);
  fs::create_hard_link(folder / name, link, ignored);
  if (ignored) fs::copy_file(folder / name, link, fs::copy_options::overwrite_existing);
  fs::rename(link, folder / "last.h5");
  sync_path(folder);
  std::vector<fs::path> numbered;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with("step-")) numbered.push_back(entry.path());
  }
  std::sort(numbered.rbegin(), numbered.rend());
  for (std::size_t k = static_cast<std::size_t>(setup_.config.keep_checkpoints); k < numbered.size(); ++k)
    fs::remove(numbered[k], ignored);
}

RunSummary Run::execute(const std::function<void(const Status&)>& show) {
  // Checkpoints come last, so that they hold what the other hooks did at the same step.
  struct Keeper final : Hook {
    Run& run;
    const std::function<void(const Status&)>& show;
    std::int64_t freq;
    double shown = -1;

    Keeper(Run& owner, const std::function<void(const Status&)>& display)
        : run(owner),
          show(display),
          freq(steps_or_share(owner.setup_.config.save_freq, owner.setup_.config.total_timesteps, 10)) {}

    bool after_step(std::int64_t steps) override {
      if (run.evaluation_->reached_best()) run.save_best();
      if (run.evaluation_->last_mean() >= run.setup_.config.stop_at_return) run.state_.reached_goal = true;
      if (freq > 0 && steps >= run.next_save_ && steps < run.state_.total_steps) {
        while (run.next_save_ <= steps) run.next_save_ += freq;
        run.save_numbered();
      }
      if (const double now = run.clock_.seconds(); show && now - shown >= 0.1) {
        shown = now;
        show(run.status());
      }
      return true;
    }
  } keeper(*this, show);

  std::vector<Hook*> hooks = {episodes_.get()};
  if (rollouts_) hooks.push_back(rollouts_.get());
  hooks.insert(hooks.end(), {evaluation_.get(), metrics_.get()});
  hooks.insert(hooks.end(), more_hooks_.begin(), more_hooks_.end());
  hooks.push_back(&keeper);
  first_step_ = state_.steps;
  first_second_ = clock_.seconds();
  train(*agent_, *env_, state_, hooks, stop_);

  RunSummary summary{.run_dir = folder_,
                     .steps = state_.steps,
                     .seconds = clock_.seconds(),
                     .steps_per_second = status().steps_per_second,
                     .evaluation = {},
                     .best_mean_reward = 0,
                     .mean_regret = episodes_->mean_regret(),
                     .interrupted = true};
  if (show) show(status());
  const bool finished_training = state_.steps >= state_.total_steps || state_.reached_goal;
  std::optional<EvaluationResult> last;
  if (finished_training) {
    // The last evaluation can be long: what was trained is safe before it begins.
    save_numbered();
    last = evaluation_->finish(state_.steps);
  }
  if (last) {
    summary.evaluation = std::move(*last);
    summary.best_mean_reward = evaluation_->best_mean();
    summary.interrupted = false;
    finished_ = true;
    // A training that ended at its goal has this step's row and best checkpoint already.
    if (!state_.reached_goal) {
      metrics_->write(state_.steps);
      if (evaluation_->reached_best()) save_best();
    }
  }
  save_numbered();
  if (rollouts_) rollouts_->log().close();
  return summary;
}

Status Run::status() const {
  return {.steps = state_.steps,
          .total_steps = state_.total_steps,
          .seconds = clock_.seconds(),
          .steps_per_second =
              static_cast<double>(state_.steps - first_step_) / std::max(1e-9, clock_.seconds() - first_second_),
          .mean_reward = episodes_->mean_reward(),
          .eval_mean = evaluation_->last_mean()};
}

std::vector<fs::path> checkpoints(const fs::path& path) {
  if (!fs::exists(path)) fail(ErrorKind::kBadFile, "there is no run or checkpoint ", path.string());
  if (!fs::is_directory(path)) return {path};
  std::vector<fs::path> found;
  if (fs::is_directory(path / "checkpoints")) {
    for (const auto& entry : fs::directory_iterator(path / "checkpoints")) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("step-") && name.ends_with(".h5")) found.push_back(entry.path());
    }
  }
  std::sort(found.rbegin(), found.rend());
  if (!found.empty()) return found;
  if (std::ifstream file(path / "command.txt"); file) {
    std::string command;
    std::getline(file, command);
    fail(ErrorKind::kBadFile, "the run ", path.string(),
         " holds no checkpoint: it stopped before its first; start it again with: ", command);
  }
  fail(ErrorKind::kBadFile, path.string(),
       " holds no checkpoint; is it a run folder (runs/<env>/<agent>/<name>-s<seed>)?");
}

std::unique_ptr<Run> Run::resume(const fs::path& path, const std::atomic<bool>& stop, std::vector<std::string>& notes) {
  std::string reason;
  const std::vector<fs::path> candidates = checkpoints(path);
  for (const fs::path& file : candidates) {
    try {
      const CheckpointInfo info = read_checkpoint_info(file);
      if (file.filename() == "best.h5") {
        fail(ErrorKind::kUsage, file.string(),
             " holds a policy, not a whole run; corvid evaluate plays it, corvid resume ",
             file.parent_path().parent_path().string(), " goes on with the run");
      }
      RunSetup setup = setup_of(info, file);
      std::unique_ptr<Run> run(new Run(folder_of_checkpoint(file), std::move(setup), stop));
      run->lock_ = std::make_unique<Lock>(run->folder_);
      run->make_agent();
      run->make_hooks();
      load_checkpoint(file, [&](Archive& archive) { run->visit(archive); });
      run->clock_.start();
      // The logs end at this checkpoint now, so later ones no longer fit them; the run writes them again.
      for (const fs::path& later : checkpoints(run->folder_)) {
        if (later.filename() <= file.filename() || file.filename() == "last.h5") continue;
        fs::remove(later);
        notes.push_back("removed the later checkpoint " + later.string() + ", whose logs are rewritten from here");
      }
      for (const auto& [name, value] : versions()) {
        const auto old = info.versions.find(name);
        if (old == info.versions.end() || old->second == value) continue;
        std::ostringstream note;
        note << name << " was '" << old->second << "' and is now '" << value
             << "': the rest may differ in the last bits from a run that never stopped";
        notes.push_back(note.str());
      }
      return run;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kBadFile || candidates.size() == 1) throw;
      notes.push_back(std::string("passed over ") + file.string() + ": " + error.what());
      reason = error.what();
    }
  }
  fail(ErrorKind::kBadFile, "no checkpoint of ", path.string(), " can be read; the last one said: ", reason);
}

/// The policy in one checkpoint file.
static LoadedAgent load_agent_of(const fs::path& file, const std::string& device, std::int64_t num_threads,
                                 const std::string& fused) {
  const CheckpointInfo info = read_checkpoint_info(file);
  LoadedAgent loaded{.checkpoint = file, .setup = setup_of(info, file), .agent = nullptr, .steps = info.step};
  loaded.setup.config.device = device;
  loaded.setup.config.num_threads = num_threads;
  loaded.setup.config.fused = fused;
  const auto env = make_env(loaded.setup.config.env, vector_options(loaded.setup.config, AutoReset::kSameStep, 1),
                            loaded.setup.env_options);
  AgentContext context = agent_context(loaded.setup.config, *env);
  context.learning = false;
  loaded.agent = loaded.setup.agent->make(context);
  load_checkpoint(
      file, [&](Archive& archive) { archive("agent", *loaded.agent); }, "agent/");
  return loaded;
}

LoadedAgent load_agent(const fs::path& path, const std::string& device, std::int64_t num_threads,
                       const std::string& fused) {
  if (!fs::is_directory(path)) return load_agent_of(path, device, num_threads, fused);
  // A training under way replaces best.h5 and removes old checkpoints, perhaps while they are read.
  constexpr int kTries = 5;
  for (int tried = 1;; ++tried) {
    const fs::path best = path / "checkpoints" / "best.h5";
    try {
      return load_agent_of(fs::exists(best) ? best : checkpoints(path).front(), device, num_threads, fused);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kBadFile || tried == kTries) throw;
    }
  }
}

}  // namespace corvid
