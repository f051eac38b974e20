#include "core/simd/isa.h"

#include <cstdlib>
#include <string_view>

#include "core/base/check.h"

namespace corvid {
namespace {

bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}

Isa choose() {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
    fail(ErrorKind::kFailed, "this processor lacks AVX2 and FMA, which Corvid's kernels need");
  const char* wanted = std::getenv("CORVID_ISA");
  if (!wanted || !*wanted) return has_avx512() ? Isa::kAvx512 : Isa::kAvx2;
  if (std::string_view(wanted) == "avx2") return Isa::kAvx2;
  if (std::string_view(wanted) != "avx512")
    fail(ErrorKind::kUsage, "CORVID_ISA is '", wanted, "'; avx2 and avx512 are known");
  if (!has_avx512()) fail(ErrorKind::kUsage, "CORVID_ISA is avx512, which this processor lacks");
  return Isa::kAvx512;
}

}  // namespace

Isa isa() {
  static const Isa chosen = choose();
  return chosen;
}

const char* isa_name(Isa isa) { return isa == Isa::kAvx512 ? "avx512" : "avx2"; }

}  // namespace corvid
