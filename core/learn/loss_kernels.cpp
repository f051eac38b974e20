#include "core/learn/loss_kernels.h"

namespace corvid {

namespace simd {
namespace avx2 {
extern const LossKernels loss_kernel_table;
}
namespace avx512 {
extern const LossKernels loss_kernel_table;
}
}  // namespace simd

const LossKernels& loss_kernels(Isa set) {
  return set == Isa::kAvx512 ? simd::avx512::loss_kernel_table : simd::avx2::loss_kernel_table;
}

}  // namespace corvid
