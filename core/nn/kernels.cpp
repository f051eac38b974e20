#include "core/nn/kernels.h"

#include <cmath>

namespace corvid {

namespace simd {
namespace avx2 {
extern const Kernels kKernels;
}
namespace avx512 {
extern const Kernels kKernels;
}
}  // namespace simd

AdamFactors adam_factors(std::int64_t t, double learning_rate, double beta1, double beta2, double eps,
                         double weight_decay) {
  const auto steps = static_cast<double>(t);
  return {.beta1 = static_cast<float>(beta1),
          .beta2 = static_cast<float>(beta2),
          .eps = static_cast<float>(eps),
          .rest1 = static_cast<float>(1 - beta1),
          .rest2 = static_cast<float>(1 - beta2),
          .step_size = static_cast<float>(learning_rate / (1 - std::pow(beta1, steps))),
          .root_scale = static_cast<float>(1 / std::sqrt(1 - std::pow(beta2, steps))),
          .weight_decay = static_cast<float>(learning_rate * weight_decay)};
}

const Kernels& kernels(Isa set) { return set == Isa::kAvx512 ? simd::avx512::kKernels : simd::avx2::kKernels; }

}  // namespace corvid
