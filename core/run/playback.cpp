#include "core/run/playback.h"

namespace corvid {

Playback::Playback(VectorEnv& env, Policy* policy, std::uint64_t seed, bool deterministic)
    : env_(env), policy_(policy), buffer_(env.spec(), 1), rng_(seed), deterministic_(deterministic) {
  CORVID_CHECK(env.num_envs() == 1 && env.auto_reset() == AutoReset::kDisabled,
               "a playback needs one environment that does not reset itself");
  begin(seed);
}

void Playback::begin(std::uint64_t seed) {
  seed_ = seed;
  rng_ = Rng(seed);
  time_ = 0;
  moments_.assign(1, {});
  env_.reset(seed, obs());
  if (policy_) policy_->begin(1);
  stale_ = false;
  think();
}

bool Playback::step() {
  if (now().ended) return false;
  if (time_ < newest()) {
    play(now().action);
    return true;
  }
  if (next_action_.empty()) think();
  if (next_action_.empty()) return false;
  append(next_action_);
  return true;
}

bool Playback::step(std::span<const std::byte> action) {
  CORVID_CHECK(action.size() == env_.spec().action.bytes(), "the action has another size than the action space");
  if (now().ended) return false;
  append({action.begin(), action.end()});
  return true;
}

/// The policy acts at every step before this one, as it did, and what it chooses is not taken.
void Playback::relive() {
  const std::int64_t time = time_;
  Rng rng = rng_;  // what happens next does not hang on it
  std::vector<std::byte> unused(env_.spec().action.bytes());
  policy_->begin(1);
  go_to(0);
  while (time_ < time) {
    policy_->act(obs(), 1, deterministic_, rng, unused.data());
    play(now().action);
    policy_->observe(buffer_.view().reward);
  }
  stale_ = false;
}

void Playback::set_deterministic(bool deterministic) {
  deterministic_ = deterministic;
  next_action_.clear();
  stale_ = true;
  if (time_ == newest()) think();
}

void Playback::go_to(std::int64_t time) {
  CORVID_CHECK(time >= 0 && time <= newest(), "this step has not been played");
  if (time < time_) {
    env_.reset(seed_, obs());
    time_ = 0;
  }
  while (time_ < time) play(now().action);
}

/// One step of the environment with an action that is in the list.
void Playback::play(std::span<const std::byte> action) {
  const void* data = action.data();
  env_.step(env_.spec().action.dtype == DType::kFloat32 ? ActionView(static_cast<const float*>(data))
                                                        : ActionView(static_cast<const std::int64_t*>(data)),
            buffer_.view());
  ++time_;
}

/// Plays an action, which makes this step and the next one the newest.
void Playback::append(std::vector<std::byte> action) {
  play(action);                    // an action that the environment refuses changes nothing
  stale_ |= time_ - 1 < newest();  // the policy remembers steps that are gone
  moments_.resize(static_cast<std::size_t>(time_));
  moments_.back().action = std::move(action);
  const StepView& step = buffer_.view();
  Moment& before = moments_.back();
  before.reward = *step.reward;
  const bool terminated = *step.terminated != 0;
  moments_.push_back({.return_before = before.return_before + *step.reward,
                      .ended = terminated || *step.truncated != 0,
                      .terminated = terminated});
  if (policy_) policy_->observe(step.reward);
  think();
}

/// Asks the policy what to do at the newest step.
void Playback::think() {
  next_action_.clear();
  if (!policy_ || now().ended) return;
  if (stale_) relive();
  next_action_.resize(env_.spec().action.bytes());
  policy_->act(obs(), 1, deterministic_, rng_, next_action_.data());
  moments_.back().insight = policy_->insight();
}

}  // namespace corvid
