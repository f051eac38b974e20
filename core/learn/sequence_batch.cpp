#include "core/learn/sequence_batch.h"

#include <vector>

#include "core/learn/returns.h"

namespace corvid {

SequenceTensors to_tensors(const SequenceInputs& batch, std::int64_t num_inputs, std::int64_t state_size,
                           std::int64_t num_actions, std::int64_t n_steps, const at::Device& device) {
  const std::int64_t rows = batch.size, lead = batch.lead, steps = batch.length - lead, skip = lead * rows;
  const at::Tensor host_reward = at::empty({steps, rows}), host_discount = at::empty({steps, rows});
  const at::Tensor host_end = at::empty({steps, rows}, at::kLong);
  n_step_returns(batch.rewards + skip, batch.discounts + skip, batch.valid + skip, steps, rows, n_steps,
                 host_reward.data_ptr<float>(), host_discount.data_ptr<float>(), host_end.data_ptr<std::int64_t>());
  auto upload = [&](const void* data, at::IntArrayRef sizes, at::ScalarType type) {
    return data ? at::from_blob(const_cast<void*>(data), sizes, type).to(device) : at::Tensor();
  };
  SequenceTensors b{.burn_in = upload(batch.features, {lead, rows, num_inputs}, at::kFloat),
                    .features = upload(batch.features + skip * num_inputs, {steps + 1, rows, num_inputs}, at::kFloat),
                    .state = upload(batch.states, {rows, state_size}, at::kFloat),
                    .first = at::from_blob(const_cast<std::int64_t*>(batch.first), {rows}, at::kLong),
                    .action = upload(batch.actions + skip, {steps, rows, 1}, at::kLong),
                    .reward = host_reward.to(device),
                    .discount = host_discount.to(device),
                    .end = host_end.to(device),
                    .valid = upload(batch.valid + skip, {steps, rows}, at::kFloat),
                    .weight = {},
                    .legal = upload(batch.legal ? batch.legal + skip * num_actions : nullptr,
                                    {steps + 1, rows, num_actions}, at::kByte)};
  b.weight = b.valid / b.valid.mean();
  if (batch.weights) b.weight = b.weight * upload(batch.weights, {rows}, at::kFloat);
  return b;
}

at::Tensor sequence_priorities(const at::Tensor& errors, const at::Tensor& valid, double eta) {
  const at::Tensor size = errors.abs() * valid;
  return eta * size.amax(0) + (1 - eta) * size.sum(0) / valid.sum(0);
}

}  // namespace corvid
