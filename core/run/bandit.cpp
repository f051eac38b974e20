#include "core/run/bandit.h"

namespace corvid {

namespace {

constexpr std::int64_t kMaxContextSize = 256;  // a matrix of its square is kept for every arm of every problem

}  // namespace

Field ignore_observations_field(ContextFreeConfig& config) {
  return Field("ignore_observations", &config.ignore_observations,
               "play environments that show more than nothing, without looking at it");
}

BanditShape bandit_shape(const EnvSpec& spec, const char* id, bool contextual, bool ignore_observations) {
  const Space &action = spec.action, &observation = spec.observation;
  if (action.kind != Space::Kind::kDiscrete) {
    fail(ErrorKind::kUsage, "agent ", id, " pulls one of several arms: it expects a Discrete action space, got ",
         action.to_string(), "; ppo and a2c take other spaces");
  }
  if (!contextual) {
    const bool shows_nothing = observation.kind == Space::Kind::kDiscrete && observation.n == 1;
    if (!shows_nothing && !ignore_observations) {
      fail(ErrorKind::kUsage, "agent ", id, " does not look at observations: it expects Discrete(1), got ",
           observation.to_string(), "; take lin_ucb for contexts, dqn or ppo for episodes, or --set ignore_observations=true to act without them");
    }
    return {.num_arms = action.n, .context_size = 0};
  }
  if (observation.kind != Space::Kind::kBox || observation.dtype != DType::kFloat32 || observation.shape.size() != 1 ||
      observation.size() > kMaxContextSize) {
    fail(ErrorKind::kUsage, "agent ", id, " expects a context, a Box of at most ", kMaxContextSize,
         " float32 numbers in one dimension, got ", observation.to_string(),
         "; ucb1 and thompson play without a context");
  }
  return {.num_arms = action.n, .context_size = observation.size()};
}

void BanditPolicy::act(const ObsView& obs, std::int64_t n, bool, Rng& rng, void* actions) {
  CORVID_CHECK(players_ && players_->size() == n, "begin(n) comes before act");
  auto* const arms = static_cast<std::int64_t*>(actions);
  players_->choose(obs, rng, arms);
  for (std::int64_t i = 0; i < n; ++i) arms[i] += first_arm_;
}

BanditAgent::BanditAgent(const AgentContext& context, const BanditPolicy::Factory& make)
    : spec_(context.spec),
      rng_(context.seed),
      policy_(make, context.spec.action.start),
      players_(make(context.num_envs)),
      steps_{StepBuffer(context.spec, context.num_envs), StepBuffer(context.spec, context.num_envs)},
      actions_(static_cast<std::size_t>(context.num_envs)) {}

ActionView BanditAgent::act() {
  players_->choose(steps_[now_].view().obs, rng_, actions_.data());
  for (std::int64_t& action : actions_) action += spec_.action.start;
  return actions_.data();
}

RolloutStep BanditAgent::last_step() {
  const StepView& step = steps_[1 - now_].view();
  return {.obs = steps_[now_].view().obs,
          .actions = actions_.data(),
          .rewards = step.reward,
          .terminated = step.terminated,
          .truncated = step.truncated,
          .final_obs = step.final_obs,
          .log_probs = nullptr};
}

bool BanditAgent::learn(double) {
  const StepView& step = steps_[1 - now_].view();
  players_->learn(step.reward);
  for (std::int64_t i = 0; i < players_->size(); ++i) {
    if (step.terminated[i] || step.truncated[i]) players_->restart(i);
  }
  now_ = 1 - now_;
  return true;
}

void BanditAgent::visit(Archive& archive) {
  archive("rng", rng_);
  archive("players", *players_);
  const ObsView& obs = steps_[now_].view().obs;
  const auto leaves = spec_.observation.leaves();
  for (std::size_t l = 0; l < leaves.size(); ++l)
    archive.bytes("observations" + std::to_string(l), obs.leaf[l], actions_.size() * leaves[l].second->bytes());
  if (obs.action_mask)
    archive.bytes("action_mask", obs.action_mask, actions_.size() * static_cast<std::size_t>(spec_.action.n));
}

}  // namespace corvid
