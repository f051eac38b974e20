#include "core/io/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "core/base/check.h"

namespace corvid {

namespace fs = std::filesystem;

void sync_path(const fs::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) fail(ErrorKind::kFailed, "cannot open ", path.string(), ": ", std::strerror(errno));
  const int result = ::fsync(file);
  const int code = errno;
  ::close(file);
  // After a failed fsync the kernel may have dropped the data: never try again.
  if (result != 0) fail(ErrorKind::kFailed, "cannot write ", path.string(), " to disk: ", std::strerror(code));
}

void write_atomically(const fs::path& path, const std::function<void(const fs::path&)>& write) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const fs::path temporary = folder / ("." + path.filename().string() + ".tmp" + std::to_string(::getpid()));
  try {
    write(temporary);
    sync_path(temporary);
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
      fail(ErrorKind::kFailed, "cannot rename to ", path.string(), ": ", std::strerror(errno));
    }
    sync_path(folder);
  } catch (...) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
    throw;
  }
}

void write_text_atomically(const fs::path& path, std::string_view text) {
  write_atomically(path, [&](const fs::path& temporary) {
    const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0) fail(ErrorKind::kFailed, "cannot create ", temporary.string(), ": ", std::strerror(errno));
    std::string_view rest = text;
    while (!rest.empty()) {
      const ssize_t written = ::write(file, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        const int code = errno;
        ::close(file);
        fail(ErrorKind::kFailed, "cannot write ", path.string(), ": ", std::strerror(code));
      }
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::close(file) != 0) fail(ErrorKind::kFailed, "cannot write ", path.string(), ": ", std::strerror(errno));
  });
}

void make_folder(const fs::path& path) {
  std::error_code code;
  fs::create_directories(path, code);
  if (code || !fs::is_directory(path)) {
    fail(ErrorKind::kFailed, "cannot make the folder ", path.string(), ": ", code ? code.message() : "a file has that name");
  }
}

}  // namespace corvid
