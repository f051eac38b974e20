#include "core/io/atomic_file.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>

#include "core/base/check.h"
#include "core/io/disk_file.h"

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
  write_atomically(path, [&](const fs::path& temporary) { write_file(temporary, text); });
}

void remove_stale_temporaries(const fs::path& folder) {
  std::error_code ignored;
  fs::directory_iterator entry(folder.empty() ? fs::path(".") : folder, ignored);
  for (; entry != fs::directory_iterator(); entry.increment(ignored)) {
    const std::string name = entry->path().filename().string();
    const auto mark = name.rfind(".tmp");
    if (!name.starts_with('.') || mark == std::string::npos) continue;
    pid_t writer = 0;
    const char* end = name.data() + name.size();
    const auto [rest, error] = std::from_chars(name.data() + mark + 4, end, writer);
    if (error != std::errc() || rest != end || writer <= 0) continue;
    if (::kill(writer, 0) != 0 && errno == ESRCH) fs::remove(entry->path(), ignored);
  }
}

void make_folder(const fs::path& path) {
  std::error_code code;
  fs::create_directories(path, code);
  if (code || !fs::is_directory(path)) {
    fail(ErrorKind::kFailed, "cannot make the folder ", path.string(), ": ",
         code ? code.message() : "a file has that name");
  }
}

}  // namespace corvid
