// Which instruction set the vector kernels use. Files named *.simd.cpp are compiled once for each; the choice is made when
// the program runs, so one binary serves processors with AVX-512 and those with AVX2 alone.
#pragma once

#include <cstdint>

namespace corvid {

enum class Isa : std::uint8_t { kAvx2, kAvx512 };

/// The best instruction set of this processor, or the one that the environment variable CORVID_ISA names: avx2 or avx512.
/// Throws Error for another name and for one that the processor lacks. The choice is made once.
Isa isa();

/// "avx2", "avx512".
const char* isa_name(Isa isa);

}  // namespace corvid
