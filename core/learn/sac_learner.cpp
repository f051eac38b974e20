#include "core/learn/sac_learner.h"

#include <algorithm>
#include <cmath>

namespace corvid {

namespace {

constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEps = 1e-8;

MlpShape actor_shape(const SacSettings& s) { return {s.obs_size, s.hidden, 2 * s.action_size, s.activation}; }
MlpShape critic_shape(const SacSettings& s) { return {s.obs_size + s.action_size, s.hidden, 1, s.activation}; }

}  // namespace

SacLearner::SacLearner(const SacSettings& settings, std::shared_ptr<ThreadPool> pool)
    : settings_(settings),
      pool_(std::move(pool)),
      actor_(actor_shape(settings)),
      critic_(critic_shape(settings)),
      actor_net_(actor_),
      critic_nets_{Net(critic_), Net(critic_)},
      targets_{critic_nets_[0].parameters, critic_nets_[1].parameters},
      log_alpha_(static_cast<float>(std::log(settings.alpha))),
      actor_work_(actor_, settings.batch_size),
      next_actor_work_(actor_, settings.batch_size),
      critic_work_{FusedMlp::Workspace(critic_, settings.batch_size),
                   FusedMlp::Workspace(critic_, settings.batch_size)} {
  if (settings_.target_entropy == 0) settings_.target_entropy = -static_cast<double>(settings.action_size);
  const auto rows = static_cast<std::size_t>(settings.batch_size);
  const auto columns = static_cast<std::size_t>(settings.action_size * actor_work_.stride());
  const std::size_t inputs = rows * static_cast<std::size_t>(critic_.shape().inputs);
  for (Draw* draw : {&now_, &next_}) {
    draw->noise.resize(columns);
    draw->actions.resize(columns);
    draw->log_probs.resize(rows);
    draw->inputs.resize(inputs);
  }
  inputs_.resize(inputs);
  for (std::size_t k = 0; k < 2; ++k) {
    next_q_[k].resize(rows);
    d_inputs_[k].resize(inputs);
  }
  target_.resize(rows);
  d_actions_.resize(columns);
}

void SacLearner::initialise(Rng& rng) {
  auto fill = [&](const FusedMlp& mlp, AlignedVector<float>& parameters) {
    for (const FusedMlp::Layer& layer : mlp.layers()) {
      const double bound = 1 / std::sqrt(static_cast<double>(layer.inputs));
      auto draw = [&](std::int64_t from, std::int64_t count) {
        for (std::int64_t k = 0; k < count; ++k)
          parameters[static_cast<std::size_t>(from + k)] = static_cast<float>(rng.uniform(-bound, bound));
      };
      draw(layer.weight, layer.inputs * layer.outputs);
      draw(layer.bias, layer.outputs);
    }
  };
  fill(actor_, actor_net_.parameters);
  for (std::size_t k = 0; k < 2; ++k) {
    fill(critic_, critic_nets_[k].parameters);
    targets_[k] = critic_nets_[k].parameters;
  }
}

double SacLearner::alpha() const { return std::exp(static_cast<double>(log_alpha_)); }

template <class Body>
void SacLearner::both(Phase phase, Body&& body) {
  choices_[phase].run(pool_.get(), 2, body);
}

void SacLearner::adam_step(Net& net) const {
  kernels().adam(static_cast<std::int64_t>(net.parameters.size()),
                 adam_factors(num_updates_ + 1, settings_.learning_rate, kBeta1, kBeta2, kEps), 1, net.gradient.data(),
                 net.parameters.data(), net.mean.data(), net.square.data());
}

void SacLearner::draw(const float* obs, FusedMlp::Workspace& work, Draw& to) {
  const std::int64_t n = settings_.batch_size, size = settings_.action_size, width = settings_.obs_size + size;
  actor_.forward(actor_net_.parameters.data(), obs, n, work);
  const float* means = work.outputs();
  loss_kernels().squashed_gaussian(n, work.stride(), size, means, means + size * work.stride(), to.noise.data(),
                                   to.actions.data(), to.log_probs.data());
  for (std::int64_t b = 0; b < n; ++b) {
    float* row = to.inputs.data() + b * width;
    std::copy_n(obs + b * settings_.obs_size, settings_.obs_size, row);
    for (std::int64_t k = 0; k < size; ++k)
      row[settings_.obs_size + k] = to.actions[static_cast<std::size_t>(k * work.stride() + b)];
  }
}

void SacLearner::update(const SacBatch& batch, Rng& rng) {
  const std::int64_t n = settings_.batch_size, obs_size = settings_.obs_size, size = settings_.action_size;
  const std::int64_t width = obs_size + size, stride = actor_work_.stride();
  const float scale = static_cast<float>(1 / static_cast<double>(n));
  const float alpha = std::exp(log_alpha_);
  const LossKernels& loss = loss_kernels();
  for (Draw* draw : {&next_, &now_}) {
    for (std::int64_t k = 0; k < size; ++k) {
      for (std::int64_t b = 0; b < n; ++b)
        draw->noise[static_cast<std::size_t>(k * stride + b)] = static_cast<float>(rng.standard_normal());
    }
  }

  // a' ~ pi(s') for the target, a ~ pi(s) for the actor
  both(kDraw, [&](int which) {
    which == 0 ? draw(batch.next_obs, next_actor_work_, next_) : draw(batch.obs, actor_work_, now_);
  });

  // y = r + discount (min_k Q'_k(s', a') - alpha log pi(a' | s'))
  both(kTarget, [&](int which) {
    const auto k = static_cast<std::size_t>(which);
    critic_.infer(targets_[k].data(), next_.inputs.data(), n, next_q_[k].data(), critic_work_[k]);
  });
  loss.soft_target(n, batch.rewards, batch.discounts, next_q_[0].data(), next_q_[1].data(), next_.log_probs.data(),
                   alpha, target_.data());

  // L(Q_k) = 1/2 mean((Q_k(s, a) - y)^2)
  for (std::int64_t b = 0; b < n; ++b) {
    std::copy_n(batch.obs + b * obs_size, obs_size, inputs_.data() + b * width);
    std::copy_n(batch.actions + b * size, size, inputs_.data() + b * width + obs_size);
  }
  critic_squares_ = {};
  both(kCritics, [&](int which) {
    const auto k = static_cast<std::size_t>(which);
    Net& net = critic_nets_[k];
    FusedMlp::Workspace& work = critic_work_[k];
    critic_.forward(net.parameters.data(), inputs_.data(), n, work);
    loss.value(n, work.outputs(), target_.data(), nullptr, 0, 0.5f, scale, work.output_gradients(), critic_squares_[k]);
    critic_.backward(net.parameters.data(), inputs_.data(), n, work, false, net.gradient.data());
    adam_step(net);
  });

  // L(pi) = mean(alpha log pi(a | s) - min_k Q_k(s, a)), through the action into the policy
  both(kJudge, [&](int which) {
    const auto k = static_cast<std::size_t>(which);
    critic_.forward(critic_nets_[k].parameters.data(), now_.inputs.data(), n, critic_work_[k]);
  });
  double least = 0;
  loss.least_of_two(n, critic_work_[0].outputs(), critic_work_[1].outputs(), scale, critic_work_[0].output_gradients(),
                    critic_work_[1].output_gradients(), least);
  both(kJudgeBack, [&](int which) {
    const auto k = static_cast<std::size_t>(which);
    critic_.backward(critic_nets_[k].parameters.data(), now_.inputs.data(), n, critic_work_[k], false, nullptr,
                     d_inputs_[k].data());
  });
  for (std::int64_t k = 0; k < size; ++k) {
    for (std::int64_t b = 0; b < n; ++b) {
      const auto at = static_cast<std::size_t>(b * width + obs_size + k);
      d_actions_[static_cast<std::size_t>(k * stride + b)] = d_inputs_[0][at] + d_inputs_[1][at];
    }
  }
  both(kActor, [&](int which) {
    if (which == 1) {
      for (std::size_t k = 0; k < 2; ++k) {
        kernels().polyak(static_cast<std::int64_t>(targets_[k].size()), static_cast<float>(settings_.tau),
                         critic_nets_[k].parameters.data(), targets_[k].data());
      }
      return;
    }
    float* d_means = actor_work_.output_gradients();
    loss.squashed_gaussian_gradient(n, stride, size, actor_work_.outputs() + size * stride, now_.noise.data(),
                                    now_.actions.data(), d_actions_.data(), alpha, scale, d_means,
                                    d_means + size * stride);
    actor_.backward(actor_net_.parameters.data(), batch.obs, n, actor_work_, false, actor_net_.gradient.data());
    adam_step(actor_net_);
  });

  // L(alpha) = -log alpha (mean(log pi(a | s)) + target entropy)
  double log_prob = 0;
  for (float value : now_.log_probs) log_prob += value;
  log_prob /= static_cast<double>(n);
  if (settings_.learn_alpha) {
    const float gradient = static_cast<float>(-(log_prob + settings_.target_entropy));
    kernels().adam(1, adam_factors(num_updates_ + 1, settings_.learning_rate, kBeta1, kBeta2, kEps), 1, &gradient,
                   &log_alpha_, &log_alpha_mean_, &log_alpha_square_);
  }
  ++num_updates_;
  losses_ = {.critic = 0.5 * (critic_squares_[0] + critic_squares_[1]) * scale,
             .actor = alpha * log_prob - least * scale,
             .entropy = -log_prob};
}

void SacLearner::Net::visit(Archive& archive) {
  archive.bytes("parameters", parameters.data(), parameters.size() * sizeof(float));
  archive.bytes("mean", mean.data(), mean.size() * sizeof(float));
  archive.bytes("square", square.data(), square.size() * sizeof(float));
}

void SacLearner::visit(Archive& archive) {
  archive("actor", actor_net_);
  for (std::size_t k = 0; k < 2; ++k) {
    archive("critic" + std::to_string(k), critic_nets_[k]);
    archive.bytes("target" + std::to_string(k), targets_[k].data(), targets_[k].size() * sizeof(float));
  }
  archive("log_alpha", log_alpha_);
  archive("log_alpha_mean", log_alpha_mean_);
  archive("log_alpha_square", log_alpha_square_);
  archive("num_updates", num_updates_);
}

}  // namespace corvid
