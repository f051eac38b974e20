// Batches of pieces of episodes, for agents with recurrent networks.
#pragma once

#include "core/nn/torch.h"

namespace corvid {

/// B pieces of L steps on the host, time-major. The first `lead` rows bring the state up to date, the T = L - lead
/// behind them are learned from.
struct SequenceInputs {
  std::int64_t size = 0, length = 0, lead = 0;           // B, L
  const float* features = nullptr;                       // [L + 1, B, F]; row t + 1 is the true successor of row t
  const float* states = nullptr;                         // [B, S] before row `first`
  const std::int64_t* first = nullptr;                   // [B] rows before it are padding, at most `lead`
  const std::int64_t* actions = nullptr;                 // [L, B], from 0 on
  const float *rewards = nullptr, *discounts = nullptr;  // [L, B]; discounts are 0 where the episode terminated
  const float* valid = nullptr;                          // [L, B] 0 for padding
  const float* weights = nullptr;                        // [B] of the losses; null: 1
  const std::uint8_t* legal = nullptr;                   // [L + 1, B, A] masks; null: all legal
};

/// The same as tensors on a device, with n-step returns; what is null there is undefined here.
struct SequenceTensors {
  at::Tensor burn_in;           // [lead, B, F]
  at::Tensor features;          // [T + 1, B, F]
  at::Tensor state;             // [B, S]
  at::Tensor first;             // [B] int64, on the CPU
  at::Tensor action;            // [T, B, 1] int64
  at::Tensor reward, discount;  // [T, B] of n-step returns (see n_step_returns), cut short where the piece ends
  at::Tensor end;               // [T, B] int64: the row whose value follows
  at::Tensor valid;             // [T, B]
  at::Tensor weight;  // [T, B] of the losses: 0 for padding, and such that a mean over all is one over valid steps
  at::Tensor legal;   // [T + 1, B, A] uint8
};
SequenceTensors to_tensors(const SequenceInputs& batch, std::int64_t num_inputs, std::int64_t state_size,
                           std::int64_t num_actions, std::int64_t n_steps, const at::Device& device);

/// eta max_t |e_t| + (1 - eta) mean_t |e_t| over the valid steps of TD errors e [T, B]: priorities of sequences, [B]
/// (Kapturowski et al. 2019, section 2.3).
at::Tensor sequence_priorities(const at::Tensor& errors, const at::Tensor& valid, double eta);

}  // namespace corvid
