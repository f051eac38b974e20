// The C library's functions to the last bit, for many numbers at once.
//
// On processors with FMA the arrays are worked four or eight numbers at a time, by the algorithm and in the order of
// operations of glibc's own FMA build. When the first call finds that results differ from the C library in use, every call
// goes through the library instead: slower, never different. Both spans of a call have one length; `out` may be the input.
#pragma once

#include <span>

namespace corvid::array_math {

void sin(std::span<const double> x, std::span<double> out);
void cos(std::span<const double> x, std::span<double> out);

/// numpy::square of every number.
void square(std::span<const double> x, std::span<double> out);

/// Whether the fast way is taken on this machine.
bool vectorised();

}  // namespace corvid::array_math
