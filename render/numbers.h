// Numbers as they are written into pictures.
#pragma once

#include <string>

namespace corvid {

/// "0.123", "-12.3", "1234.5", "1.2e+06": four digits that count, six from 1,000 to 1,000,000.
std::string short_number(double value);

}  // namespace corvid
