// One update of SAC by kernels against the same equations in LibTorch.
#include "core/learn/sac_learner.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/nn/torch.h"

namespace corvid {
namespace {

constexpr std::int64_t kObs = 5, kAction = 2, kBatch = 33;
constexpr double kLog2 = 0.69314718055994530942, kHalfLogTwoPi = 0.91893853320467274178;

SacSettings settings() {
  return {.obs_size = kObs,
          .action_size = kAction,
          .hidden = {32, 20},
          .activation = Activation::kTanh,
          .batch_size = kBatch,
          .learning_rate = 1e-2,
          .tau = 0.1,
          .alpha = 0.3};
}

/// The network with these parameters, as leaves of a tape, in double.
struct Reference {
  Reference(const FusedMlp& mlp, const AlignedVector<float>& flat) {
    for (const FusedMlp::Layer& layer : mlp.layers()) {
      auto copy = [&](std::int64_t from, at::IntArrayRef sizes) {
        const at::Tensor tensor = at::from_blob(const_cast<float*>(flat.data()) + from, sizes).to(at::kDouble).clone();
        return tensor.set_requires_grad(true);
      };
      weights.push_back(copy(layer.weight, {layer.inputs, layer.outputs}));
      biases.push_back(copy(layer.bias, {layer.outputs}));
    }
  }
  at::Tensor operator()(at::Tensor x) const {
    for (std::size_t l = 0; l < weights.size(); ++l) {
      x = at::matmul(x, weights[l]) + biases[l];
      if (l + 1 < weights.size()) x = at::tanh(x);
    }
    return x;
  }
  /// Largest difference of the gradients.
  double difference(const FusedMlp& mlp, const AlignedVector<float>& gradient) const {
    double worst = 0;
    for (std::size_t l = 0; l < weights.size(); ++l) {
      const FusedMlp::Layer& layer = mlp.layers()[l];
      auto compare = [&](const at::Tensor& expected, std::int64_t from) {
        const at::Tensor found = at::from_blob(const_cast<float*>(gradient.data()) + from, expected.sizes());
        worst = std::max(worst, (found.to(at::kDouble) - expected).abs().max().item<double>());
      };
      compare(weights[l].grad(), layer.weight);
      compare(biases[l].grad(), layer.bias);
    }
    return worst;
  }
  std::vector<at::Tensor> weights, biases;
};

at::Tensor normal(at::IntArrayRef sizes, Rng& rng) {
  at::Tensor x = at::empty(sizes);
  for (std::int64_t k = 0; k < x.numel(); ++k) x.data_ptr<float>()[k] = static_cast<float>(rng.standard_normal());
  return x;
}

struct Drawn {
  at::Tensor action, log_prob;
};

/// Reparametrised actions and their log-probabilities (Haarnoja et al. 2018, appendix C).
Drawn draw(const Reference& actor, const at::Tensor& obs, const at::Tensor& noise) {
  const at::Tensor outputs = actor(obs);
  const at::Tensor mean = outputs.narrow(1, 0, kAction), log_std = outputs.narrow(1, kAction, kAction).clamp(-20, 2);
  const at::Tensor u = mean + log_std.exp() * noise;
  const at::Tensor log_slope = 2 * (kLog2 - u - at::softplus(-2 * u));
  return {at::tanh(u), (-0.5 * noise * noise - log_std - kHalfLogTwoPi - log_slope).sum(1)};
}

TEST(SacLearner, GradientsEqualThoseOfTheTape) {
  Rng rng(3);
  SacLearner learner(settings(), nullptr);
  learner.initialise(rng);
  for (float& p : learner.target_parameters(0)) p *= 0.9f;  // targets lag behind
  const at::Tensor obs = normal({kBatch, kObs}, rng), next_obs = normal({kBatch, kObs}, rng);
  const at::Tensor actions = at::tanh(normal({kBatch, kAction}, rng)), rewards = normal({kBatch}, rng);
  at::Tensor discounts = at::full({kBatch}, 0.97f);
  discounts.narrow(0, 0, 4).zero_();  // terminated

  const Reference actor(learner.actor(), learner.actor_parameters());
  const Reference critics[2] = {{learner.critic(), learner.critic_parameters(0)},
                                {learner.critic(), learner.critic_parameters(1)}};
  const Reference targets[2] = {{learner.critic(), learner.target_parameters(0)},
                                {learner.critic(), learner.target_parameters(1)}};
  const AlignedVector<float> old_target = learner.target_parameters(1);

  // The noise in the order of the learner: that of the next observations first, by dimension.
  Rng same = rng;
  const at::Tensor next_noise = normal({kAction, kBatch}, same).t().to(at::kDouble);
  const at::Tensor noise = normal({kAction, kBatch}, same).t().to(at::kDouble);
  learner.update({obs.const_data_ptr<float>(), actions.const_data_ptr<float>(), rewards.const_data_ptr<float>(),
                  discounts.const_data_ptr<float>(), next_obs.const_data_ptr<float>()},
                 rng);
  EXPECT_TRUE(rng == same);

  const double alpha = 0.3;
  at::Tensor y;
  {
    at::NoGradGuard no_grad;
    const Drawn next = draw(actor, next_obs.to(at::kDouble), next_noise);
    const at::Tensor x = at::cat({next_obs.to(at::kDouble), next.action}, 1);
    const at::Tensor q = at::min(targets[0](x), targets[1](x)).squeeze(1);
    y = rewards.to(at::kDouble) + discounts.to(at::kDouble) * (q - alpha * next.log_prob);
  }
  const at::Tensor x = at::cat({obs, actions}, 1).to(at::kDouble);
  double critic_loss = 0;
  for (std::size_t k = 0; k < 2; ++k) {
    const at::Tensor loss = 0.5 * (critics[k](x).squeeze(1) - y).square().mean();
    loss.backward();
    critic_loss += loss.item<double>();
    EXPECT_LT(critics[k].difference(learner.critic(), learner.critic_gradient(k)), 1e-5) << k;
  }
  EXPECT_NEAR(learner.losses().critic, critic_loss, 1e-5);

  // The policy's loss is taken through the critics after their step.
  const Reference moved[2] = {{learner.critic(), learner.critic_parameters(0)},
                              {learner.critic(), learner.critic_parameters(1)}};
  const Drawn now = draw(actor, obs.to(at::kDouble), noise);
  const at::Tensor pair = at::cat({obs.to(at::kDouble), now.action}, 1);
  const at::Tensor loss = (alpha * now.log_prob - at::min(moved[0](pair), moved[1](pair)).squeeze(1)).mean();
  loss.backward();
  EXPECT_LT(actor.difference(learner.actor(), learner.actor_gradient()), 1e-5);
  EXPECT_NEAR(learner.losses().actor, loss.item<double>(), 1e-5);
  EXPECT_NEAR(learner.losses().entropy, -now.log_prob.mean().item<double>(), 1e-5);

  // Adam's first step is the learning rate along the sign: log alpha moves against mean(log pi) + target entropy.
  const double slope = -(now.log_prob.mean().item<double>() - static_cast<double>(kAction));
  EXPECT_NEAR(std::log(learner.alpha()), std::log(alpha) - std::copysign(1e-2, slope), 1e-6);
  for (std::size_t k = 0; k < old_target.size(); ++k)
    EXPECT_NEAR(learner.target_parameters(1)[k],
                old_target[k] + 0.1 * (learner.critic_parameters(1)[k] - old_target[k]), 1e-6);
}

TEST(SacLearner, DoesNotDependOnThreadsAndGoesOnFromAnArchive) {
  auto run = [](int threads, bool through_archive) {
    Rng rng(5);
    auto pool = threads > 1 ? std::make_shared<ThreadPool>(threads) : nullptr;
    auto learner = std::make_unique<SacLearner>(settings(), pool);
    learner->initialise(rng);
    const at::Tensor obs = normal({kBatch, kObs}, rng), next_obs = normal({kBatch, kObs}, rng);
    const at::Tensor actions = at::tanh(normal({kBatch, kAction}, rng)), rewards = normal({kBatch}, rng);
    const at::Tensor discounts = at::full({kBatch}, 0.97f);
    for (int k = 0; k < 60; ++k) {
      if (through_archive && k == 30) {
        BlobWriter writer;
        learner->visit(writer);
        const auto bytes = writer.take();
        learner = std::make_unique<SacLearner>(settings(), pool);
        BlobReader reader(bytes);
        learner->visit(reader);
      }
      learner->update({obs.const_data_ptr<float>(), actions.const_data_ptr<float>(), rewards.const_data_ptr<float>(),
                       discounts.const_data_ptr<float>(), next_obs.const_data_ptr<float>()},
                      rng);
    }
    return learner->actor_parameters();
  };
  const AlignedVector<float> expected = run(1, false);
  EXPECT_EQ(run(2, false), expected);
  EXPECT_EQ(run(3, true), expected);
}

TEST(SacLearner, SolvesAProblemOfOneStep) {
  // Reward -(a - 0.5)^2 in the only state: the mean action goes to 0.5 as the temperature falls.
  Rng rng(1);
  SacLearner learner({.obs_size = 1,
                      .action_size = 1,
                      .hidden = {16},
                      .batch_size = 64,
                      .learning_rate = 1e-2,
                      .alpha = 0.1,
                      .target_entropy = -3},
                     nullptr);
  learner.initialise(rng);
  const std::vector<float> obs(64, 1), discounts(64, 0);
  std::vector<float> actions(64), rewards(64);
  for (int k = 0; k < 1500; ++k) {
    for (std::size_t b = 0; b < 64; ++b) {
      actions[b] = static_cast<float>(rng.uniform(-1, 1));
      rewards[b] = -(actions[b] - 0.5f) * (actions[b] - 0.5f);
    }
    learner.update({obs.data(), actions.data(), rewards.data(), discounts.data(), obs.data()}, rng);
  }
  FusedMlp::Workspace work(learner.actor(), 1);
  float outputs[2];
  learner.actor().infer(learner.actor_parameters().data(), obs.data(), 1, outputs, work);
  EXPECT_NEAR(std::tanh(outputs[0]), 0.5, 0.1);
}

}  // namespace
}  // namespace corvid
