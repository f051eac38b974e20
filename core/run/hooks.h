// The hooks of a run: episode log, metrics, evaluation, rollout log, checkpoints.
#pragma once

#include <chrono>
#include <deque>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>

#include "core/io/csv_log.h"
#include "core/io/event_file.h"
#include "core/io/npz.h"
#include "core/io/rollout_log.h"
#include "core/run/evaluate.h"
#include "core/run/run_config.h"
#include "core/run/train.h"

namespace corvid {

/// Training time, summed over interruptions.
class Clock {
 public:
  void start() { start_ = std::chrono::steady_clock::now(); }
  double seconds() const {
    return before_ + std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  void visit(Archive& archive) {
    double now = seconds();
    archive("seconds", now);
    if (archive.loading()) before_ = now;
  }

 private:
  double before_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Returns, lengths and regrets of training episodes: monitor.csv and the means of the last 100.
class EpisodeHook final : public Hook {
 public:
  EpisodeHook(const std::filesystem::path& folder, const VectorEnv& env, const Clock& clock);

  void on_step(const RolloutStep& step, std::int64_t steps) override;
  void visit(Archive& archive) override;
  void flush() { monitor_.flush(); }

  /// NaN before the first episode ended.
  double mean_reward() const { return mean(rewards_); }
  double mean_length() const { return mean(lengths_); }
  double mean_regret() const { return mean(regrets_); }  // NaN also when the environment does not tell

 private:
  static constexpr std::size_t kWindow = 100;
  static double mean(const std::vector<double>& window);
  static void push(std::vector<double>& window, double value);

  const VectorEnv& env_;
  const Clock& clock_;
  MonitorCsv monitor_;
  std::vector<double> running_rewards_;              // [N]
  std::vector<std::int64_t> running_lengths_;        // [N]
  std::vector<double> running_regrets_;              // [N], empty when the environment does not tell
  std::vector<double> rewards_, lengths_, regrets_;  // of the last kWindow episodes
};

/// Evaluates every `freq` steps; keeps evaluations.npz and tells when a new best was reached.
class EvaluationHook final : public Hook {
 public:
  EvaluationHook(const std::filesystem::path& folder, const RunConfig& config, const EnvOptions& options, Agent& agent,
                 const std::atomic<bool>& stop);

  bool after_step(std::int64_t steps) override;
  void visit(Archive& archive) override;

  /// The evaluation at the end, of `n_final_eval_episodes`; its first `n_eval_episodes` go into evaluations.npz.
  /// Nothing is kept or returned when it was stopped.
  std::optional<EvaluationResult> finish(std::int64_t steps);

  /// Mean and length of the last evaluation when it was made at this step.
  const std::optional<EvaluationResult>& fresh() const { return fresh_; }
  bool reached_best() const { return reached_best_; }
  double last_mean() const { return last_mean_; }
  double best_mean() const { return best_; }  // minus infinity before the first

 private:
  void keep(EvaluationResult result, std::int64_t steps);

  const RunConfig& config_;
  EnvOptions options_;
  Agent& agent_;
  const std::atomic<bool>& stop_;
  std::int64_t freq_, next_;
  std::unique_ptr<VectorEnv> env_;
  EvaluationsNpz file_;
  std::optional<EvaluationResult> fresh_;
  bool reached_best_ = false;
  double best_ = -std::numeric_limits<double>::infinity();
  double last_mean_ = std::numeric_limits<double>::quiet_NaN();
};

/// What a terminal shows while a run goes on.
struct Status {
  std::int64_t steps = 0, total_steps = 0;
  double seconds = 0, steps_per_second = 0;
  double mean_reward = 0;  // last 100 training episodes; NaN before the first
  double eval_mean = 0;    // last evaluation; NaN before the first
};

/// progress.csv and TensorBoard, every `freq` steps and whenever an evaluation was made.
class MetricsHook final : public Hook {
 public:
  MetricsHook(const std::filesystem::path& folder, const RunConfig& config, Agent& agent, const EpisodeHook& episodes,
              const EvaluationHook& evaluation, const Clock& clock);

  bool after_step(std::int64_t steps) override;
  void visit(Archive& archive) override;
  void write(std::int64_t steps);
  void flush();

  /// An encoded picture for TensorBoard, see EventWriter.
  void image(std::string_view tag, std::string_view encoded, int width, int height, std::int64_t step);

  /// Puts the settings beside the curves: TensorBoard's HParams page and a text.
  void describe(const Fields& settings, const std::string& toml);

 private:
  bool open_events();

  Agent& agent_;
  const EpisodeHook& episodes_;
  const EvaluationHook& evaluation_;
  const Clock& clock_;
  std::int64_t freq_, total_steps_, next_;
  ProgressCsv csv_;
  std::filesystem::path event_folder_;  // empty: no TensorBoard
  std::optional<EventWriter> events_;   // opened by the first row, so that looking at a run adds no file
};

/// HDF5 rollouts.
class RolloutHook final : public Hook {
 public:
  RolloutHook(const std::filesystem::path& folder, RolloutInfo info, RolloutOptions options, Agent& agent)
      : agent_(agent), has_values_(info.has_values), log_(folder, std::move(info), options) {}

  void on_step(const RolloutStep& step, std::int64_t) override {
    RolloutStep whole = step;
    if (has_values_) whole.values = agent_.last_values();
    log_.append(whole);
  }
  void visit(Archive& archive) override { archive("log", log_); }
  RolloutLog& log() { return log_; }

 private:
  Agent& agent_;
  bool has_values_;
  RolloutLog log_;
};

}  // namespace corvid
