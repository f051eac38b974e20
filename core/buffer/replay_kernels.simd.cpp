#include "core/buffer/replay_kernels.h"

#include "core/simd/vector.h"

namespace corvid::simd {
inline namespace CORVID_ISA {
namespace {

using Size = std::int64_t;

constexpr float kLeastNormal = 1.17549435e-38f;

/// Calls body(k, mask) for vectors of numbers; the mask covers those there are.
template <class Body>
CORVID_INLINE void for_each_vector(Size count, Body&& body) {
  for (Size k = 0; k < count; k += kLanes) body(k, first(count - k < kLanes ? count - k : kLanes));
}

float power(Size count, const float* x, float exponent, float* out) {
  Vector largest = set(0.0f);
  for_each_vector(count, [&](Size k, Mask mask) {
    const Vector base = load(x + k, mask), least = set(kLeastNormal);
    const Vector result = max(exp(set(exponent) * log(max(base, least))), least);
    const Vector kept = select(less(set(0.0f), base), result, set(0.0f));
    largest = max(largest, kept);
    store(out + k, kept, mask);
  });
  float lanes[kLanes], most = 0;
  store(lanes, largest);
  for (const float lane : lanes) most = lane > most ? lane : most;
  return most;
}

void weights(Size count, const float* x, float least, float exponent, float* out) {
  for_each_vector(count, [&](Size k, Mask mask) {
    const Vector ratio = select(mask, load(x + k, mask), set(least)) / set(least);
    store(out + k, exp(set(-exponent) * log(ratio)), mask);
  });
}

}  // namespace

extern const ReplayKernels kReplayKernels;
const ReplayKernels kReplayKernels = {power, weights};

}  // namespace CORVID_ISA
}  // namespace corvid::simd
