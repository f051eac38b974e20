// Where an agent's networks live and how their arithmetic is done.
#pragma once

#include <memory>

#include "core/base/thread_pool.h"
#include "core/nn/torch.h"

namespace corvid {

struct Compute {
  at::Device device = at::kCPU;
  bool fused = true;                 // Corvid's own kernels wherever device and network allow them
  std::shared_ptr<ThreadPool> pool;  // for updates that are worth splitting; null: one thread

  bool on_kernels() const { return fused && device.is_cpu(); }
};

}  // namespace corvid
