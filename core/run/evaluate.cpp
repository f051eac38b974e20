#include "core/run/evaluate.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace corvid {

double EvaluationResult::mean_reward() const {
  return std::accumulate(rewards.begin(), rewards.end(), 0.0) / static_cast<double>(rewards.size());
}

double EvaluationResult::std_reward() const {
  const double mean = mean_reward();
  double sum = 0;
  for (double reward : rewards) sum += (reward - mean) * (reward - mean);
  return std::sqrt(sum / static_cast<double>(rewards.size()));
}

double EvaluationResult::mean_length() const {
  return static_cast<double>(std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0})) /
         static_cast<double>(lengths.size());
}

EvaluationResult evaluate(Policy& policy, VectorEnv& env, std::uint64_t seed, bool deterministic,
                          std::int64_t max_steps, const std::function<bool()>& stop) {
  CORVID_CHECK(env.auto_reset() == AutoReset::kDisabled, "evaluation plays one episode an environment");
  const auto n = static_cast<std::size_t>(env.num_envs());
  StepBuffer buffer(env.spec(), env.num_envs());
  const StepView& step = buffer.view();
  std::vector<std::byte> actions(n * env.spec().action.bytes());
  std::vector<std::uint8_t> active(n, 1);
  std::vector<double> rewards(n, 0);
  std::vector<std::int64_t> lengths(n, 0);
  Rng rng(seed);

  env.reset(seed, step.obs);
  policy.begin(env.num_envs());
  std::size_t running = n;
  for (std::int64_t t = 0; running > 0 && t < max_steps && !(stop && stop()); ++t) {
    policy.act(step.obs, env.num_envs(), deterministic, rng, actions.data());
    const bool continuous = env.spec().action.dtype == DType::kFloat32;
    env.step_where(active,
                   continuous ? ActionView(reinterpret_cast<const float*>(actions.data()))
                              : ActionView(reinterpret_cast<const std::int64_t*>(actions.data())),
                   step);
    policy.observe(step.reward);
    for (std::size_t i = 0; i < n; ++i) {
      if (!active[i]) continue;
      rewards[i] += step.reward[i];
      ++lengths[i];
      if (step.terminated[i] || step.truncated[i]) {
        active[i] = 0;
        // It is still asked for an action, which nobody plays.
        if (step.obs.action_mask) {
          const auto num_actions = static_cast<std::size_t>(env.spec().action.n);
          std::fill_n(step.obs.action_mask + i * num_actions, num_actions, std::uint8_t{1});
        }
        --running;
      }
    }
  }

  const bool interrupted = stop && stop();
  EvaluationResult result;
  for (std::size_t i = 0; i < n; ++i) {
    if (interrupted && active[i]) continue;
    result.rewards.push_back(rewards[i]);
    result.lengths.push_back(lengths[i]);
  }
  return result;
}

}  // namespace corvid
