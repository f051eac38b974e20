// What a run folder tells about a training: its settings, and its metrics over the steps. Only reads, and a run that is
// still training may be read at any time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corvid {

/// One metric; rows in which it has no number are left out. Steps ascend, each stands once.
struct MetricLog {
  std::string name;
  std::vector<double> steps, values;
};

struct RunLog {
  std::filesystem::path folder;
  std::string agent, env;
  std::int64_t seed = 0;
  std::vector<std::pair<std::string, std::string>> settings;  // "run.num_envs", "8": all of config.toml
  std::vector<MetricLog> metrics;                             // of progress.csv, then of evaluations.npz

  /// Null when the run has no such metric.
  const MetricLog* find(std::string_view name) const;
};

/// A folder with config.toml.
bool is_run_folder(const std::filesystem::path& path);

/// `path` itself when it is a run folder, else all run folders below it, sorted. Throws Error when there is none.
std::vector<std::filesystem::path> find_runs(const std::filesystem::path& path);

/// Throws Error kBadFile, which names file and line, when a file of the run is damaged. Logs that are not there yet
/// are no mistake.
RunLog read_run_log(const std::filesystem::path& folder);

/// Seconds of training at which each episode of the run ended (column t of monitor.csv), ascending.
std::vector<double> read_episode_ends(const std::filesystem::path& folder);

}  // namespace corvid
