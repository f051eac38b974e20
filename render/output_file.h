// A file that appears under its name only when it is whole: written beside it, renamed at the end.
#pragma once

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <span>

namespace corvid {

/// Where a file or folder grows until it gets its name: hidden, in the same folder, with the number of this process.
std::filesystem::path temporary_beside(const std::filesystem::path& path);

/// Makes `path` and its parents, or throws Error that says what is in the way.
void make_picture_folder(const std::filesystem::path& path);

/// Gives what was written as `temporary` its name and waits until the disk has it.
void publish(const std::filesystem::path& temporary, const std::filesystem::path& path);

/// Throws Error that `path` cannot be written, why (an errno) and what to do.
[[noreturn]] void cannot_write(const std::filesystem::path& path, int code);

/// Fills a new file at once; an Error calls it `name`.
void write_bytes(const std::filesystem::path& path, std::span<const std::byte> bytes,
                 const std::filesystem::path& name);

class OutputFile {
 public:
  /// Makes the folder of `path` too.
  explicit OutputFile(std::filesystem::path path);
  /// Removes what was written unless it was committed.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  void write(std::span<const std::byte> bytes);

  /// As write, without an exception: false when it failed. For libraries in C, followed by check().
  bool try_write(const void* bytes, std::size_t size) noexcept;
  void check() const;

  /// Replaces bytes written before.
  void write_at(long offset, std::span<const std::byte> bytes);
  void commit();

 private:
  std::filesystem::path path_, temporary_;
  std::FILE* file_;
  int code_ = 0;  // errno of the first failure
};

}  // namespace corvid
