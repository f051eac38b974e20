// Vector kernels of prioritised replay, on plain memory.
#pragma once

#include <cstdint>

#include "core/simd/isa.h"

namespace corvid {

struct ReplayKernels {
  /// out[k] = x[k]^exponent for finite x >= 0, to about 1e-6 relative: 0 where x is 0, else never below the least
  /// normal number. `out` may be x. Returns the largest.
  float (*power)(std::int64_t count, const float* x, float exponent, float* out);

  /// out[k] = (x[k] / least)^-exponent for x >= least > 0. `out` may be x.
  void (*weights)(std::int64_t count, const float* x, float least, float exponent, float* out);
};

/// The kernels of an instruction set; by default of the one in use.
const ReplayKernels& replay_kernels(Isa set = isa());

}  // namespace corvid
