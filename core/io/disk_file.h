// Plain files as the writers of this folder need them: whole writes, errors with the system's words, and no bytes of a
// failed write left behind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace corvid {

/// A file that grows at its end. After a failed write the file is cut back to the last whole write and every later call
/// throws the same Error.
class AppendFile {
 public:
  /// Opens for writing, makes the file when it is missing, and goes on at its end.
  explicit AppendFile(std::filesystem::path path);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::int64_t size() const { return size_; }
  void write(std::string_view bytes);
  void cut_to(std::int64_t size);
  void sync();  // fsync

 private:
  [[noreturn]] void give_up(const char* what, int code);

  std::filesystem::path path_;
  int file_ = -1;
  std::int64_t size_ = 0;
  std::string failure_;  // why writing stopped; empty while all is well
};

/// Fills a new file, or replaces what it held. Throws Error on any failure; not atomic.
void write_file(const std::filesystem::path& path, std::string_view bytes);

/// The whole content of a regular file of at most `max_bytes`. Throws Error kBadFile otherwise.
std::string read_file(const std::filesystem::path& path, std::int64_t max_bytes);

/// Bytes in a regular file; throws Error kBadFile that says what is wrong when there is none.
std::int64_t regular_file_size(const std::filesystem::path& path);

/// CRC-32 (zlib's, IEEE 802.3) of `size` bytes from `offset` on, read in pieces.
std::uint32_t file_crc32(const std::filesystem::path& path, std::int64_t offset, std::int64_t size);

std::uint32_t crc32_of(const void* data, std::size_t size, std::uint32_t before = 0);

}  // namespace corvid
