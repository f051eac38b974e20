#include "core/io/disk_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "core/base/check.h"

namespace corvid {

namespace fs = std::filesystem;

namespace {

// Closes on every way out of a scope; for files that are only read.
struct ReadHandle {
  explicit ReadHandle(const fs::path& path) : file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (file < 0) fail(ErrorKind::kBadFile, "cannot open ", path.string(), ": ", std::strerror(errno));
  }
  ~ReadHandle() { ::close(file); }
  ReadHandle(const ReadHandle&) = delete;
  ReadHandle& operator=(const ReadHandle&) = delete;
  int file;
};

// Returns 0 or the error code.
int write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return written < 0 ? errno : EIO;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

void read_all(const ReadHandle& handle, const fs::path& path, std::int64_t offset, char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t count = ::pread(handle.file, data, size, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(ErrorKind::kBadFile, "cannot read ", path.string(), ": ", std::strerror(errno));
    if (count == 0) fail(ErrorKind::kBadFile, path.string(), " ends early, at byte ", offset);
    data += count;
    offset += count;
    size -= static_cast<std::size_t>(count);
  }
}

}  // namespace

AppendFile::AppendFile(fs::path path) : path_(std::move(path)) {
  file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (file_ < 0) fail(ErrorKind::kFailed, "cannot open ", path_.string(), " for writing: ", std::strerror(errno));
  const off_t end = ::lseek(file_, 0, SEEK_END);
  size_ = end > 0 ? end : 0;
}

AppendFile::~AppendFile() { ::close(file_); }

void AppendFile::give_up(const char* what, int code) {
  failure_ = std::string("cannot ") + what + ' ' + path_.string() + ": " + std::strerror(code);
  throw Error(ErrorKind::kFailed, failure_);
}

void AppendFile::write(std::string_view bytes) {
  if (!failure_.empty()) throw Error(ErrorKind::kFailed, failure_);
  const int code = write_all(file_, bytes);
  if (code != 0) {
    // A torn line or record would make what is written later unreadable.
    if (::ftruncate(file_, size_) == 0) ::lseek(file_, size_, SEEK_SET);
    give_up("write", code);
  }
  size_ += static_cast<std::int64_t>(bytes.size());
}

void AppendFile::cut_to(std::int64_t size) {
  if (!failure_.empty()) throw Error(ErrorKind::kFailed, failure_);
  if (::ftruncate(file_, size) != 0 || ::lseek(file_, size, SEEK_SET) < 0) give_up("shorten", errno);
  size_ = size;
}

void AppendFile::sync() {
  if (!failure_.empty()) throw Error(ErrorKind::kFailed, failure_);
  // Devices and pipes have nothing to sync.
  if (::fsync(file_) != 0 && errno != EINVAL) give_up("write to disk", errno);
}

void write_file(const fs::path& path, std::string_view bytes) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) fail(ErrorKind::kFailed, "cannot create ", path.string(), ": ", std::strerror(errno));
  int code = write_all(file, bytes);
  if (::close(file) != 0 && code == 0) code = errno;
  if (code != 0) fail(ErrorKind::kFailed, "cannot write ", path.string(), ": ", std::strerror(code));
}

std::int64_t regular_file_size(const fs::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) fail(ErrorKind::kBadFile, path.string(), " does not exist");
    fail(ErrorKind::kBadFile, "cannot open ", path.string(), ": ", std::strerror(errno));
  }
  if (S_ISDIR(info.st_mode)) fail(ErrorKind::kBadFile, path.string(), " is a folder, expected a file");
  if (!S_ISREG(info.st_mode)) fail(ErrorKind::kBadFile, path.string(), " is not a regular file");
  return info.st_size;
}

std::string read_file(const fs::path& path, std::int64_t max_bytes) {
  const std::int64_t size = regular_file_size(path);
  if (size > max_bytes) {
    fail(ErrorKind::kBadFile, path.string(), " is too large: ", size, " bytes, at most ", max_bytes, " were expected");
  }
  const ReadHandle handle(path);
  std::string text(static_cast<std::size_t>(size), '\0');
  read_all(handle, path, 0, text.data(), text.size());
  return text;
}

std::uint32_t crc32_of(const void* data, std::size_t size, std::uint32_t before) {
  if (size == 0) return before;  // zlib takes a null pointer for a request to start over
  return static_cast<std::uint32_t>(::crc32_z(before, static_cast<const Bytef*>(data), size));
}

std::uint32_t file_crc32(const fs::path& path, std::int64_t offset, std::int64_t size) {
  const ReadHandle handle(path);
  std::vector<char> piece(static_cast<std::size_t>(std::clamp<std::int64_t>(size, 1, 1 << 20)));
  std::uint32_t sum = 0;
  while (size > 0) {
    const auto count = static_cast<std::size_t>(std::min<std::int64_t>(size, static_cast<std::int64_t>(piece.size())));
    read_all(handle, path, offset, piece.data(), count);
    sum = crc32_of(piece.data(), count, sum);
    offset += static_cast<std::int64_t>(count);
    size -= static_cast<std::int64_t>(count);
  }
  return sum;
}

}  // namespace corvid
