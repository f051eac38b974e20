#include "render/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "core/base/check.h"

namespace corvid {
namespace {

namespace fs = std::filesystem;

fs::path folder_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

void sync(const fs::path& path, const fs::path& name) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool ok = file >= 0 && ::fsync(file) == 0;
  const int code = errno;
  if (file >= 0) ::close(file);
  if (!ok) cannot_write(name, code);
}

}  // namespace

fs::path temporary_beside(const fs::path& path) {
  return folder_of(path) / ("." + path.filename().string() + ".tmp" + std::to_string(::getpid()));
}

void make_picture_folder(const fs::path& path) {
  std::error_code code;
  fs::create_directories(path, code);
  if (code || !fs::is_directory(path)) {
    fail(ErrorKind::kFailed, "cannot make the folder ", path.string(), ": ",
         code ? code.message() : "a file has that name", "; choose another folder");
  }
}

void publish(const fs::path& temporary, const fs::path& path) {
  sync(temporary, path);
  if (::rename(temporary.c_str(), path.c_str()) != 0) cannot_write(path, errno);
  sync(folder_of(path), path);
}

void cannot_write(const fs::path& path, int code) {
  const char* advice = code == ENOSPC || code == EDQUOT || code == EFBIG ? "free some space or choose another disk"
                                                                         : "choose a name in a folder you may write to";
  fail(ErrorKind::kFailed, "cannot write ", path.string(), ": ", std::strerror(code), "; ", advice);
}

void write_bytes(const fs::path& path, std::span<const std::byte> bytes, const fs::path& name) {
  std::FILE* file = std::fopen(path.c_str(), "wbe");
  if (!file) cannot_write(name, errno);
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  const int code = errno;
  if (std::fclose(file) != 0) cannot_write(name, written ? errno : code);
  if (!written) cannot_write(name, code);
}

OutputFile::OutputFile(fs::path path) : path_(std::move(path)), temporary_(temporary_beside(path_)) {
  make_picture_folder(folder_of(path_));
  if (fs::is_directory(path_)) fail(ErrorKind::kUsage, path_.string(), " is a folder; choose another name");
  file_ = std::fopen(temporary_.c_str(), "wbe");
  if (!file_) cannot_write(path_, errno);
}

OutputFile::~OutputFile() {
  if (!file_) return;
  std::fclose(file_);
  std::error_code ignored;
  fs::remove(temporary_, ignored);
}

bool OutputFile::try_write(const void* bytes, std::size_t size) noexcept {
  if (code_ == 0 && std::fwrite(bytes, 1, size, file_) != size) code_ = errno;
  return code_ == 0;
}

void OutputFile::check() const {
  if (code_ != 0) cannot_write(path_, code_);
}

void OutputFile::write(std::span<const std::byte> bytes) {
  try_write(bytes.data(), bytes.size());
  check();
}

void OutputFile::write_at(long offset, std::span<const std::byte> bytes) {
  if (std::fseek(file_, offset, SEEK_SET) != 0) code_ = errno;
  write(bytes);
  if (std::fseek(file_, 0, SEEK_END) != 0) code_ = errno;
  check();
}

void OutputFile::commit() {
  check();
  if (std::fflush(file_) != 0) cannot_write(path_, errno);
  publish(temporary_, path_);
  std::fclose(file_);
  file_ = nullptr;
}

}  // namespace corvid
