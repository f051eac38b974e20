// TensorBoard event files, encoded by hand: Google's protobuf library clashes with the one inside LibTorch.
//
// Every writer opens a file of its own, named so that it sorts after those already in the folder: TensorBoard reads
// files in order of their names and never goes back. After a resume the first scalar's step marks a new session, and
// TensorBoard then drops what the earlier file holds from that step on. Format: tensorflow/core/lib/io/record_writer.h,
// event.proto, summary.proto, hparams plugin_data.proto.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/io/disk_file.h"

namespace corvid {

/// Not thread-safe. Records reach the system at flush, every 32 KB and every two seconds.
class EventWriter {
 public:
  explicit EventWriter(std::filesystem::path folder);
  ~EventWriter();  // flushes; never throws
  EventWriter(const EventWriter&) = delete;
  EventWriter& operator=(const EventWriter&) = delete;

  void scalar(std::string_view tag, double value, std::int64_t step);
  void text(std::string_view tag, std::string_view value, std::int64_t step);  // shown as Markdown

  /// A PNG file, or a GIF, which moves in the browser; its size in pixels.
  void image(std::string_view tag, std::string_view encoded, int width, int height, std::int64_t step);

  /// Settings of this run and the tags that the HParams page compares them by. Once a run.
  void hparams(const std::map<std::string, std::variant<double, bool, std::string>>& settings,
               const std::vector<std::string>& metric_tags);
  void flush();

  const std::filesystem::path& path() const { return file_->path(); }

 private:
  void event(std::string_view fields);

  std::unique_ptr<AppendFile> file_;
  std::string buffer_;
  bool continues_ = false;  // an earlier file is in the folder and no scalar has been written yet
  std::chrono::steady_clock::time_point last_flush_;
};

/// CRC-32C (Castagnoli, reflected 0x82F63B78); "123456789" gives 0xE3069283.
std::uint32_t crc32c(std::string_view bytes);

}  // namespace corvid
