#include "core/base/check.h"

namespace corvid {

void check_failed(const char* expression, const char* file, int line, std::string_view what) {
  std::ostringstream text;
  text << "internal check failed: " << what << " (" << expression << ", " << file << ":" << line
       << "). This is a bug in Corvid or in an extension of it.";
  throw std::logic_error(text.str());
}

}  // namespace corvid
