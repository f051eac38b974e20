#include "core/buffer/rollout_buffer.h"

#include <algorithm>
#include <cstring>

#include "core/learn/returns.h"
#include "core/nn/parameters.h"

namespace corvid {

RolloutBuffer::RolloutBuffer(const EnvSpec& spec, std::int64_t steps, int num_envs, std::int64_t features,
                             std::int64_t action_size, at::ScalarType action_type)
    : steps_(steps),
      n_(num_envs),
      raw_rewards_(static_cast<std::size_t>(steps * n_)),
      terminated_(raw_rewards_.size()),
      truncated_(raw_rewards_.size()),
      features_(at::zeros({steps + 1, n_, features})),
      actions_(at::zeros({steps, n_, action_size}, action_type)),
      values_(at::zeros({steps + 1, n_})),
      log_probs_(at::zeros({steps, n_})),
      rewards_(at::zeros({steps, n_})),
      next_values_(at::zeros({steps, n_})),
      discounts_(at::zeros({steps, n_})),
      traces_(at::zeros({steps, n_})),
      advantages_(at::zeros({steps, n_})),
      returns_(at::zeros({steps, n_})) {
  for (const auto& [name, space] : spec.observation.leaves()) {
    leaf_bytes_.push_back(space->bytes() * static_cast<std::size_t>(n_));
    leaves_.emplace_back(leaf_bytes_.back() * static_cast<std::size_t>(steps + 1));
    final_leaves_.emplace_back(leaf_bytes_.back());
  }
  if (spec.masks_actions) {
    num_masked_ = spec.action.n;
    masks_.resize(mask_bytes() * static_cast<std::size_t>(steps + 1));
    final_masks_.resize(mask_bytes());
  }
}

ObsView RolloutBuffer::obs(std::int64_t t) const {
  ObsView view;
  for (std::size_t l = 0; l < leaves_.size(); ++l) {
    view.leaf[l] = const_cast<std::byte*>(leaves_[l].data()) + static_cast<std::size_t>(t) * leaf_bytes_[l];
  }
  if (num_masked_ > 0)
    view.action_mask = const_cast<std::uint8_t*>(masks_.data()) + static_cast<std::size_t>(t) * mask_bytes();
  return view;
}

StepView RolloutBuffer::sink() const {
  StepView view;
  view.obs = obs(t_ + 1);
  for (std::size_t l = 0; l < final_leaves_.size(); ++l)
    view.final_obs.leaf[l] = const_cast<std::byte*>(final_leaves_[l].data());
  if (num_masked_ > 0) view.final_obs.action_mask = const_cast<std::uint8_t*>(final_masks_.data());
  view.reward = const_cast<double*>(raw_rewards_.data()) + t_ * n_;
  view.terminated = const_cast<std::uint8_t*>(terminated_.data()) + t_ * n_;
  view.truncated = const_cast<std::uint8_t*>(truncated_.data()) + t_ * n_;
  return view;
}

ObsView RolloutBuffer::final_obs(std::int64_t i) const {
  ObsView view;
  for (std::size_t l = 0; l < final_leaves_.size(); ++l) {
    const std::size_t row_bytes = leaf_bytes_[l] / static_cast<std::size_t>(n_);
    view.leaf[l] = const_cast<std::byte*>(final_leaves_[l].data()) + static_cast<std::size_t>(i) * row_bytes;
  }
  if (num_masked_ > 0) view.action_mask = const_cast<std::uint8_t*>(final_masks_.data()) + i * num_masked_;
  return view;
}

void* RolloutBuffer::actions(std::int64_t t) {
  return static_cast<std::byte*>(actions_.data_ptr()) +
         t * actions_.stride(0) * static_cast<std::int64_t>(actions_.element_size());
}

void RolloutBuffer::clear() {
  for (std::size_t l = 0; l < leaves_.size(); ++l) std::memcpy(obs(0).leaf[l], obs(t_).leaf[l], leaf_bytes_[l]);
  if (num_masked_ > 0) std::memcpy(obs(0).action_mask, obs(t_).action_mask, mask_bytes());
  t_ = 0;
}

void RolloutBuffer::fill_successors(double gamma, double lambda) {
  // Without branches, so that it becomes vector code.
  float* const discounts = discounts_.data_ptr<float>();
  float* const traces = traces_.data_ptr<float>();
  float* const next_values = next_values_.data_ptr<float>();
  const float* const following_values = values_.const_data_ptr<float>() + n_;
  const std::uint8_t *const terminated = terminated_.data(), *const truncated = truncated_.data();
  const auto discount = static_cast<float>(gamma), trace = static_cast<float>(lambda);
  for (std::int64_t k = 0; k < t_ * n_; ++k) {
    discounts[k] = terminated[k] ? 0.0f : discount;
    traces[k] = (terminated[k] | truncated[k]) ? 0.0f : trace;
    // Truncated successors were valued from their own last observation already.
    next_values[k] = truncated[k] ? next_values[k] : following_values[k];
  }
}

void RolloutBuffer::compute_advantages(double gamma, double gae_lambda) {
  fill_successors(gamma, gae_lambda);
  generalized_advantage_estimation(rewards_.data_ptr<float>(), values_.data_ptr<float>(),
                                   next_values_.data_ptr<float>(), discounts_.data_ptr<float>(),
                                   traces_.data_ptr<float>(), t_, n_, advantages_.data_ptr<float>());
  at::NoGradGuard no_grad;
  at::add_out(returns_, advantages_, values_.narrow(0, 0, steps_));
}

void RolloutBuffer::compute_lambda_returns(double gamma, double lambda) {
  fill_successors(gamma, lambda);
  lambda_returns(rewards_.data_ptr<float>(), next_values_.data_ptr<float>(), discounts_.data_ptr<float>(),
                 traces_.data_ptr<float>(), t_, n_, returns_.data_ptr<float>());
}

void RolloutBuffer::visit(Archive& archive) {
  archive("t", t_);
  for (std::size_t l = 0; l < leaves_.size(); ++l) {
    const std::string name = "observations" + std::to_string(l);
    archive.bytes(name, leaves_[l].data(), leaves_[l].size());
  }
  if (num_masked_ > 0) archive.bytes("masks", masks_.data(), masks_.size());
  archive("raw_rewards", raw_rewards_);
  archive("terminated", terminated_);
  archive("truncated", truncated_);
  visit_tensor(archive, "features", features_);
  visit_tensor(archive, "actions", actions_);
  visit_tensor(archive, "values", values_);
  visit_tensor(archive, "log_probs", log_probs_);
  visit_tensor(archive, "rewards", rewards_);
  visit_tensor(archive, "next_values", next_values_);
}

}  // namespace corvid
