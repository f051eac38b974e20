// Where an agent computes: the CPU, or a GPU whose library is loaded only when it is asked for.
#pragma once

#include "core/nn/compute.h"
#include "core/run/agent.h"

namespace corvid {

/// What `context` asks for: device ("cpu", "cuda", "cuda:1", or "auto", the GPU when there is one), kernels and threads.
/// Loads LibTorch's CUDA library for a GPU; throws Error that says what is missing. Sets LibTorch to one intra-op thread,
/// which is what small networks want.
Compute open_compute(const AgentContext& context);

}  // namespace corvid
