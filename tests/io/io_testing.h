// What the tests of core/io share: a folder of their own, files as bytes, a limited disk, and the test Python.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "core/base/check.h"

namespace corvid::testing {

namespace fs = std::filesystem;

/// A new empty folder, removed with its content afterwards.
class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "corvid-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make " + pattern);
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  fs::path operator/(const std::string& name) const { return path_ / name; }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

inline std::string read_bytes(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

inline void write_bytes(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// While it lives no file of this process can grow beyond `bytes`: writes fail with "File too large".
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    old_handler_ = ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &old_);
    rlimit limit = old_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    ::signal(SIGXFSZ, old_handler_);
  }

 private:
  rlimit old_{};
  void (*old_handler_)(int) = nullptr;
};

/// The text of the Error that `body` throws; "" when it throws none. `kind` must be its kind.
template <class Body>
std::string error_of(Body&& body, ErrorKind kind = ErrorKind::kBadFile) {
  try {
    body();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  return "";
}

/// The Python with the packages of other projects, or "" when there is none.
inline std::string test_python() {
  if (const char* given = std::getenv("CORVID_TEST_PYTHON")) return given;
  const fs::path installed = fs::path(CORVID_SOURCE_DIR) / ".deps/python/bin/python";
  return fs::exists(installed) ? installed.string() : "";
}

struct PythonResult {
  int code = 0;
  std::string output;  // stdout and stderr
};

/// Runs tests/reference/`script` with arguments.
inline PythonResult run_python(const std::string& script, const std::string& arguments) {
  const fs::path path = fs::path(CORVID_SOURCE_DIR) / "tests/reference" / script;
  const std::string command = "'" + test_python() + "' '" + path.string() + "' " + arguments + " 2>&1";
  PythonResult result;
  FILE* pipe = ::popen(command.c_str(), "r");
  std::array<char, 4096> piece;
  for (std::size_t n; (n = std::fread(piece.data(), 1, piece.size(), pipe)) > 0;) result.output.append(piece.data(), n);
  result.code = ::pclose(pipe);
  return result;
}

}  // namespace corvid::testing

#define CORVID_NEEDS_PYTHON()                                                                                \
  if (::corvid::testing::test_python().empty()) {                                                            \
    GTEST_SKIP() << "no test Python: set CORVID_TEST_PYTHON or install one in .deps/python (./corvid test)"; \
  }
