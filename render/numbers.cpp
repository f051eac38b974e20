#include "render/numbers.h"

#include <cmath>
#include <cstdio>

namespace corvid {

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*g", std::abs(value) >= 1000 && std::abs(value) < 1e6 ? 6 : 4, value);
  return text;
}

}  // namespace corvid
