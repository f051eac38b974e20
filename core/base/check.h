// Errors and checks. User mistakes throw `Error`, which carries the exit code of the program;
// programmer mistakes fail CORVID_CHECK (always on) or CORVID_DCHECK (hot loops, debug builds only).
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace corvid {

/// What went wrong, in the terms of the program's exit codes.
enum class ErrorKind {
  kFailed = 1,   ///< the work itself failed (NaN, full disk, out of memory)
  kUsage = 2,    ///< a flag, config key, name or value is wrong
  kBadFile = 3,  ///< an input file is missing, foreign or damaged
};

/// A mistake the user can mend. The text says what was expected, what was found, where, and what to do.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}
  ErrorKind kind() const { return kind_; }
  int exit_code() const { return static_cast<int>(kind_); }

 private:
  ErrorKind kind_;
};

/// Concatenates the parts with `<<` and throws an Error of that kind.
template <class... Parts>
[[noreturn]] void fail(ErrorKind kind, const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  throw Error(kind, text.str());
}

[[noreturn]] void check_failed(const char* expression, const char* file, int line, std::string_view what);

}  // namespace corvid

#define CORVID_CHECK(condition, what)                                               \
  do {                                                                              \
    if (!(condition)) ::corvid::check_failed(#condition, __FILE__, __LINE__, what); \
  } while (false)

#ifdef NDEBUG
#define CORVID_DCHECK(condition, what) ((void)0)
#else
#define CORVID_DCHECK(condition, what) CORVID_CHECK(condition, what)
#endif
