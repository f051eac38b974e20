// Where networks live: the CPU, or a GPU whose library is loaded only when it is asked for.
#pragma once

#include <string>

#include "core/nn/torch.h"

namespace corvid {

/// "cpu", "cuda", "cuda:1", or "auto" (the GPU when there is one). Loads LibTorch's CUDA library for a GPU; throws Error
/// that says what is missing. Sets LibTorch to one intra-op thread, which is what small networks want.
at::Device open_device(const std::string& name);

}  // namespace corvid
