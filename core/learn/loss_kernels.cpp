#include "core/learn/loss_kernels.h"

namespace corvid {

namespace simd {
namespace avx2 {
extern const LossKernels kLossKernels;
}
namespace avx512 {
extern const LossKernels kLossKernels;
}
}  // namespace simd

const LossKernels& loss_kernels(Isa set) {
  return set == Isa::kAvx512 ? simd::avx512::kLossKernels : simd::avx2::kLossKernels;
}

}  // namespace corvid
