#include "core/io/run_log.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "core/base/check.h"
#include "core/io/config_file.h"
#include "core/io/disk_file.h"
#include "core/io/npz.h"

namespace corvid {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMaxLogBytes = std::int64_t{1} << 32;
constexpr std::string_view kSteps = "time/total_timesteps";

// Rows of a CSV file of numbers. What follows the last line break is a row that is being written, and left out.
class NumberTable {
 public:
  explicit NumberTable(const fs::path& path) : path_(path), text_(read_file(path, kMaxLogBytes)) {
    do {
      if (!next_line()) return;
    } while (line_.starts_with('#'));
    read_names();
  }

  const std::vector<std::string>& names() const { return names_; }

  std::size_t column(std::string_view name) const {
    const auto place = std::find(names_.begin(), names_.end(), name);
    if (place == names_.end()) refuse("there is no column '" + std::string(name) + "' in its header");
    return static_cast<std::size_t>(place - names_.begin());
  }

  /// False at the end. An empty cell is NaN.
  bool next(std::vector<double>& cells) {
    if (!next_line()) return false;
    cells.clear();
    for (std::size_t at = 0; at <= line_.size();) {
      const std::size_t end = std::min(line_.find(',', at), line_.size());
      cells.push_back(cell(line_.substr(at, end - at)));
      at = end + 1;
    }
    if (cells.size() != names_.size())
      refuse("expected " + std::to_string(names_.size()) + " cells as in the header, got " +
             std::to_string(cells.size()));
    return true;
  }

  [[noreturn]] void refuse(const std::string& what) const {
    fail(ErrorKind::kBadFile, path_.string(), ":", number_, ": ", what,
         "; the file was changed or is damaged: correct or remove that line");
  }

 private:
  bool next_line() {
    const std::size_t end = text_.find('\n', at_);
    if (end == std::string::npos) return false;
    line_ = std::string_view(text_).substr(at_, end - at_);
    if (line_.ends_with('\r')) line_.remove_suffix(1);
    at_ = end + 1;
    ++number_;
    return true;
  }

  double cell(std::string_view text) const {
    if (text.empty()) return std::nan("");
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
      refuse("expected a number, got '" + std::string(text.substr(0, 40)) + "'");
    return value;
  }

  void read_names() {
    std::string name;
    bool quoted = false;
    for (std::size_t at = 0; at < line_.size(); ++at) {
      const char c = line_[at];
      if (c == '"' && quoted && line_.substr(at + 1).starts_with('"')) {
        name += line_[at++];
      } else if (c == '"') {
        quoted = !quoted;
      } else if (c == ',' && !quoted) {
        names_.push_back(std::move(name));
        name.clear();
      } else {
        name += c;
      }
    }
    names_.push_back(std::move(name));
  }

  const fs::path& path_;
  std::string text_;
  std::string_view line_;
  std::size_t at_ = 0;
  int number_ = 0;
  std::vector<std::string> names_;
};

void add(MetricLog& log, double step, double value) {
  if (!log.steps.empty() && log.steps.back() == step) {
    log.values.back() = value;  // a second row of the same step tells more
    return;
  }
  log.steps.push_back(step);
  log.values.push_back(value);
}

void read_progress(const fs::path& path, RunLog& log) {
  if (!fs::exists(path)) return;
  NumberTable table(path);
  if (table.names().empty()) return;
  const std::size_t steps = table.column(kSteps);
  for (const std::string& name : table.names()) log.metrics.push_back({name, {}, {}});
  double last = 0;
  for (std::vector<double> cells; table.next(cells);) {
    if (!(cells[steps] >= last)) table.refuse("expected steps that ascend");
    last = cells[steps];
    for (std::size_t k = 0; k < cells.size(); ++k) {
      if (!std::isnan(cells[k])) add(log.metrics[k], last, cells[k]);
    }
  }
}

// The file of evaluations counts, not its means in progress.csv; they differ only when one of them was changed.
void read_evaluation_metrics(const fs::path& path, RunLog& log) {
  if (!fs::exists(path)) return;
  const Evaluations all = read_evaluations(path);
  const std::size_t n = all.num_episodes;
  MetricLog reward{"eval/mean_reward"}, length{"eval/mean_ep_length"}, median{"eval/median_reward"},
      lowest{"eval/min_reward"}, highest{"eval/max_reward"};
  for (std::size_t k = 0; k < all.timesteps.size(); ++k) {
    std::vector<double> rewards(all.rewards.begin() + static_cast<std::ptrdiff_t>(k * n),
                                all.rewards.begin() + static_cast<std::ptrdiff_t>((k + 1) * n));
    const auto step = static_cast<double>(all.timesteps[k]);
    const auto episodes = static_cast<double>(n);
    add(reward, step, std::accumulate(rewards.begin(), rewards.end(), 0.0) / episodes);
    std::sort(rewards.begin(), rewards.end());
    add(median, step, (rewards[(n - 1) / 2] + rewards[n / 2]) / 2);
    add(lowest, step, rewards.front());
    add(highest, step, rewards.back());
    double steps = 0;
    for (std::size_t i = 0; i < n; ++i) steps += static_cast<double>(all.lengths[k * n + i]);
    add(length, step, steps / episodes);
  }
  for (MetricLog* metric : {&reward, &length, &median, &lowest, &highest}) {
    std::erase_if(log.metrics, [&](const MetricLog& other) { return other.name == metric->name; });
    log.metrics.push_back(std::move(*metric));
  }
}

void read_settings(const fs::path& path, RunLog& log) {
  std::vector<ConfigSection> sections;
  try {
    sections = read_config(path);
  } catch (const Error& error) {
    fail(ErrorKind::kBadFile, error.what());  // nobody wrote this file by hand
  }
  for (const ConfigSection& section : sections) {
    for (const ConfigEntry& entry : section.entries) {
      log.settings.emplace_back(section.name + "." + entry.key, entry.value);
      if (section.name != "run") continue;
      if (entry.key == "agent") log.agent = entry.value;
      if (entry.key == "env") log.env = entry.value;
      if (entry.key == "seed") std::from_chars(entry.value.data(), entry.value.data() + entry.value.size(), log.seed);
    }
  }
  if (log.agent.empty() || log.env.empty())
    fail(ErrorKind::kBadFile, path.string(), ": expected agent and env in [run], as corvid train writes them");
}

}  // namespace

const MetricLog* RunLog::find(std::string_view name) const {
  const auto place =
      std::find_if(metrics.begin(), metrics.end(), [&](const MetricLog& log) { return log.name == name; });
  return place == metrics.end() ? nullptr : &*place;
}

bool is_run_folder(const fs::path& path) { return fs::is_regular_file(path / "config.toml"); }

std::vector<fs::path> find_runs(const fs::path& path) {
  if (!fs::exists(path)) fail(ErrorKind::kBadFile, "there is no run folder ", path.string());
  if (!fs::is_directory(path)) {
    fail(ErrorKind::kBadFile, path.string(),
         " is a file; expected the folder of a run (runs/<env>/<agent>/<name>-s<seed>), or one that holds runs");
  }
  if (is_run_folder(path)) return {path};
  std::vector<fs::path> found;
  for (auto at = fs::recursive_directory_iterator(path, fs::directory_options::skip_permission_denied);
       at != fs::recursive_directory_iterator(); ++at) {
    if (!at->is_directory() || !is_run_folder(at->path())) continue;
    found.push_back(at->path());
    at.disable_recursion_pending();
  }
  if (found.empty()) {
    fail(ErrorKind::kBadFile, path.string(),
         " holds no run: neither it nor a folder below it has a config.toml; is it a run folder "
         "(runs/<env>/<agent>/<name>-s<seed>)?");
  }
  std::sort(found.begin(), found.end());
  return found;
}

RunLog read_run_log(const fs::path& folder) {
  RunLog log;
  log.folder = folder;
  read_settings(folder / "config.toml", log);
  read_progress(folder / "progress.csv", log);
  read_evaluation_metrics(folder / "evaluations.npz", log);
  return log;
}

std::vector<double> read_episode_ends(const fs::path& folder) {
  const fs::path path = folder / "monitor.csv";
  std::vector<double> ends;
  if (!fs::exists(path)) return ends;
  NumberTable table(path);
  if (table.names().empty()) return ends;
  const std::size_t t = table.column("t");
  for (std::vector<double> cells; table.next(cells);) ends.push_back(cells[t]);
  std::sort(ends.begin(), ends.end());
  return ends;
}

}  // namespace corvid
