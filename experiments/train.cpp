// corvid train, corvid resume: from settings, or a checkpoint, to a trained and evaluated agent.
#include <cmath>
#include <iomanip>
#include <iostream>
#include <optional>

#include "experiments/progress.h"
#include "experiments/settings.h"
#include "experiments/watch.h"

namespace corvid {
namespace {

struct Output {
  bool json = false;
  bool quiet = false;
  bool render = false;
};

Fields fields(Output& o) {
  return {Field("json", &o.json, "end with one JSON line on standard output"),
          Field("quiet", &o.quiet, "print nothing but errors and the JSON line"),
          Field("render", &o.render, "show the environments in a window while they train")};
}

/// A word as a shell would need it to be typed.
std::string shell_quoted(const std::string& word) {
  if (!word.empty() &&
      word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=./:,+") ==
          std::string::npos)
    return word;
  std::string quoted = "'";
  for (char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

/// Null unless it is wished for. A window that cannot be opened is found before there is a run.
std::unique_ptr<LiveView> live_view(const Output& output, const std::string& title) {
  return output.render ? std::make_unique<LiveView>("corvid: " + title) : nullptr;
}

int finish(Run& run, const Output& output, LiveView* view) {
  Progress progress(output.quiet);
  RunSummary summary;
  std::optional<VideoCapture> films;
  if (const std::int64_t every = run.setup().config.capture_video; every > 0) run.add_hook(films.emplace(run, every));
  if (view) {
    view->watch(run.env(), run.setup().config.num_threads);
    run.add_hook(*view);
  }
  try {
    summary = run.execute([&](const Status& status) { progress.show(status); });
  } catch (const Error&) {
    progress.finish();
    // Diverged or a full disk: only one of them is mended by going on.
    std::cerr << "the run stopped. To train with other settings take another --name, or --overwrite. Where the cause "
                 "lies outside, "
                 "such as a full disk, go on from the last checkpoint, if there is one: "
              << program() << " resume " << run.folder().string() << "\n";
    throw;
  }
  progress.finish();
  if (films && !summary.interrupted) films->film(summary.steps);

  if (summary.interrupted) {
    std::cerr << "interrupted after " << summary.steps << " steps; everything so far is in " << summary.run_dir.string()
              << "\ngo on with: " << program() << " resume " << shell_quoted(summary.run_dir.string()) << "\n";
    return kExitInterrupted;
  }
  const EvaluationResult& evaluation = summary.evaluation;
  if (!output.quiet) {
    std::cout << std::fixed << std::setprecision(2) << "evaluation: " << evaluation.mean_reward() << " ± "
              << evaluation.std_reward() << " over " << evaluation.rewards.size()
              << " episodes at the end (last.h5); best " << summary.best_mean_reward << " over "
              << run.setup().config.n_eval_episodes << " (best.h5)\n";
    if (!std::isnan(summary.mean_regret))
      std::cout << "regret: " << summary.mean_regret << ", mean of the last training episodes\n";
    std::cout << std::setprecision(1) << "trained " << summary.steps << " steps in " << summary.seconds << " s ("
              << count_text(summary.steps_per_second) << " steps/s)\n"
              << "run folder: " << summary.run_dir.string() << "\n"
              << "  progress.csv monitor.csv evaluations.npz  learning curves\n"
              << "  checkpoints/best.h5 last.h5               " << program() << " evaluate "
              << shell_quoted(summary.run_dir.string()) << "\n";
  }
  if (output.json) {
    print_json({{"run_dir", summary.run_dir.string()},
                {"steps", summary.steps},
                {"seconds", json_number(summary.seconds)},
                {"sps", json_number(summary.steps_per_second)},
                {"eval_mean_reward", json_number(evaluation.mean_reward())},
                {"eval_std_reward", json_number(evaluation.std_reward())},
                {"eval_episodes", evaluation.rewards.size()},
                {"best_eval_mean_reward", json_number(summary.best_mean_reward)},
                {"seed", run.setup().config.seed}});
  }
  return 0;
}

/// A training too short for its first update means an agent that never learns.
void note_missing_updates(const RunSetup& setup) {
  const Fields fields = setup.agent->fields();
  auto value_of = [&](const char* name) -> std::optional<std::int64_t> {
    for (const Field& field : fields) {
      if (field.name() == name) return std::stoll(field.value());
    }
    return std::nullopt;
  };
  const bool has_rollouts = value_of("gae_lambda") || value_of("td_lambda");
  const std::int64_t total = setup.config.total_timesteps;
  std::string reason;
  if (const auto starts = value_of("learning_starts"); starts && *starts >= total) {
    reason = "updates begin after learning_starts " + std::to_string(*starts) + " steps";
  } else if (const auto steps = value_of("n_steps"); has_rollouts && steps && *steps * setup.config.num_envs > total) {
    reason = "one update needs " + std::to_string(*steps * setup.config.num_envs) + " steps (n_steps " +
             std::to_string(*steps) + " times num_envs " + std::to_string(setup.config.num_envs) + ")";
  }
  if (!reason.empty())
    std::cerr << "note: " << reason << ", but total_timesteps is " << total << ": nothing will be learned\n";
}

int train_command(const Command& command, const Arguments& arguments) {
  Output output;
  std::string note;
  std::optional<RunSetup> setup = read_settings(command, arguments, fields(output), note);
  if (!setup) return 0;

  std::string words = "corvid train";
  for (const std::string& argument : arguments) words += " " + shell_quoted(argument);
  const auto view = live_view(output, setup->config.agent + " on " + setup->config.env);
  Run run(std::move(*setup), words, stop_requested);
  if (!output.quiet) {
    const RunConfig& config = run.setup().config;
    std::cerr << "training " << config.agent << " on " << config.env << ", seed " << config.seed << ", with " << note
              << "\n"
              << "run folder " << run.folder().string() << "\n";
    note_missing_updates(run.setup());
    for (const std::string& line : run.agent().notes()) std::cerr << line << "\n";
    if (run.longest_episode() == 0) {
      std::cerr << "note: episodes of " << config.env << " have no step limit; evaluations cut them off after "
                << kMaxEvaluationSteps << " steps (--max-episode-steps sets a limit)\n";
    }
  }
  return finish(run, output, view.get());
}

int resume_command(const Command& command, const Arguments& arguments) {
  Output output;
  CommandLine line(command);
  line.add("Output", fields(output)).positional(1);
  if (!line.parse(arguments)) return 0;
  if (line.words().empty())
    fail(ErrorKind::kUsage,
         "corvid resume expects a run folder or checkpoint, for example runs/CartPole-v1/ppo/run-1-s0");

  const auto view = live_view(output, line.words()[0]);
  std::vector<std::string> notes;
  const std::unique_ptr<Run> run = Run::resume(line.words()[0], stop_requested, notes);
  for (const std::string& note : notes) std::cerr << "note: " << note << "\n";
  if (run->finished()) {
    std::cerr << "the run " << run->folder().string() << " is complete; see corvid evaluate " << run->folder().string()
              << "\n";
    return 0;
  }
  if (!output.quiet) std::cerr << "going on with " << run->folder().string() << " at step " << run->steps() << "\n";
  return finish(*run, output, view.get());
}

CORVID_REGISTER_COMMAND(train, {.id = "train",
                                .usage = "--agent AGENT --env ENV [--config FILE.toml] [--set key=value] [--env-set "
                                         "key=value] [--tuned=false] [options]",
                                .summary = "Train an agent, log, evaluate and checkpoint it",
                                .run = train_command});
CORVID_REGISTER_COMMAND(resume, {.id = "resume",
                                 .usage = "RUN|CHECKPOINT [--json] [--quiet]",
                                 .summary = "Go on with an interrupted run as if it had never stopped",
                                 .run = resume_command});

}  // namespace
}  // namespace corvid
