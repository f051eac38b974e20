#include "core/io/csv_log.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/base/check.h"
#include "core/base/fields.h"
#include "core/io/atomic_file.h"

namespace corvid {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBufferBytes = 16 << 10;
constexpr std::chrono::seconds kFlushEvery{1};
constexpr std::int64_t kMaxProgressBytes = std::int64_t{1} << 32;

// Python's round(value, 6), as text.
std::string six_decimals(double value) {
  const double rounded = std::round(value * 1e6) / 1e6;
  return number_text(std::isfinite(rounded) ? rounded : value);
}

std::string number_cell(double value) { return std::isnan(value) ? "" : number_text(value); }

std::string quoted_if_needed(const std::string& key) {
  if (key.find_first_of(",\"\r\n") == std::string::npos) return key;
  std::string quoted = "\"";
  for (const char c : key) {
    if (c == '\r' || c == '\n') {
      quoted += ' ';
      continue;
    }
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string header_line(const std::vector<std::string>& keys) {
  std::string text;
  for (const std::string& key : keys) text += (text.empty() ? "" : ",") + quoted_if_needed(key);
  return text + '\n';
}

// The first `count` columns of a line whose cells hold numbers.
std::string_view first_columns(std::string_view line, std::size_t count) {
  std::size_t end = 0;
  for (std::size_t k = 0; k < count; ++k) {
    if (k > 0) ++end;
    end = std::min(line.find(',', end), line.size());
  }
  return line.substr(0, end);
}

}  // namespace

// --- TextLog ---

TextLog::TextLog(fs::path path) : path_(std::move(path)), last_flush_(std::chrono::steady_clock::now()) {}

TextLog::~TextLog() {
  try {
    flush();
  } catch (...) {  // whoever wants to know calls flush()
  }
}

void TextLog::line(std::string_view text) {
  buffer_.append(text).push_back('\n');
  size_ += static_cast<std::int64_t>(text.size()) + 1;
  if (buffer_.size() >= kBufferBytes || std::chrono::steady_clock::now() - last_flush_ > kFlushEvery) flush();
}

void TextLog::flush() {
  last_flush_ = std::chrono::steady_clock::now();
  if (buffer_.empty()) return;
  if (!file_) {
    file_ = std::make_unique<AppendFile>(path_);
    if (file_->size() > 0) file_->cut_to(0);
  }
  const std::string bytes = std::exchange(buffer_, {});
  file_->write(bytes);
}

void TextLog::visit(Archive& archive) {
  if (!archive.loading()) {
    flush();
    if (file_) file_->sync();
    archive("bytes", size_);
    return;
  }
  std::int64_t bytes = 0;
  archive("bytes", bytes);
  buffer_.clear();
  file_.reset();
  size_ = bytes;
  if (bytes == 0) return;  // the first write replaces whatever is there
  const std::int64_t have = regular_file_size(path_);
  if (bytes < 0 || have < bytes) {
    fail(ErrorKind::kBadFile, path_.string(), " is shorter than when the checkpoint was written: expected at least ",
         bytes, " bytes, got ", have);
  }
  file_ = std::make_unique<AppendFile>(path_);
  file_->cut_to(bytes);
}

// --- MonitorCsv ---

MonitorCsv::MonitorCsv(fs::path path, std::string env_id, double t_start)
    : log_(std::move(path)), env_id_(std::move(env_id)), t_start_(t_start) {}

void MonitorCsv::header() {
  const nlohmann::ordered_json head = {{"t_start", t_start_}, {"env_id", env_id_}};
  log_.line("#" + head.dump());
  log_.line("r,l,t");
}

void MonitorCsv::episode(double r, std::int64_t l, double t) {
  if (log_.empty()) header();
  log_.line(six_decimals(r) + ',' + std::to_string(l) + ',' + six_decimals(t));
}

void MonitorCsv::flush() {
  if (log_.empty()) header();
  log_.flush();
}

// --- ProgressCsv ---

ProgressCsv::ProgressCsv(fs::path path) : path_(std::move(path)) {}

// Rewrites the file for more columns. On failure all is as it was.
void ProgressCsv::widen(std::vector<std::string> keys) {
  std::string text = header_line(keys);
  const std::string commas(keys.size() - keys_.size(), ',');
  const std::string old = rows_ > 0 ? read_file(path_, kMaxProgressBytes) : "";
  for (std::size_t at = old.find('\n') + 1; at < old.size();) {
    const std::size_t end = std::min(old.find('\n', at), old.size());
    text.append(old, at, end - at).append(commas).push_back('\n');
    at = end + 1;
  }
  write_text_atomically(path_, text);
  file_ = std::make_unique<AppendFile>(path_);
  keys_ = std::move(keys);
}

void ProgressCsv::row(const std::vector<std::pair<std::string, double>>& values) {
  std::vector<std::string> keys = keys_;
  for (const auto& [key, value] : values) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
  }
  if (keys.size() > keys_.size() || !file_) widen(std::move(keys));

  std::string line;
  for (const std::string& key : keys_) {
    const auto place = std::find_if(values.begin(), values.end(), [&](const auto& item) { return item.first == key; });
    if (&key != &keys_.front()) line += ',';
    if (place != values.end()) line += number_cell(place->second);
  }
  file_->write(line + '\n');
  ++rows_;
}

void ProgressCsv::visit(Archive& archive) {
  std::string keys;
  for (const std::string& key : keys_) keys += key + '\n';
  if (!archive.loading() && file_) file_->sync();
  archive("keys", keys);
  archive("rows", rows_);
  if (!archive.loading()) return;

  keys_.clear();
  for (std::size_t at = 0; at < keys.size(); at = keys.find('\n', at) + 1)
    keys_.push_back(keys.substr(at, keys.find('\n', at) - at));
  file_.reset();
  if (rows_ == 0) return;  // the first row replaces whatever is there
  const std::string old = read_file(path_, kMaxProgressBytes);
  std::string known = header_line(keys_);
  known.pop_back();
  std::string text = header_line(keys_);
  std::size_t at = old.find('\n');
  const bool fits =
      at != std::string::npos && old.starts_with(known) && (at == known.size() || old[known.size()] == ',');
  if (!fits)
    fail(ErrorKind::kBadFile, path_.string(),
         ": its columns are not those of the checkpoint: expected them to begin with '", known, "'");
  for (std::int64_t row = 0; row < rows_; ++row) {
    const std::size_t end = old.find('\n', ++at);
    if (end == std::string::npos)
      fail(ErrorKind::kBadFile, path_.string(), ": expected at least ", rows_, " rows, got ", row);
    text.append(first_columns(std::string_view(old).substr(at, end - at), keys_.size())).push_back('\n');
    at = end;
  }
  write_text_atomically(path_, text);
  file_ = std::make_unique<AppendFile>(path_);
}

}  // namespace corvid
