// Q-networks: shapes, dueling streams and noise against their formulas, acting against learning.
#include "core/nn/q_network.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "tests/nn/value_network_testing.h"

namespace corvid::testing {
namespace {

constexpr std::int64_t kFeatures = 5, kActions = 4;

QNetwork network(const QNetworkConfig& config, std::int64_t num_outputs, const Compute& compute,
                 const Space& observation = flat_observation(kFeatures), std::int64_t num_actions = kActions) {
  Rng rng(3);
  return {spec_with(observation, num_actions), config, num_outputs, compute, rng};
}

/// Pixels as an encoder gives them.
at::Tensor some_features(const QNetwork& q, std::int64_t rows, double largest = 1) {
  Rng rng(5);
  return normal({rows, q.num_inputs()}, rng).clamp(-1, 1) * largest;
}

std::vector<float> inferred(QNetwork& q, const at::Tensor& x) {
  std::vector<float> y(static_cast<std::size_t>(x.size(0) * q.num_actions() * q.num_outputs()));
  q.infer(x.const_data_ptr<float>(), x.size(0), y.data());
  return y;
}

at::Tensor as_tensor(std::vector<float>& numbers, at::IntArrayRef sizes) {
  return at::from_blob(numbers.data(), sizes, at::kFloat).clone();
}

std::vector<float> weights_of(const QNetwork& q) { return {q.weights(), q.weights() + q.num_weights()}; }

const Space kImage = Space::box(0, 255, {10, 10, 2}, DType::kUint8);

TEST(QNetwork, ShapesAndActingEqualLearning) {
  for (const Space& observation : {flat_observation(kFeatures), kImage}) {
    for (const std::int64_t num_outputs : {1, 7}) {
      for (const bool dueling : {false, true}) {
        for (const bool noisy : {false, true}) {
          for (const std::int64_t frame_stack : {1, 3}) {
            at::Tensor both[2];
            for (const bool fused : {true, false}) {
              QNetwork q =
                  network({.net_arch = {33, 16}, .dueling = dueling, .noisy = noisy, .frame_stack = frame_stack},
                          num_outputs, {.fused = fused}, observation);
              EXPECT_EQ(q.num_inputs(), frame_stack * observation.size());
              EXPECT_EQ(q.fused() != nullptr, fused && observation.shape.size() == 1);
              const at::Tensor x = some_features(q, 9, observation.shape.size() == 3 ? 255 : 1);
              const at::Tensor y = q.forward(x).detach();
              ASSERT_EQ(y.sizes(), (std::vector<std::int64_t>{9, kActions, num_outputs}));
              std::vector<float> acted = inferred(q, x);
              EXPECT_LT(difference(as_tensor(acted, y.sizes()), y), 1e-6) << fused << dueling << noisy;
              both[fused] = y;
            }
            EXPECT_LT(difference(both[1], both[0]), 1e-5) << num_outputs << dueling << noisy << frame_stack;
            EXPECT_GT(both[0].abs().max().item<double>(), 1e-3);
          }
        }
      }
    }
  }
}

TEST(QNetwork, EqualsPlainLoopsWithAndWithoutDueling) {
  for (const std::int64_t num_outputs : {1, 3}) {
    for (const bool dueling : {false, true}) {
      QNetwork q = network({.net_arch = {8, 6}, .dueling = dueling}, num_outputs, {});
      const at::Tensor x = some_features(q, 4), y = q.forward(x).detach();
      const MlpShape shape{kFeatures, {8, 6}, (kActions + dueling) * num_outputs, Activation::kRelu};
      for (std::int64_t b = 0; b < 4; ++b) {
        const float* row = x[b].const_data_ptr<float>();
        const std::vector<double> columns = naive_mlp(shape, q.weights(), {row, row + kFeatures});
        auto column = [&](std::int64_t a, std::int64_t k) {
          return columns[static_cast<std::size_t>(a * num_outputs + k)];
        };
        for (std::int64_t k = 0; k < num_outputs; ++k) {
          double mean = 0;
          for (std::int64_t a = 0; a < kActions; ++a) mean += column(a, k) / kActions;
          for (std::int64_t a = 0; a < kActions; ++a) {
            const double expected = dueling ? column(kActions, k) + column(a, k) - mean : column(a, k);
            EXPECT_NEAR(y[b][a][k].item<double>(), expected, 1e-5) << dueling << b << a << k;
          }
        }
      }
    }
  }
}

TEST(QNetwork, ActsTheSameOnAnyNumberOfThreads) {
  for (const bool dueling : {false, true}) {
    const QNetworkConfig config{.dueling = dueling};
    QNetwork alone = network(config, 3, {});
    const at::Tensor x = some_features(alone, 1000);
    const std::vector<float> expected = inferred(alone, x);
    for (const int num_threads : {2, 3}) {
      QNetwork threaded = network(config, 3, {.pool = std::make_shared<ThreadPool>(num_threads)});
      for (int time = 0; time < SplitChoice::kTried; ++time) ASSERT_EQ(inferred(threaded, x), expected) << num_threads;
    }
  }
}

TEST(QNetwork, BeginsWithinTheRootOfItsInputs) {
  QNetwork q = network({.net_arch = {64, 32}}, 2, {});
  const std::vector<FusedMlp::Layer> layers = q.fused()->layers();
  for (const FusedMlp::Layer& layer : layers) {
    const double bound = 1 / std::sqrt(static_cast<double>(layer.inputs));
    double largest = 0, largest_bias = 0, sum = 0;
    for (std::int64_t k = 0; k < layer.inputs * layer.outputs; ++k) {
      largest = std::max(largest, std::abs(static_cast<double>(q.weights()[layer.weight + k])));
      sum += q.weights()[layer.weight + k];
    }
    for (std::int64_t k = 0; k < layer.outputs; ++k)
      largest_bias = std::max(largest_bias, std::abs(static_cast<double>(q.weights()[layer.bias + k])));
    EXPECT_LE(std::max(largest, largest_bias), bound * 1.000001);
    EXPECT_GT(std::min(largest, largest_bias), bound * 0.7);
    // the mean of n uniform numbers has a standard deviation of bound / sqrt(3 n)
    const double n = static_cast<double>(layer.inputs * layer.outputs);
    EXPECT_LT(std::abs(sum / n), 4 * bound / std::sqrt(3 * n));
  }
}

TEST(QNetwork, HiddenLayersFollowTheKindOfObservation) {
  Rng rng(1);
  const std::optional<ConvBody> none, small = ConvBody({.height = 10, .width = 10}, 1, rng),
                                      large = ConvBody({.height = 84, .width = 84}, 1, rng);
  using Widths = std::vector<std::int64_t>;
  EXPECT_EQ(hidden_layers({}, none), (Widths{120, 84}));
  EXPECT_EQ(hidden_layers({}, small), (Widths{128}));
  EXPECT_EQ(hidden_layers({}, large), (Widths{512}));
  EXPECT_EQ(hidden_layers({.net_arch = {3}}, large), (Widths{3}));
}

TEST(QNetwork, RefusesActionsThatAreNotDiscrete) {
  for (const Space& action : {Space::box(-1, 1, {2}), Space::multi_discrete({2, 3})}) {
    try {
      check_discrete_actions({.observation = flat_observation(2), .action = action}, "dqn");
      ADD_FAILURE() << action.to_string();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      EXPECT_NE(std::string(error.what()).find("dqn"), std::string::npos);
      EXPECT_NE(std::string(error.what()).find(action.to_string()), std::string::npos);
    }
  }
  EXPECT_NO_THROW(check_discrete_actions(spec_with(flat_observation(2), 3), "dqn"));
}

TEST(QNetwork, NumbersThatAreNotFiniteAreFound) {
  for (const bool dueling : {false, true}) {
    QNetwork q = network({.dueling = dueling}, 1, {});
    q.parameters().flat().data_ptr<float>()[q.num_weights() - 16] = std::numeric_limits<float>::quiet_NaN();  // a bias
    EXPECT_THROW(inferred(q, some_features(q, 3)), Error);
  }
}

TEST(QNetwork, NormalizedPixelsAreNotDividedAgain) {
  // The same parameters: pixels of [0, 255] divided by 255, or features that an encoder has normalised.
  QNetwork raw = network({}, 1, {}, kImage), normalized = network({.normalize_observations = true}, 1, {}, kImage);
  const at::Tensor x = some_features(raw, 3);
  EXPECT_LT(difference(normalized.forward(x), raw.forward(x * 255)), 1e-5);
}

TEST(Streams, JoinByHand) {
  // A = 2 actions, K = 1, one row: advantages 1 and 3, value 10: 10 + 1 - 2 and 10 + 3 - 2
  float one[] = {1, 3, 10};
  join_streams(1, 1, 2, 1, one);
  EXPECT_EQ(std::vector<float>(one, one + 2), (std::vector<float>{9, 11}));
  // K = 2 and two rows of three: columns (a0 k0) (a0 k1) (a1 k0) (a1 k1) (v k0) (v k1); the third row is another's
  float two[] = {1, 0, 7, 2, 0, 7, 3, 4, 7, 6, 0, 7, 10, 20, 7, 30, 40, 7};
  join_streams(2, 3, 2, 2, two);
  EXPECT_EQ(std::vector<float>(two, two + 12), (std::vector<float>{9, 18, 7, 28, 40, 7, 11, 22, 7, 32, 40, 7}));
}

TEST(Streams, SplitIsTheGradientOfJoin) {
  Rng rng(2);
  const std::int64_t rows = 5, stride = 7, num_outputs = 3;
  const at::Tensor streams = normal({kActions + 1, num_outputs, stride}, rng).set_requires_grad(true);
  const at::Tensor weights = normal({kActions, num_outputs, stride}, rng);
  const at::Tensor advantage = streams.narrow(0, 0, kActions), value = streams.narrow(0, kActions, 1);
  const at::Tensor q = value + advantage - advantage.mean(0, true);
  ((q * weights).narrow(2, 0, rows)).sum().backward();

  at::Tensor joined = streams.detach().clone();
  join_streams(rows, stride, kActions, num_outputs, joined.data_ptr<float>());
  EXPECT_LT(difference(joined.narrow(0, 0, kActions).narrow(2, 0, rows), q.narrow(2, 0, rows)), 1e-6);
  EXPECT_TRUE(at::equal(joined.narrow(2, rows, 2), streams.detach().narrow(2, rows, 2)));  // beyond the rows

  at::Tensor derivatives = at::cat({weights, at::full({1, num_outputs, stride}, 99.0f)});
  split_streams(rows, stride, kActions, num_outputs, derivatives.data_ptr<float>());
  EXPECT_LT(difference(derivatives.narrow(2, 0, rows), streams.grad().narrow(2, 0, rows)), 1e-6);
}

/// A noisy network's mu, sigma and noise eps = (w - mu) / sigma, flat.
struct Noise {
  explicit Noise(QNetwork& q) : size(q.num_weights()) {
    const at::Tensor learned = q.parameters().flat().detach();
    mu = learned.narrow(0, 0, size).clone();
    sigma = learned.narrow(0, size, size).clone();
    const std::vector<float> w = weights_of(q);
    eps = at::zeros({size});
    for (std::int64_t k = 0; k < size; ++k) {
      const float s = sigma.data_ptr<float>()[k];
      if (s > 0) eps.data_ptr<float>()[k] = (w[static_cast<std::size_t>(k)] - mu.data_ptr<float>()[k]) / s;
    }
  }
  double at(std::int64_t k) const { return eps.const_data_ptr<float>()[k]; }
  std::int64_t size;
  at::Tensor mu, sigma, eps;
};

TEST(NoisyNetwork, NoiseIsFactorised) {
  // eps of weight (i, o) is f(x_i) f(x_o), that of bias o is f(x_o): a matrix of rank one with the bias's direction.
  for (const bool fused : {true, false}) {
    QNetwork q = network({.net_arch = {6, 9}, .noisy = true, .noisy_std = 0.5}, 1, {.fused = fused});
    const Noise noise(q);
    const std::vector<FusedMlp::Layer> layers = FusedMlp({kFeatures, {6, 9}, kActions, Activation::kRelu}).layers();
    for (const FusedMlp::Layer& layer : layers) {
      EXPECT_NEAR(noise.sigma[layer.weight].item<double>(), 0.5 / std::sqrt(static_cast<double>(layer.inputs)), 1e-7);
      EXPECT_NEAR(noise.sigma[layer.bias].item<double>(), 0.5 / std::sqrt(static_cast<double>(layer.inputs)), 1e-7);
      std::int64_t best = 0;  // the output with the largest noise is divided by
      for (std::int64_t o = 0; o < layer.outputs; ++o)
        if (std::abs(noise.at(layer.bias + o)) > std::abs(noise.at(layer.bias + best))) best = o;
      for (std::int64_t i = 0; i < layer.inputs; ++i) {
        const double in = noise.at(layer.weight + i * layer.outputs + best) / noise.at(layer.bias + best);
        EXPECT_NE(in, 0);
        for (std::int64_t o = 0; o < layer.outputs; ++o)
          EXPECT_NEAR(noise.at(layer.weight + i * layer.outputs + o), in * noise.at(layer.bias + o), 1e-4) << i << o;
      }
    }
    // Gaps between parameters stay 0, or they would drift.
    double used = 0;
    for (const FusedMlp::Layer& layer : layers) used += static_cast<double>((layer.inputs + 1) * layer.outputs);
    EXPECT_EQ((noise.sigma > 0).sum().item<double>(), used);
  }
}

TEST(NoisyNetwork, NoiseIsTheSignedRootOfANormal) {
  // f(x) = sign(x) sqrt|x| of a standard normal x: mean 0, mean square E|x| = sqrt(2 / pi), mean fourth power E x^2 = 1
  QNetwork q = network({.net_arch = {100}, .noisy = true}, 1, {});
  const std::vector<FusedMlp::Layer> layers = q.fused()->layers();
  Rng rng(9);
  double sum = 0, squares = 0, fourths = 0, count = 0;
  for (int draw = 0; draw < 200; ++draw) {
    q.draw_noise(rng);
    const Noise noise(q);
    for (std::int64_t o = 0; o < 100; ++o, ++count) {
      const double e = noise.at(layers[0].bias + o);
      sum += e, squares += e * e, fourths += e * e * e * e;
    }
  }
  EXPECT_NEAR(sum / count, 0, 4 * std::sqrt(0.798 / count));
  EXPECT_NEAR(squares / count, std::sqrt(2 / M_PI), 0.02);
  EXPECT_NEAR(fourths / count, 1, 0.05);
}

TEST(NoisyNetwork, TheMeanIsTheNetworkWithoutNoise) {
  QNetwork noisy = network({.noisy = true}, 2, {}), plain = network({}, 2, {});
  const Noise noise(noisy);
  plain.parameters().flat().detach().copy_(noise.mu);
  const at::Tensor x = some_features(noisy, 6);
  const std::vector<float> loud = inferred(noisy, x), weights = weights_of(noisy);
  EXPECT_NE(loud, inferred(plain, x));
  noisy.use_mean();
  EXPECT_EQ(inferred(noisy, x), inferred(plain, x));
  noisy.use_noise();
  EXPECT_EQ(inferred(noisy, x), loud);
  EXPECT_EQ(weights_of(noisy), weights);

  // New noise is in use at once, even after the mean was.
  noisy.use_mean();
  Rng rng(8);
  noisy.draw_noise(rng);
  EXPECT_NE(inferred(noisy, x), loud);
  EXPECT_NE(inferred(noisy, x), inferred(plain, x));
}

TEST(NoisyNetwork, SigmaLearnsByTheGradientTimesTheNoise) {
  for (const bool fused : {true, false}) {
    QNetwork q = network({.net_arch = {6}, .noisy = true}, 1, {.fused = fused});
    const Noise noise(q);
    for (std::int64_t k = 0; k < noise.size; ++k) q.gradient()[k] = static_cast<float>(k % 17) - 8;
    q.pull_gradient();
    const at::Tensor gradient = q.parameters().gradient();
    ASSERT_EQ(gradient.numel(), 2 * noise.size);
    for (std::int64_t k = 0; k < noise.size; ++k) {
      const double g = static_cast<double>(k % 17) - 8;
      EXPECT_EQ(gradient[k].item<double>(), g);
      EXPECT_NEAR(gradient[noise.size + k].item<double>(), g * noise.at(k), 1e-5 * (1 + std::abs(g * noise.at(k))));
    }
  }
}

TEST(NoisyNetwork, WeightsFollowWhatIsLearned) {
  QNetwork q = network({.net_arch = {6}, .noisy = true}, 1, {});
  const Noise before(q);
  q.parameters().flat().detach().add_(1);  // mu and sigma
  q.update_weights();
  const std::vector<float> w = weights_of(q);
  for (std::int64_t k = 0; k < before.size; ++k) {
    const double mu = before.mu[k].item<double>() + 1, sigma = before.sigma[k].item<double>() + 1;
    EXPECT_NEAR(w[static_cast<std::size_t>(k)], mu + sigma * before.at(k), 1e-4) << k;
  }
}

TEST(NoisyNetwork, ConvolutionsHaveNoNoise) {
  QNetwork q = network({.net_arch = {8}, .noisy = true}, 1, {}, kImage);
  const at::Tensor learned = q.parameters().flat().detach();
  // 16 filters of 3 x 3 x 2 and their biases come first.
  const std::int64_t convolutions = padded(16 * 18) + padded(16);
  EXPECT_EQ(learned.narrow(0, q.num_weights(), convolutions).abs().max().item<float>(), 0);
  EXPECT_GT(learned.narrow(0, q.num_weights() + convolutions, 16).abs().min().item<float>(), 0);
}

TEST(QNetwork, AnArchiveHoldsAllOfIt) {
  for (const Space& observation : {flat_observation(kFeatures), kImage}) {
    for (const bool noisy : {false, true}) {
      QNetwork from = network({.noisy = noisy}, 2, {}, observation), to = network({.noisy = noisy}, 2, {}, observation);
      Rng rng(6);
      disturb(from.parameters().flat(), rng, 0.1);
      from.draw_noise(rng);
      from.update_weights();
      const at::Tensor x = some_features(from, 4);
      const std::vector<float> expected = inferred(from, x);
      ASSERT_NE(inferred(to, x), expected);
      to.use_mean();  // reading ends that
      copy_through_archive(from, to);
      EXPECT_EQ(inferred(to, x), expected) << noisy;
    }
  }
}

}  // namespace
}  // namespace corvid::testing
