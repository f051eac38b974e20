// The one way LibTorch is included: ATen without torch/torch.h, which would cost twenty seconds a file.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/InferenceMode.h>
