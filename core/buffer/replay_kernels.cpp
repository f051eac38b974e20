#include "core/buffer/replay_kernels.h"

namespace corvid {

namespace simd {
namespace avx2 {
extern const ReplayKernels kReplayKernels;
}
namespace avx512 {
extern const ReplayKernels kReplayKernels;
}
}  // namespace simd

const ReplayKernels& replay_kernels(Isa set) {
  return set == Isa::kAvx512 ? simd::avx512::kReplayKernels : simd::avx2::kReplayKernels;
}

}  // namespace corvid
