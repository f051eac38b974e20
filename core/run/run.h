// A run: its folder, settings, agent, environments and hooks; made new or taken up from a checkpoint.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/io/checkpoint.h"
#include "core/io/config_file.h"
#include "core/run/hooks.h"

namespace corvid {

struct RunSummary {
  std::filesystem::path run_dir;
  std::int64_t steps = 0;
  double seconds = 0;  // training, evaluations included
  double steps_per_second = 0;
  EvaluationResult evaluation;  // empty when interrupted
  double best_mean_reward = 0;  // of all evaluations, that of best.h5
  double mean_regret = 0;       // of the last 100 training episodes; NaN when the environment does not tell
  bool interrupted = false;
};

/// An agent's settings and the environment's options beside the run's own.
struct RunSetup {
  RunConfig config;
  std::unique_ptr<AgentMaker> agent;
  EnvOptions env_options;

  /// All of it as TOML: what config.toml holds and --config reads.
  std::string to_toml() const;
};

/// Applies one section of a settings file, run, agent or env; `setup.agent` must be made before the agent's. Throws
/// Error with file and line for what is unknown or wrong.
void apply_section(RunSetup& setup, const ConfigSection& section, std::string_view file);

/// Reads settings from TOML text with sections run, agent and env. Throws Error with `name` and line.
RunSetup setup_from_toml(std::string_view text, std::string_view name);

/// Options as a JSON object of texts, {"name": "value"}, as rollouts tell them.
std::string env_options_json(const EnvOptions& options);

/// What made the run, for versions.toml: Corvid, LibTorch, compiler, processor.
std::map<std::string, std::string> versions();

/// What an agent of a run with these settings is made for.
AgentContext agent_context(const RunConfig& config, const VectorEnv& env);

class Run {
 public:
  /// A new run: makes the folder and writes config.toml, command.txt and versions.toml.
  Run(RunSetup setup, const std::string& command, const std::atomic<bool>& stop);

  /// Takes up a run from its folder (newest checkpoint that is whole) or one checkpoint of it. `notes` receives what
  /// the user should know: damaged checkpoints passed over, another machine or version.
  static std::unique_ptr<Run> resume(const std::filesystem::path& path, const std::atomic<bool>& stop,
                                     std::vector<std::string>& notes);

  ~Run();

  /// Trains to the end or until stopped; writes a checkpoint in either case. `show` is called now and then.
  RunSummary execute(const std::function<void(const Status&)>& show);

  /// Another hook, which must outlive the run; called before a checkpoint is made. It is not part of checkpoints.
  void add_hook(Hook& hook) { more_hooks_.push_back(&hook); }

  /// An image for TensorBoard at this step: `encoded` is a PNG or GIF file of that size in pixels.
  void log_image(std::string_view tag, std::string_view encoded, int width, int height) {
    metrics_->image(tag, encoded, width, height, state_.steps);
  }

  const VectorEnv& env() const { return *env_; }
  Policy& policy() { return agent_->policy(); }
  const std::filesystem::path& folder() const { return folder_; }
  const RunSetup& setup() const { return setup_; }
  const Agent& agent() const { return *agent_; }
  int longest_episode() const { return env_->longest_episode(); }  // steps; 0: no limit
  std::int64_t steps() const { return state_.steps; }
  bool finished() const { return finished_; }

 private:
  struct Lock;
  Run(std::filesystem::path folder, RunSetup setup, const std::atomic<bool>& stop);

  void make_agent();
  void make_hooks();
  Status status() const;
  void visit(Archive& archive);
  CheckpointInfo info() const;
  void save_best();      // the agent alone
  void save_numbered();  // everything

  RunSetup setup_;
  std::filesystem::path folder_;
  const std::atomic<bool>& stop_;
  std::unique_ptr<Lock> lock_;
  TrainState state_;
  std::unique_ptr<VectorEnv> env_;
  std::unique_ptr<Agent> agent_;
  Clock clock_;
  std::unique_ptr<EpisodeHook> episodes_;
  std::unique_ptr<EvaluationHook> evaluation_;
  std::unique_ptr<MetricsHook> metrics_;
  std::unique_ptr<RolloutHook> rollouts_;
  std::vector<Hook*> more_hooks_;
  std::int64_t next_save_ = 0;
  bool finished_ = false;        // trained and evaluated
  std::int64_t first_step_ = 0;  // of this process
  double first_second_ = 0;
};

/// The checkpoint files of a run folder, newest first; a checkpoint file itself is returned as it is.
std::vector<std::filesystem::path> checkpoints(const std::filesystem::path& path);

/// A trained policy with what it was trained for, loaded from a checkpoint file or a run folder (its best checkpoint).
struct LoadedAgent {
  std::filesystem::path checkpoint;
  RunSetup setup;
  std::unique_ptr<Agent> agent;
  std::int64_t steps = 0;
};
LoadedAgent load_agent(const std::filesystem::path& path, const std::string& device, std::int64_t num_threads = 1,
                       const std::string& fused = "auto");

}  // namespace corvid
