#include "core/io/seal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

#include "core/base/check.h"
#include "core/io/disk_file.h"

namespace corvid {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "CORVID FILE ";
constexpr std::string_view kMagicLine = "CORVID FILE 1\n";
constexpr std::string_view kHdf5Signature = "\x89HDF\r\n\x1a\n";

std::string seal_text(std::string_view kind, const Seal& seal) {
  char numbers[80];
  std::snprintf(numbers, sizeof numbers, "bytes %lld\ncrc32 %08x\n", static_cast<long long>(seal.bytes), seal.crc32);
  std::string text = std::string(kMagicLine) + "kind " + std::string(kind) + '\n' + numbers;
  text.resize(kSealBytes, '\0');
  return text;
}

std::string read_seal(const fs::path& path) {
  std::string text(kSealBytes, '\0');
  std::ifstream stream(path, std::ios::binary);
  if (!stream) fail(ErrorKind::kBadFile, "cannot open ", path.string(), ": ", std::strerror(errno));
  stream.read(text.data(), kSealBytes);
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

// Says why the first bytes are no seal of this kind and format.
void check_marker(const fs::path& path, std::string_view kind, const std::string& found) {
  const std::string_view text = found;
  if (text.empty()) fail(ErrorKind::kBadFile, path.string(), " is empty, expected a Corvid ", kind);
  if (text.starts_with(kHdf5Signature)) {
    fail(ErrorKind::kBadFile, path.string(), " is an HDF5 file but no Corvid ", kind, ": it has no Corvid marker");
  }
  if (!text.starts_with(kMagic)) {
    fail(ErrorKind::kBadFile, path.string(), " is no Corvid ", kind, ": expected it to begin with '", kMagic, "'");
  }
  if (!text.starts_with(kMagicLine)) {
    fail(ErrorKind::kBadFile, path.string(), " has another file format (",
         text.substr(kMagic.size(), text.substr(kMagic.size()).find('\n')), "), this program reads format 1");
  }
  const std::string line = "kind " + std::string(kind) + '\n';
  if (!text.substr(kMagicLine.size()).starts_with(line)) {
    const std::string_view rest = text.substr(kMagicLine.size());
    fail(ErrorKind::kBadFile, path.string(), " is no ", kind, ": it says '", rest.substr(0, rest.find('\n')), "'");
  }
}

}  // namespace

Seal seal_file(const fs::path& path, std::string_view kind) {
  Seal seal;
  seal.bytes = regular_file_size(path);
  seal.crc32 = file_crc32(path, kSealBytes, seal.bytes - kSealBytes);
  const std::string text = seal_text(kind, seal);
  const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0) fail(ErrorKind::kFailed, "cannot open ", path.string(), ": ", std::strerror(errno));
  const ssize_t written = ::pwrite(file, text.data(), text.size(), 0);
  const int code = written < 0 ? errno : EIO;
  const bool closed = ::close(file) == 0;
  if (written != static_cast<ssize_t>(text.size()) || !closed) {
    fail(ErrorKind::kFailed, "cannot write ", path.string(), ": ", std::strerror(code));
  }
  return seal;
}

Seal check_seal(const fs::path& path, std::string_view kind) {
  Seal seal;
  seal.bytes = regular_file_size(path);
  const std::string found = read_seal(path);
  check_marker(path, kind, found);

  // The length first: it tells a file cut short from one with changed bytes.
  long long bytes = -1;
  const std::size_t line = found.find("\nbytes ");
  if (line != std::string::npos) std::sscanf(found.c_str() + line, "\nbytes %lld", &bytes);
  if (bytes != seal.bytes) {
    fail(ErrorKind::kBadFile, path.string(), " is cut short or damaged: expected ", bytes, " bytes, got ", seal.bytes);
  }
  seal.crc32 = file_crc32(path, kSealBytes, std::max<std::int64_t>(0, seal.bytes - kSealBytes));
  if (found != seal_text(kind, seal)) {
    fail(ErrorKind::kBadFile, path.string(), " is damaged: its checksum does not fit its content; use another copy");
  }
  return seal;
}

}  // namespace corvid
