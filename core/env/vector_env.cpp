#include "core/env/vector_env.h"

#include <numeric>

namespace corvid {

void VectorEnv::reset(std::uint64_t seed, const ObsView& obs) {
  std::vector<std::uint64_t> seeds(static_cast<std::size_t>(num_envs_));
  std::iota(seeds.begin(), seeds.end(), seed);
  const std::vector<std::uint8_t> all(static_cast<std::size_t>(num_envs_), 1);
  reset_where(all, seeds, obs);
}

StepBuffer::StepBuffer(const EnvSpec& spec, int num_envs) {
  const auto rows = static_cast<std::size_t>(num_envs);
  auto take = [&](std::size_t bytes_per_row) { return memory_.emplace_back(rows * bytes_per_row).data(); };
  const auto leaves = spec.observation.leaves();
  CORVID_CHECK(leaves.size() <= kMaxLeaves, "more observation leaves than kMaxLeaves");
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    view_.obs.leaf[i] = take(leaves[i].second->bytes());
    view_.final_obs.leaf[i] = take(leaves[i].second->bytes());
  }
  if (spec.masks_actions) {
    const auto actions = static_cast<std::size_t>(spec.action.n);
    view_.obs.action_mask = reinterpret_cast<std::uint8_t*>(take(actions));
    view_.final_obs.action_mask = reinterpret_cast<std::uint8_t*>(take(actions));
  }
  view_.reward = reinterpret_cast<double*>(take(sizeof(double)));
  view_.terminated = reinterpret_cast<std::uint8_t*>(take(1));
  view_.truncated = reinterpret_cast<std::uint8_t*>(take(1));
}

}  // namespace corvid
