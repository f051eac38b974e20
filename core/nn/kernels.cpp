#include "core/nn/kernels.h"

namespace corvid {

namespace simd {
namespace avx2 {
extern const Kernels kernel_table;
}
namespace avx512 {
extern const Kernels kernel_table;
}
}  // namespace simd

const Kernels& kernels(Isa set) { return set == Isa::kAvx512 ? simd::avx512::kernel_table : simd::avx2::kernel_table; }

}  // namespace corvid
