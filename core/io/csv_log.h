// The text files of a run, as Stable-Baselines3 writes them, so that its plotters and the Zoo's read them. All of them
// go on exactly where a checkpoint left them: on load they forget what was written after it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/archive.h"
#include "core/io/disk_file.h"

namespace corvid {

/// Lines appended to a file. A log that is not resumed starts empty: its first write replaces an older file. Lines
/// reach the system at flush, every 16 KB and every second. Not thread-safe.
class TextLog {
 public:
  explicit TextLog(std::filesystem::path path);
  ~TextLog();  // flushes; never throws
  TextLog(const TextLog&) = delete;
  TextLog& operator=(const TextLog&) = delete;

  void line(std::string_view text);
  void flush();

  /// Saving stores the length of the file, which the disk then has; loading cuts the file to it. Throws Error kBadFile
  /// when the file is missing or shorter.
  void visit(Archive& archive);

  bool empty() const { return size_ == 0; }  // nothing written or resumed

 private:
  std::filesystem::path path_;
  std::unique_ptr<AppendFile> file_;  // opened by the first write
  std::string buffer_;
  std::int64_t size_ = 0;  // bytes in file and buffer
  std::chrono::steady_clock::time_point last_flush_;
};

/// monitor.csv: one row an episode. The name of the file must end in "monitor.csv".
class MonitorCsv {
 public:
  /// `t_start` in seconds since 1970.
  MonitorCsv(std::filesystem::path path, std::string env_id, double t_start);

  /// Return, length in steps, and seconds since t_start.
  void episode(double r, std::int64_t l, double t);
  void flush();
  void visit(Archive& archive) { archive("log", log_); }

 private:
  void header();

  TextLog log_;
  std::string env_id_;
  double t_start_;
};

/// progress.csv: one row a report. When new keys appear the file is rewritten with empty cells in the rows before.
class ProgressCsv {
 public:
  explicit ProgressCsv(std::filesystem::path path);

  /// A key that is absent or NaN gives an empty cell.
  void row(const std::vector<std::pair<std::string, double>>& values);

  /// Stores the keys and the number of rows; loading drops later rows and columns.
  void visit(Archive& archive);

 private:
  void widen(std::vector<std::string> keys);

  std::filesystem::path path_;
  std::unique_ptr<AppendFile> file_;
  std::vector<std::string> keys_;
  std::int64_t rows_ = 0;
};

}  // namespace corvid
