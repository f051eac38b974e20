#include "core/run/replay_agent.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "core/base/check.h"
#include "core/base/memory.h"
#include "core/run/compute.h"

namespace corvid {

Fields fields(ReplayAgentConfig& c) {
  Fields list = {
      Field("learning_rate", &c.learning_rate, "step size of Adam").at_least(0),
      Field("buffer_size", &c.buffer_size, "transitions kept, over all environments").at_least(1),
      Field("learning_starts", &c.learning_starts, "steps before the first update").at_least(0),
      Field("batch_size", &c.batch_size, "transitions in one update").at_least(1),
      Field("gamma", &c.gamma, "discount of future rewards").between(0, 1),
      Field("train_freq", &c.train_freq, "steps, over all environments, between rounds of updates")
          .at_least(1)
          .alias("train_frequency"),
      Field("gradient_steps", &c.gradient_steps, "updates in a round; -1 one a step").at_least(-1),
      Field("tau", &c.tau, "share of the online network in a step of the target network; 1 copies it").between(0, 1),
      Field("target_update_interval", &c.target_update_interval, "steps between steps of the target network")
          .at_least(1)
          .alias("target_network_frequency"),
      Field("n_steps", &c.n_steps, "rewards in one return").between(1, 1000).alias("n_step"),
      Field("prioritized_replay", &c.prioritized_replay, "draw transitions with large errors more often"),
      Field("prioritized_alpha", &c.prioritized_alpha, "exponent of priorities; 0 is uniform").between(0, 1),
      Field("prioritized_beta", &c.prioritized_beta, "first exponent of the weights that correct for it; rises to 1")
          .between(0, 1),
      Field("prioritized_eps", &c.prioritized_eps, "added to every error").more_than(0),
      Field("max_grad_norm", &c.max_grad_norm, "largest norm of the gradient").more_than(0),
      Field("adam_eps", &c.adam_eps, "epsilon of Adam").at_least(1e-30),
      Field("save_replay_buffer", &c.save_replay_buffer,
            "checkpoints hold the replay buffer; without it a resumed run fills it anew"),
  };
  for (Field& field : fields(static_cast<ExplorationConfig&>(c))) list.push_back(std::move(field));
  for (Field& field : fields(static_cast<QNetworkConfig&>(c))) list.push_back(std::move(field));
  return list;
}

namespace {

std::string bytes_text(std::size_t bytes) {
  char text[32];
  const double mega = static_cast<double>(bytes) / 1e6;
  std::snprintf(text, sizeof text, mega < 1000 ? "%.1f MB" : "%.1f GB", mega < 1000 ? mega : mega / 1000);
  return text;
}

ReplaySettings replay_settings(const ReplayAgentConfig& config, const AgentContext& context, std::int64_t state_size) {
  return {.capacity = context.learning ? config.buffer_size : 1,
          .num_envs = context.num_envs,
          .max_episode_steps = context.max_episode_steps,
          .n_steps = config.n_steps,
          .gamma = config.gamma,
          .frame_stack = config.frame_stack,
          .prioritized = config.prioritized_replay,
          .alpha = config.prioritized_alpha,
          .state_size = state_size};
}

const EnvSpec& checked(const AgentContext& context, const ReplayAgentConfig& config, std::string_view id) {
  check_discrete_actions(context.spec, id);
  if (config.learning_starts > config.buffer_size) {
    fail(ErrorKind::kUsage, "learning_starts ", config.learning_starts, " is more than buffer_size ",
         config.buffer_size, " holds: nothing would ever be learned");
  }
  if (!config.noisy) check(config);
  return context.spec;
}

}  // namespace

ReplayAgent::ReplayAgent(const ReplayAgentConfig& config, const AgentContext& context, std::string_view id,
                         const Recurrence& recurrence)
    : config_(config),
      compute_(open_compute(context)),
      rng_(context.seed),
      // A stream of its own, so that what is drawn from the buffer does not depend on how the agent explores.
      replay_rng_(context.seed ^ 0x7265706c6179),
      recurrence_(recurrence),
      encoder_(checked(context, config, id).observation, config.normalize_observations, config.clip_observations),
      num_inputs_(config.frame_stack * encoder_.size()),
      num_actions_(context.spec.action.n),
      first_action_(context.spec.action.start),
      replay_(context.spec, replay_settings(config, context, recurrence.state_size)),
      replay_bytes_(ReplayBuffer::bytes_needed(context.spec, replay_settings(config, context, recurrence.state_size))),
      policy_(encoder_, {.q_values = [this](const float* features, std::int64_t n, float* states, bool exploring,
                                            float* q) { q_values(features, n, states, exploring, q); },
                         .exploration = [this](std::int64_t index, std::int64_t n) { return exploration(index, n); },
                         .num_actions = num_actions_,
                         .first_action = first_action_,
                         .frame_stack = config.frame_stack,
                         .state_size = recurrence.state_size}),
      q_(static_cast<std::size_t>(context.num_envs * num_actions_)),
      values_(static_cast<std::size_t>(context.num_envs)),
      states_(static_cast<std::size_t>(context.num_envs * recurrence.state_size)) {
  CORVID_CHECK(recurrence.state_size == 0 || config.frame_stack == 1, "networks with a state see one frame at a time");
}

double ReplayAgent::exploration(std::int64_t index, std::int64_t n) const {
  return config_.noisy ? 0 : exploration_rate(config_, progress_, index, n);
}

void ReplayAgent::encode_now() {
  if (encoded_) return;
  const std::int64_t n = replay_.num_envs();
  features_.resize(static_cast<std::size_t>(n * num_inputs_));
  if (config_.frame_stack == 1) {
    encoder_.encode(replay_.obs(), n, true, features_.data());
  } else {
    newest_.resize(static_cast<std::size_t>(n * encoder_.size()));
    encoder_.encode(replay_.obs(), n, true, newest_.data());
    encoder_.encode(replay_.stacked_obs(), n * config_.frame_stack, false, features_.data());
  }
  encoded_ = true;
}

ActionView ReplayAgent::act() {
  const std::int64_t n = replay_.num_envs();
  const std::uint8_t* masks = replay_.obs().action_mask;
  auto* actions = static_cast<std::int64_t*>(replay_.actions());
  encode_now();
  before_acting();
  auto legal = [&](std::int64_t i) { return masks ? masks + i * num_actions_ : nullptr; };
  bool greedy = false;
  for (std::int64_t i = 0; i < n; ++i) {
    const bool random = rng_.random() < exploration(i, n);
    actions[i] = random ? first_action_ + random_action(num_actions_, legal(i), rng_) : kGreedy;
    greedy |= !random;
  }
  std::copy(states_.begin(), states_.end(), replay_.states());
  if (greedy || !states_.empty()) q_values(features_.data(), n, states_.data(), true, q_.data());
  for (std::int64_t i = 0; i < n; ++i) {
    if (actions[i] == kGreedy)
      actions[i] = first_action_ + greedy_action(q_.data() + i * num_actions_, num_actions_, legal(i));
  }
  return actions;
}

RolloutStep ReplayAgent::last_step() {
  const StepView step = replay_.sink();
  return {.obs = replay_.obs(),
          .actions = replay_.actions(),
          .rewards = step.reward,
          .terminated = step.terminated,
          .truncated = step.truncated,
          .final_obs = step.final_obs};
}

const float* ReplayAgent::last_values() {
  if (!encoded_) return values_.data();  // nothing was acted on yet
  const std::int64_t n = replay_.num_envs();
  const std::uint8_t* masks = replay_.obs().action_mask;
  last_states_.assign(replay_.states(), replay_.states() + states_.size());
  q_values(features_.data(), n, last_states_.data(), false, q_.data());
  for (std::int64_t i = 0; i < n; ++i) {
    const float* q = q_.data() + i * num_actions_;
    values_[static_cast<std::size_t>(i)] =
        q[greedy_action(q, num_actions_, masks ? masks + i * num_actions_ : nullptr)];
  }
  return values_.data();
}

bool ReplayAgent::learn(double progress) {
  const std::int64_t n = replay_.num_envs();
  const StepView step = replay_.sink();
  for (std::int64_t i = 0; i < n; ++i) {
    if (step.terminated[i] || step.truncated[i])
      std::fill_n(states_.begin() + i * recurrence_.state_size, recurrence_.state_size, 0.0f);
  }
  replay_.advance();
  encoded_ = false;
  progress_ = progress;
  const std::int64_t before = steps_;
  steps_ += n;

  // With tau = 1 several steps at once are one.
  std::int64_t moves = steps_ / config_.target_update_interval - before / config_.target_update_interval;
  for (moves = config_.tau == 1 ? std::min<std::int64_t>(1, moves) : moves; moves > 0; --moves) update_target();

  // Rounds are counted from the first step on, so there is exactly one in every train_freq steps, for any number of
  // environments.
  const std::int64_t rounds = steps_ / config_.train_freq - before / config_.train_freq;
  if (replay_.size() < std::max<std::int64_t>(1, config_.learning_starts)) return false;
  const std::int64_t updates = rounds * (config_.gradient_steps < 0 ? config_.train_freq : config_.gradient_steps);
  for (std::int64_t k = 0; k < updates; ++k) {
    const bool sequences = recurrence_.state_size > 0;
    const float* errors =
        sequences ? update_on_sequences(sample_sequences(progress), progress) : update(sample(progress), progress);
    ++num_updates_;
    if (!config_.prioritized_replay) continue;
    priorities_.assign(errors, errors + config_.batch_size);
    for (float& priority : priorities_) priority += static_cast<float>(config_.prioritized_eps);
    replay_.set_priorities(sequences ? sequences_.slots : batch_.slots, priorities_.data());
  }
  return updates > 0;
}

const float* ReplayAgent::update(const TransitionBatch&, double) {
  CORVID_CHECK(false, "this agent learns from sequences");
  return nullptr;
}

const float* ReplayAgent::update_on_sequences(const SequenceInputs&, double) {
  CORVID_CHECK(false, "this agent learns from transitions");
  return nullptr;
}

TransitionBatch ReplayAgent::sample(double progress) {
  const std::int64_t n = config_.batch_size, depth = config_.frame_stack;
  if (config_.prioritized_replay) {
    replay_.sample_prioritized(n, beta(progress), replay_rng_, batch_);
  } else {
    replay_.sample(n, replay_rng_, batch_);
  }
  batch_features_.resize(static_cast<std::size_t>(n * num_inputs_));
  next_features_.resize(batch_features_.size());
  encoder_.encode(batch_.obs, n * depth, false, batch_features_.data());
  encoder_.encode(batch_.next_obs, n * depth, false, next_features_.data());
  const auto* actions = reinterpret_cast<const std::int64_t*>(batch_.actions.data());
  actions_.assign(actions, actions + n);
  for (std::int64_t& action : actions_) action -= first_action_;
  return {.size = n,
          .features = batch_features_.data(),
          .next_features = next_features_.data(),
          .actions = actions_.data(),
          .rewards = batch_.rewards.data(),
          .discounts = batch_.discounts.data(),
          .weights = config_.prioritized_replay ? batch_.weights.data() : nullptr,
          .legal = batch_.obs.action_mask,
          .next_legal = batch_.next_obs.action_mask};
}

SequenceInputs ReplayAgent::sample_sequences(double progress) {
  const std::int64_t n = config_.batch_size, length = recurrence_.sequence_length, lead = recurrence_.burn_in;
  if (config_.prioritized_replay) {
    replay_.sample_sequences_prioritized(n, length, beta(progress), replay_rng_, sequences_, lead);
  } else {
    replay_.sample_sequences(n, length, replay_rng_, sequences_, lead);
  }
  const std::int64_t rows = (sequences_.length + 1) * n;
  batch_features_.resize(static_cast<std::size_t>(rows * num_inputs_));
  encoder_.encode(sequences_.obs, rows, false, batch_features_.data());
  const auto* actions = reinterpret_cast<const std::int64_t*>(sequences_.actions.data());
  actions_.assign(actions, actions + sequences_.length * n);
  for (std::int64_t& action : actions_) action -= first_action_;
  return {.size = n,
          .length = sequences_.length,
          .lead = lead,
          .features = batch_features_.data(),
          .states = sequences_.states.data(),
          .first = sequences_.first.data(),
          .actions = actions_.data(),
          .rewards = sequences_.rewards.data(),
          .discounts = sequences_.discounts.data(),
          .valid = sequences_.valid.data(),
          .weights = config_.prioritized_replay ? sequences_.weights.data() : nullptr,
          .legal = sequences_.obs.action_mask};
}

void ReplayAgent::report(Metrics& metrics) {
  metrics.set("rollout/exploration_rate", exploration(0, replay_.num_envs()));
  if (num_updates_ == 0) return;
  metrics.set("train/learning_rate", learning_rate_);
  metrics.set("train/n_updates", static_cast<double>(num_updates_));
}

std::vector<std::string> ReplayAgent::notes() const {
  std::ostringstream text;
  text << "replay buffer: " << replay_.capacity() << " transitions, " << bytes_text(replay_bytes_) << " when full ("
       << bytes_text(available_memory()) << " free)";
  std::vector<std::string> lines(1, text.str());
  if (!config_.save_replay_buffer)
    lines.emplace_back("checkpoints leave the replay buffer out: a resumed run fills it anew before it learns again");
  return lines;
}

void ReplayAgent::visit(Archive& archive) {
  archive("rng", rng_);
  archive("replay_rng", replay_rng_);
  archive("encoder", encoder_);
  archive("progress", progress_);
  archive("steps", steps_);
  archive("num_updates", num_updates_);
  archive("learning_rate", learning_rate_);
  encoded_ = false;
}

void ReplayAgent::visit_memory(Archive& archive) {
  if (config_.save_replay_buffer) archive("replay", replay_);
  if (states_.empty()) return;
  const std::size_t size = states_.size();
  archive("states", states_);
  if (states_.size() != size) fail(ErrorKind::kBadFile, "the saved states are not those of as many environments");
}

ValueAgent::ValueAgent(const ReplayAgentConfig& config, const AgentContext& context, std::string_view id,
                       const ValueObjective& objective, std::int64_t num_outputs)
    : ReplayAgent(config, context, id),
      objective_(objective),
      online_(context.spec, config, num_outputs, compute_, rng_),
      target_(context.spec, config, num_outputs, compute_, rng_),
      learner_(online_, target_, compute_),
      adam_(online_.parameters(), {.eps = config.adam_eps, .pool = compute_.pool}) {
  polyak_update(online_.parameters(), target_.parameters(), 1);
  target_.update_weights();
}

void ValueAgent::q_values(const float* features, std::int64_t n, float*, bool exploring, float* q) {
  exploring ? online_.use_noise() : online_.use_mean();
  if (online_.num_outputs() == 1) return online_.infer(features, n, q);
  outputs_.resize(static_cast<std::size_t>(n * online_.num_actions() * online_.num_outputs()));
  online_.infer(features, n, outputs_.data());
  expected_values(outputs_.data(), n, online_.num_actions(), online_.num_outputs(), objective_, q);
}

const float* ValueAgent::update(const TransitionBatch& batch, double progress) {
  online_.draw_noise(rng_);
  target_.draw_noise(rng_);
  learner_.gradient(batch, objective_);
  adam_.step(online_.parameters(), learning_rate(progress), config_.max_grad_norm);
  online_.update_weights();
  return config_.prioritized_replay ? learner_.errors() : nullptr;
}

void ValueAgent::update_target() {
  polyak_update(online_.parameters(), target_.parameters(), config_.tau);
  target_.update_weights();
}

void ValueAgent::report(Metrics& metrics) {
  ReplayAgent::report(metrics);
  if (learner_.num_gradients() == 0) return;
  const ValueMeans means = learner_.take_means();
  metrics.set("train/loss", means.loss);
  metrics.set("train/q_value", means.q_value);
}

void ValueAgent::visit(Archive& archive) {
  ReplayAgent::visit(archive);
  archive("online", online_);
  archive("target", target_);
  archive("adam", adam_);
  archive("learner", learner_);
}

}  // namespace corvid
