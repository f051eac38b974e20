// Recurrent DQN: a Q-network with a memory, learned from sequences that begin with the state that was kept beside them.
// Source: Kapturowski et al. 2019, "Recurrent Experience Replay in Distributed Reinforcement Learning" (R2D2), sections
// 2.3 and 3.
// Deviation: one process; sequences begin at any step, and burn-in goes back from there at most to the episode's start,
// so that early steps are learned from as well; last action and reward are no inputs; Huber's loss and values as they
// are, unless set otherwise.
#include "core/learn/sequence_loss.h"
#include "core/learn/value_losses.h"
#include "core/run/replay_agent.h"

namespace corvid {
namespace {

struct RecurrentDqnConfig : ReplayAgentConfig {
  RecurrentDqnConfig() {
    learning_rate = 5e-4;
    net_arch = {64};
  }
  std::int64_t lstm_hidden_size = 64;
  std::int64_t sequence_length = 20;
  std::int64_t burn_in = 20;
  bool double_q = true;
  double huber_delta = 1;
  bool value_rescaling = false;
  double eta = 0.9;
};

class RecurrentDqn final : public ReplayAgent {
 public:
  using Config = RecurrentDqnConfig;

  static Fields fields(Config& c) {
    Fields list = corvid::fields(static_cast<ReplayAgentConfig&>(c));
    std::erase_if(list, [](const Field& f) {
      return f.is_called("net_arch") || f.is_called("frame_stack") || f.is_called("layer_norm") ||
             f.name().starts_with("noisy");
    });
    list.push_back(Field("net_arch", &c.net_arch, "widths of the layers in front of the LSTM").at_least(1));
    list.push_back(Field("lstm_hidden_size", &c.lstm_hidden_size, "cells of the LSTM").at_least(1));
    list.push_back(
        Field("sequence_length", &c.sequence_length, "steps of a sequence that are learned from").between(1, 10000));
    list.push_back(Field("burn_in", &c.burn_in, "steps before them that bring the state up to date").between(0, 10000));
    list.push_back(Field("double_q", &c.double_q, "the online network chooses the next action, the target judges it"));
    list.push_back(
        Field("huber_delta", &c.huber_delta, "TD error where the loss turns linear; 0: squared loss").at_least(0));
    list.push_back(Field("value_rescaling", &c.value_rescaling, "learn values on the scale of about their root"));
    list.push_back(
        Field("eta", &c.eta, "share of the largest error in a priority; the rest is their mean").between(0, 1));
    return list;
  }

  RecurrentDqn(const Config& config, const AgentContext& context)
      : ReplayAgent(config, context, "recurrent_dqn",
                    {.state_size = 2 * config.lstm_hidden_size,
                     .sequence_length = config.sequence_length,
                     .burn_in = config.burn_in}),
        config_(config),
        online_(context.spec, config, config.lstm_hidden_size, compute_, rng_),
        target_(context.spec, config, config.lstm_hidden_size, compute_, rng_),
        adam_(online_.parameters(), {.eps = config.adam_eps}),
        sums_(at::zeros({2}, at::TensorOptions().device(compute_.device))) {
    polyak_update(online_.parameters(), target_.parameters(), 1);
  }

 protected:
  void q_values(const float* features, std::int64_t n, float* states, bool, float* q) override {
    online_.infer(features, n, states, q);
    if (!config_.value_rescaling) return;
    at::Tensor values = at::from_blob(q, {n * online_.num_actions()}, at::kFloat);
    values.copy_(unscale_values(values));
  }

  const float* update_on_sequences(const SequenceInputs& batch, double progress) override {
    const SequenceTensors b = to_tensors(batch, num_inputs(), 2 * config_.lstm_hidden_size, online_.num_actions(),
                                         config_.n_steps, compute_.device);
    const auto [loss, errors, predicted] = sequence_loss(
        online_, target_, b,
        {.double_q = config_.double_q, .delta = config_.huber_delta, .value_rescaling = config_.value_rescaling});
    online_.parameters().zero_grad();
    loss.backward();
    adam_.step(online_.parameters(), learning_rate(progress), config_.max_grad_norm);

    at::NoGradGuard no_grad;
    sums_.add_(at::stack({loss.detach(), weighted_mean(predicted, b.valid) / b.valid.mean()}));
    ++num_recorded_;
    if (!config_.prioritized_replay) return nullptr;
    errors_ = sequence_priorities(errors, b.valid, config_.eta).cpu();
    return errors_.const_data_ptr<float>();
  }

  void update_target() override { polyak_update(online_.parameters(), target_.parameters(), config_.tau); }

  void report(Metrics& metrics) override {
    ReplayAgent::report(metrics);
    if (num_recorded_ == 0) return;
    const at::Tensor means = (sums_ / num_recorded_).cpu();
    metrics.set("train/loss", means.const_data_ptr<float>()[0]);
    metrics.set("train/q_value", means.const_data_ptr<float>()[1]);
    sums_.zero_();
    num_recorded_ = 0;
  }

  void visit(Archive& archive) override {
    ReplayAgent::visit(archive);
    archive("online", online_);
    archive("target", target_);
    archive("adam", adam_);
    visit_tensor(archive, "sums", sums_);
    archive("num_recorded", num_recorded_);
  }

 private:
  Config config_;
  RecurrentQNetwork online_, target_;
  Adam adam_;
  at::Tensor sums_, errors_;
  std::int64_t num_recorded_ = 0;
};

CORVID_REGISTER_AGENT(RecurrentDqn,
                      {.id = "recurrent_dqn",
                       .family = "value",
                       .summary = "Recurrent DQN (R2D2): an LSTM learned from sequences with stored states",
                       .source = "Kapturowski et al. 2019, openreview.net/forum?id=r1lyTjAqYX"});

}  // namespace
}  // namespace corvid
