#include "core/run/compute.h"

#include <dlfcn.h>

#include "core/base/check.h"

namespace corvid {

namespace {

at::Device open_device(const std::string& name) {
  if (name == "cpu") return at::kCPU;
  if (name != "auto" && name != "cuda" && !name.starts_with("cuda:")) {
    fail(ErrorKind::kUsage, "unknown device '", name, "'; cpu, cuda, cuda:<number> and auto are known");
  }
  // libtorch_cuda registers its kernels when it is loaded.
  const bool numbered = name.starts_with("cuda:");
  if (numbered && (name.size() == 5 || name.find_first_not_of("0123456789", 5) != std::string::npos)) {
    fail(ErrorKind::kUsage, "'", name, "' is no device; cuda:<number> is");
  }
  const bool loaded = dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) != nullptr;
  const std::string reason = loaded ? "LibTorch finds no usable NVIDIA GPU or driver" : dlerror();
  if (loaded && at::hasCUDA()) return at::Device(name == "auto" ? "cuda" : name);
  if (name == "auto") return at::kCPU;
  fail(ErrorKind::kUsage, "--device ", name, " cannot be used: ", reason,
       ". Use --device cpu, or start the launcher with --torch and a LibTorch that has CUDA.");
}

}  // namespace

Compute open_compute(const AgentContext& context) {
  at::set_num_threads(1);
  Compute compute{.device = open_device(context.device), .fused = context.fused, .pool = nullptr};
  if (compute.on_kernels() && context.num_threads != 1) {
    compute.pool = std::make_shared<ThreadPool>(context.num_threads);
    if (compute.pool->num_threads() == 1) compute.pool.reset();
  }
  return compute;
}

}  // namespace corvid
