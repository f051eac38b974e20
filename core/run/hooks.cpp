#include "core/run/hooks.h"

#include <charconv>
#include <cmath>
#include <map>
#include <numeric>

namespace corvid {

EpisodeHook::EpisodeHook(const std::filesystem::path& folder, const VectorEnv& env, const Clock& clock)
    : env_(env),
      clock_(clock),
      monitor_(folder / "monitor.csv", env.id(),
               std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count()),
      running_rewards_(static_cast<std::size_t>(env.num_envs())),
      running_lengths_(running_rewards_.size()),
      running_regrets_(env.last_regret() ? running_rewards_.size() : 0) {}

double EpisodeHook::mean(const std::vector<double>& window) {
  if (window.empty()) return std::numeric_limits<double>::quiet_NaN();
  return std::accumulate(window.begin(), window.end(), 0.0) / static_cast<double>(window.size());
}

void EpisodeHook::push(std::vector<double>& window, double value) {
  if (window.size() == kWindow) window.erase(window.begin());
  window.push_back(value);
}

void EpisodeHook::on_step(const RolloutStep& step, std::int64_t) {
  const double* const regrets = env_.last_regret();
  for (std::size_t i = 0; i < running_rewards_.size(); ++i) {
    running_rewards_[i] += step.rewards[i];
    if (regrets) running_regrets_[i] += regrets[i];
    ++running_lengths_[i];
    if (!step.terminated[i] && !step.truncated[i]) continue;
    monitor_.episode(running_rewards_[i], running_lengths_[i], clock_.seconds());
    push(rewards_, running_rewards_[i]);
    push(lengths_, static_cast<double>(running_lengths_[i]));
    running_rewards_[i] = 0;
    running_lengths_[i] = 0;
    if (!regrets) continue;
    push(regrets_, running_regrets_[i]);
    running_regrets_[i] = 0;
  }
}

void EpisodeHook::visit(Archive& archive) {
  archive("monitor", monitor_);
  archive("running_rewards", running_rewards_);
  archive("running_lengths", running_lengths_);
  archive("rewards", rewards_);
  archive("lengths", lengths_);
  if (!env_.last_regret()) return;
  archive("running_regrets", running_regrets_);
  archive("regrets", regrets_);
}

EvaluationHook::EvaluationHook(const std::filesystem::path& folder, const RunConfig& config, const EnvOptions& options,
                               Agent& agent, const std::atomic<bool>& stop)
    : config_(config),
      options_(options),
      agent_(agent),
      stop_(stop),
      freq_(evaluation_freq(config)),
      next_(freq_),
      file_(folder / "evaluations.npz") {}

namespace {

std::unique_ptr<VectorEnv> evaluation_env(const RunConfig& config, const EnvOptions& options, std::int64_t episodes) {
  return make_env(config.env, vector_options(config, AutoReset::kDisabled, episodes), options);
}

}  // namespace

bool EvaluationHook::after_step(std::int64_t steps) {
  fresh_.reset();
  reached_best_ = false;
  if (freq_ == 0 || steps < next_ || steps >= config_.total_timesteps) return true;
  if (!env_) env_ = evaluation_env(config_, options_, config_.n_eval_episodes);
  EvaluationResult result = evaluate(agent_.policy(), *env_, static_cast<std::uint64_t>(config_.eval_seed),
                                     config_.deterministic_eval, kMaxEvaluationSteps, [this] { return stop_.load(); });
  if (static_cast<std::int64_t>(result.rewards.size()) < config_.n_eval_episodes) return false;  // stopped
  while (next_ <= steps) next_ += freq_;
  keep(std::move(result), steps);
  return true;
}

std::optional<EvaluationResult> EvaluationHook::finish(std::int64_t steps) {
  const bool is_kept = fresh_.has_value();  // by after_step, when training ended at its goal
  const std::int64_t episodes = std::max(config_.n_eval_episodes, config_.n_final_eval_episodes);
  const auto env = evaluation_env(config_, options_, episodes);
  EvaluationResult all = evaluate(agent_.policy(), *env, static_cast<std::uint64_t>(config_.eval_seed),
                                  config_.deterministic_eval, kMaxEvaluationSteps, [this] { return stop_.load(); });
  if (static_cast<std::int64_t>(all.rewards.size()) < episodes) return std::nullopt;
  EvaluationResult first = all;
  first.rewards.resize(static_cast<std::size_t>(config_.n_eval_episodes));
  first.lengths.resize(static_cast<std::size_t>(config_.n_eval_episodes));
  if (!is_kept) keep(std::move(first), steps);
  return all;
}

void EvaluationHook::keep(EvaluationResult result, std::int64_t steps) {
  file_.add(steps, result.rewards, result.lengths);
  last_mean_ = result.mean_reward();
  reached_best_ = last_mean_ >= best_;
  best_ = std::max(best_, last_mean_);
  fresh_ = std::move(result);
}

void EvaluationHook::visit(Archive& archive) {
  archive("file", file_);
  archive("next", next_);
  archive("best", best_);
  archive("last_mean", last_mean_);
}

MetricsHook::MetricsHook(const std::filesystem::path& folder, const RunConfig& config, Agent& agent,
                         const EpisodeHook& episodes, const EvaluationHook& evaluation, const Clock& clock)
    : agent_(agent),
      episodes_(episodes),
      evaluation_(evaluation),
      clock_(clock),
      freq_(std::max<std::int64_t>(1, steps_or_share(config.log_freq, config.total_timesteps, 100))),
      total_steps_(config.total_timesteps),
      next_(freq_),
      csv_(folder / "progress.csv") {
  if (config.tensorboard) event_folder_ = folder;
}

bool MetricsHook::after_step(std::int64_t steps) {
  // The last row is written after the evaluation at the end.
  if (steps >= total_steps_ || (steps < next_ && !evaluation_.fresh())) return true;
  while (next_ <= steps) next_ += freq_;
  write(steps);
  return true;
}

void MetricsHook::write(std::int64_t steps) {
  Metrics metrics;
  if (!std::isnan(episodes_.mean_reward())) {
    metrics.set("rollout/ep_rew_mean", episodes_.mean_reward());
    metrics.set("rollout/ep_len_mean", episodes_.mean_length());
  }
  if (!std::isnan(episodes_.mean_regret())) metrics.set("rollout/ep_regret_mean", episodes_.mean_regret());
  if (evaluation_.fresh()) {
    metrics.set("eval/mean_reward", evaluation_.fresh()->mean_reward());
    metrics.set("eval/mean_ep_length", evaluation_.fresh()->mean_length());
  }
  metrics.set("time/total_timesteps", static_cast<double>(steps));
  metrics.set("time/time_elapsed", clock_.seconds());
  metrics.set("time/fps", static_cast<double>(steps) / std::max(1e-9, clock_.seconds()));
  agent_.report(metrics);
  for (const auto& [name, value] : metrics.values()) {
    if (name.starts_with("train/") && name.ends_with("_loss") && !std::isfinite(value)) {
      fail(ErrorKind::kFailed, name, " became ", value, " at step ", steps,
           "; lower learning_rate or max_grad_norm, or look for unbounded observations or rewards");
    }
  }
  csv_.row(metrics.values());
  if (!open_events()) return;
  for (const auto& [name, value] : metrics.values()) events_->scalar(name, value, steps);
}

void MetricsHook::describe(const Fields& settings, const std::string& toml) {
  if (!open_events()) return;
  std::map<std::string, std::variant<double, bool, std::string>> values;
  for (const Field& field : settings) {
    const std::string text = field.value();
    double number = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text == "true" || text == "false")
      values[field.name()] = text == "true";
    else if (code == std::errc() && end == text.data() + text.size())
      values[field.name()] = number;
    else
      values[field.name()] = text;
  }
  events_->hparams(values, {"eval/mean_reward", "rollout/ep_rew_mean"});
  events_->text("config", "```\n" + toml + "```", 0);
}

void MetricsHook::image(std::string_view tag, std::string_view encoded, int width, int height, std::int64_t step) {
  if (open_events()) events_->image(tag, encoded, width, height, step);
}

bool MetricsHook::open_events() {
  if (!events_ && !event_folder_.empty()) events_.emplace(event_folder_);
  return events_.has_value();
}

void MetricsHook::flush() {
  if (events_) events_->flush();
}

void MetricsHook::visit(Archive& archive) {
  archive("csv", csv_);
  archive("next", next_);
}

}  // namespace corvid
