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

AdamFactors radam_factors(std::int64_t t, double learning_rate, double beta1, double beta2, double eps) {
  AdamFactors factors = adam_factors(t, learning_rate, beta1, beta2, eps);
  const auto steps = static_cast<double>(t);
  const double decay = std::pow(beta2, steps);
  const double longest = 2 / (1 - beta2) - 1;                       // rho_inf: length of the approximated average
  const double length = longest - 2 * steps * decay / (1 - decay);  // rho_t
  constexpr double kTractable = 5;                                  // 4 in the paper, 5 in its authors' code
  if (length <= kTractable) {
    factors.root_scale = 0;  // the root becomes 0 sqrt(v) + 1
    factors.eps = 1;
    return factors;
  }
  const double rectification =
      std::sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length));  // r_t
  factors.step_size =
      static_cast<float>(learning_rate * rectification * std::sqrt(1 - decay) / (1 - std::pow(beta1, steps)));
  factors.root_scale = 1;
  return factors;
}

const Kernels& kernels(Isa set) { return set == Isa::kAvx512 ? simd::avx512::kKernels : simd::avx2::kKernels; }

}  // namespace corvid
