// The parts of `corvid bench` about networks: inference, updates, and matrix products, each beside LibTorch.
#include <torch/optim/adam.h>

#include <cmath>
#include <iomanip>
#include <iostream>

#include "core/base/check.h"
#include "core/learn/losses.h"
#include "core/learn/policy_learner.h"
#include "core/learn/sac_learner.h"
#include "core/nn/optimizer.h"
#include "core/run/compute.h"
#include "experiments/bench.h"

#if defined(CORVID_WITH_LIBXSMM)
#include <libxsmm.h>
#endif

namespace corvid {
namespace {

struct NetworkOptions : BenchOptions {
  std::int64_t batch_size = 256;
  std::vector<std::int64_t> net_arch = {64, 64};
  std::string activation = "tanh";
  bool layer_norm = false;
  std::int64_t num_threads = 1;
  double seconds = 0.2;
};

Fields network_fields(NetworkOptions& o) {
  return {Field("batch_size", &o.batch_size, "rows").between(1, 1 << 20),
          Field("net_arch", &o.net_arch, "widths of the hidden layers").at_least(1),
          Field("activation", &o.activation, "between the layers").one_of({"tanh", "relu", "silu"}),
          Field("num_threads", &o.num_threads, "threads; 0 takes every processor").between(0, 1024),
          Field("seconds", &o.seconds, "length of one repetition").more_than(0)};
}

nlohmann::ordered_json settings_of(const NetworkOptions& o) {
  nlohmann::ordered_json settings = {{"batch_size", o.batch_size},
                                     {"net_arch", o.net_arch},
                                     {"activation", o.activation},
                                     {"num_threads", o.num_threads}};
  if (o.layer_norm) settings["layer_norm"] = true;
  return settings;
}

Compute compute_of(const NetworkOptions& o, bool fused) {
  return open_compute({.spec = {}, .fused = fused, .num_threads = static_cast<int>(o.num_threads)});
}

/// Multiply-adds of one forward pass for one row.
double multiply_adds(const MlpShape& shape) {
  double sum = 0;
  std::int64_t inputs = shape.inputs;
  for (std::int64_t width : shape.hidden) {
    sum += static_cast<double>(inputs * width);
    inputs = width;
  }
  return sum + static_cast<double>(inputs * shape.outputs);
}

/// A training pass: forward, and twice as much back, less the gradient of the inputs.
double training_flops(const MlpShape& shape) {
  const std::int64_t first = shape.hidden.empty() ? shape.outputs : shape.hidden.front();
  return 2 * (3 * multiply_adds(shape) - static_cast<double>(shape.inputs * first));
}

/// Times each way in turn, so that what disturbs one disturbs the others; returns microseconds by way and repetition.
std::vector<std::vector<double>> interleaved(const std::vector<std::function<void()>>& ways, const NetworkOptions& o) {
  std::vector<std::vector<double>> microseconds(ways.size());
  for (std::int64_t k = 0; k < o.repetitions && !stop_requested; ++k) {
    for (std::size_t w = 0; w < ways.size(); ++w)
      microseconds[w].push_back(1e6 * seconds_per_call(ways[w], o.seconds / static_cast<double>(ways.size())));
  }
  return microseconds;
}

int report_both(const std::string& name, const std::vector<std::function<void()>>& ways, double flops,
                const NetworkOptions& o) {
  const auto microseconds = interleaved(ways, o);
  if (stop_requested) return kExitInterrupted;
  const double fused = median(microseconds[0]);
  nlohmann::ordered_json more = {{"gflops", std::round(flops / fused / 100) / 10}};
  if (ways.size() > 1) {
    more["libtorch_us"] = std::round(median(microseconds[1]) * 100) / 100;
    more["ratio"] = std::round(median(microseconds[1]) / fused * 100) / 100;
  }
  report({.name = name, .values = microseconds[0], .unit = "us", .settings = settings_of(o), .more = more}, o);
  return 0;
}

EnvSpec cartpole_like() {
  return {
      .observation = Space::box(-1, 1, {4}), .action = Space::discrete(2), .observation_names = {}, .action_names = {}};
}

std::vector<float> random_numbers(std::int64_t n, Rng& rng) {
  std::vector<float> numbers(static_cast<std::size_t>(n));
  for (float& number : numbers) number = static_cast<float>(rng.standard_normal());
  return numbers;
}

// One network regressed on targets: -----------------------------------------------------------------------------------

int update_mlp(const NetworkOptions& o) {
  Rng rng(0);
  const MlpShape shape{4, o.net_arch, 2, parse_activation(o.activation), o.layer_norm};
  const std::vector<float> x = random_numbers(o.batch_size * shape.inputs, rng);
  const std::vector<float> y = random_numbers(o.batch_size * shape.outputs, rng);

  // Kernels: halves of the batch side by side, added in order; then Adam.
  const FusedMlp mlp(shape);
  Mlp start(shape.inputs, shape.hidden, shape.outputs, shape.activation, 1, rng, shape.layer_norm);
  Parameters parameters(start.parameters());
  Adam adam(parameters);
  const Compute compute = compute_of(o, true);
  constexpr std::int64_t kHalves = 2;
  const std::int64_t half = (o.batch_size + kHalves - 1) / kHalves;
  std::vector<FusedMlp::Workspace> work;
  for (int k = 0; k < kHalves; ++k) work.emplace_back(mlp, half);
  std::vector<float> targets(static_cast<std::size_t>(kHalves * shape.outputs * work[0].stride()));
  for (std::int64_t b = 0; b < o.batch_size; ++b) {
    for (std::int64_t k = 0; k < shape.outputs; ++k) {
      targets[static_cast<std::size_t>((b / half * shape.outputs + k) * work[0].stride() + b % half)] =
          y[static_cast<std::size_t>(b * shape.outputs + k)];
    }
  }
  std::vector<float> second(static_cast<std::size_t>(mlp.num_parameters()));
  const auto scale = static_cast<float>(1 / static_cast<double>(o.batch_size * shape.outputs));
  auto pass = [&](int k) {
    const std::int64_t rows = std::min(half, o.batch_size - k * half);
    if (rows <= 0) return;
    FusedMlp::Workspace& w = work[static_cast<std::size_t>(k)];
    const float* from = x.data() + k * half * shape.inputs;
    mlp.forward(start.data(), from, rows, w);
    double error = 0;
    for (std::int64_t column = 0; column < shape.outputs; ++column) {
      loss_kernels().value(rows, w.outputs() + column * w.stride(),
                           targets.data() + (k * shape.outputs + column) * w.stride(), nullptr, 0, 1, scale,
                           w.output_gradients() + column * w.stride(), error);
    }
    mlp.backward(start.data(), from, rows, w, false, k == 0 ? parameters.gradient().data_ptr<float>() : second.data());
  };
  SplitChoice choice;
  auto kernels_way = [&] {
    choice.run(compute.pool.get(), kHalves, pass);
    if (half < o.batch_size)
      kernels().add(mlp.num_parameters(), second.data(), parameters.gradient().data_ptr<float>());
    adam.step(parameters, 1e-3);
  };

  // LibTorch as it comes: a tape over linear layers, and its own Adam.
  Mlp eager(shape.inputs, shape.hidden, shape.outputs, shape.activation, 1, rng, shape.layer_norm);
  std::vector<at::Tensor> tensors;
  for (at::Tensor tensor : eager.parameters()) tensors.push_back(tensor.set_requires_grad(true));
  torch::optim::Adam optimizer(tensors, torch::optim::AdamOptions(1e-3));
  const at::Tensor inputs = at::from_blob(const_cast<float*>(x.data()), {o.batch_size, shape.inputs});
  const at::Tensor wanted = at::from_blob(const_cast<float*>(y.data()), {o.batch_size, shape.outputs});
  auto eager_way = [&] {
    optimizer.zero_grad();
    at::mse_loss(eager.forward(inputs), wanted).backward();
    optimizer.step();
  };
  return report_both("update-mlp", {kernels_way, eager_way}, static_cast<double>(o.batch_size) * training_flops(shape),
                     o);
}

// One minibatch of PPO on CartPole's spaces: --------------------------------------------------------------------------

struct PpoUpdate {
  PpoUpdate(const NetworkOptions& o, bool fused)
      : rng(0),
        compute(compute_of(o, fused)),
        networks(cartpole_like(), {.net_arch = o.net_arch, .activation = o.activation}, compute, rng),
        learner(networks, compute),
        adam(networks.parameters(), {.fused = fused}) {
    const std::int64_t n = o.batch_size;
    numbers = random_numbers(8 * n, rng);
    auto part = [&](std::int64_t first, std::int64_t width) {
      return at::from_blob(numbers.data() + first * n, {n, width}).clone();
    };
    batch = {.features = part(0, 4),
             .actions = at::zeros({n, 1}, at::kLong),
             .old_log_prob = at::full({n}, -0.69f),
             .old_value = part(4, 1).view({n}),
             .advantage = part(5, 1).view({n}),
             .returns = part(6, 1).view({n})};
  }
  void operator()() {
    learner.gradient(batch, {}, {.ent_coef = 0.01});
    adam.step(networks.parameters(), 1e-4, 0.5);
  }

  Rng rng;
  Compute compute;
  ActorCritic networks;
  PolicyLearner learner;
  Adam adam;
  std::vector<float> numbers;
  PolicyBatch batch;
};

int update_ppo(const NetworkOptions& o) {
  PpoUpdate fused(o, true), reference(o, false);
  const MlpShape actor{4, o.net_arch, 2, Activation::kTanh}, critic{4, o.net_arch, 1, Activation::kTanh};
  return report_both("update-ppo", {[&] { fused(); }, [&] { reference(); }},
                     static_cast<double>(o.batch_size) * (training_flops(actor) + training_flops(critic)), o);
}

// One update of SAC on Pendulum's spaces: -----------------------------------------------------------------------------

int update_sac(const NetworkOptions& o) {
  Rng rng(0);
  const Compute compute = compute_of(o, true);
  SacLearner learner({.obs_size = 3,
                      .action_size = 1,
                      .hidden = o.net_arch,
                      .activation = parse_activation(o.activation),
                      .batch_size = o.batch_size,
                      .learning_rate = 1e-3},
                     compute.pool);
  learner.initialise(rng);
  const std::vector<float> obs = random_numbers(3 * o.batch_size, rng),
                           next_obs = random_numbers(3 * o.batch_size, rng);
  const std::vector<float> rewards = random_numbers(o.batch_size, rng);
  std::vector<float> actions = random_numbers(o.batch_size, rng);
  for (float& action : actions) action = std::tanh(action);
  const std::vector<float> discounts(actions.size(), 0.99f);
  const SacBatch batch{obs.data(), actions.data(), rewards.data(), discounts.data(), next_obs.data()};
  // Passes forward: the actor 2, targets 2, critics 4; back through weights and inputs: critics 2 and 2 halves, actor
  // 1.
  const MlpShape critic{4, o.net_arch, 1, Activation::kTanh};
  const double flops = 2 * multiply_adds(critic) * (8 + 2 * 2 + 2 + 2) * static_cast<double>(o.batch_size);
  return report_both("update-sac", {[&] { learner.update(batch, rng); }}, flops, o);
}

// The fastest this core can multiply and add: -------------------------------------------------------------------------

double peak_gflops() {
  constexpr std::int64_t kRounds = 20000;
  double best = 0;
  for (int k = 0; k < 200; ++k) {
    float kept = 0;
    const auto start = std::chrono::steady_clock::now();
    const double multiply_adds = kernels().peak(kRounds, &kept);
    best = std::max(best, 2e-9 * multiply_adds / seconds_since(start));
  }
  return best;
}

}  // namespace

int bench_inference(const Command& command, const Arguments& arguments) {
  NetworkOptions o;
  o.batch_size = 4;
  CommandLine line(command);
  line.add("bench inference", network_fields(o)).add("Output", fields(o)).positional(0);
  if (!line.parse(arguments)) return 0;
  Rng rng(0);
  std::vector<std::unique_ptr<ActorCritic>> networks;
  std::vector<std::function<void()>> ways;
  const std::vector<float> features = random_numbers(4 * o.batch_size, rng);
  const auto n = static_cast<std::size_t>(o.batch_size);
  std::vector<std::int64_t> actions(n), env_actions(n);
  std::vector<float> log_probs(n), values(n);
  for (const bool fused : {true, false}) {
    networks.push_back(std::make_unique<ActorCritic>(
        cartpole_like(), ActorCriticConfig{.net_arch = o.net_arch, .activation = o.activation}, compute_of(o, fused),
        rng));
    ways.emplace_back([&, net = networks.back().get()] {
      net->act(features.data(), o.batch_size, rng, actions.data(), env_actions.data(), log_probs.data());
      net->value(features.data(), o.batch_size, values.data());
    });
  }
  const MlpShape actor{4, o.net_arch, 2, Activation::kTanh}, critic{4, o.net_arch, 1, Activation::kTanh};
  return report_both("inference", ways,
                     2 * static_cast<double>(o.batch_size) * (multiply_adds(actor) + multiply_adds(critic)), o);
}

int bench_update(const Command& command, const Arguments& arguments) {
  NetworkOptions o;
  std::string kind = "mlp";
  Fields list = network_fields(o);
  list.insert(list.begin(), Field("kind", &kind, "one network on targets, a minibatch of PPO, or SAC with twin critics")
                                .one_of({"mlp", "ppo", "sac"}));
  list.emplace_back("layer_norm", &o.layer_norm, "normalise the hidden layers of the one network");
  CommandLine line(command);
  line.add("bench update", list).add("Output", fields(o)).positional(0);
  if (!line.parse(arguments)) return 0;
  return kind == "mlp" ? update_mlp(o) : kind == "ppo" ? update_ppo(o) : update_sac(o);
}

int bench_products(const Command& command, const Arguments& arguments) {
  NetworkOptions o;
  o.repetitions = 3;
  std::vector<std::int64_t> widths = {32, 64, 128, 256, 512}, batches = {1, 4, 16, 64, 256, 1000};
  CommandLine line(command);
  line.add("bench products", {Field("widths", &widths, "inputs and outputs of a square layer").at_least(1),
                              Field("batch_sizes", &batches, "rows").at_least(1),
                              Field("seconds", &o.seconds, "length of one repetition, all ways together").more_than(0)})
      .add("Output", {Field("repetitions", &o.repetitions, "repetitions; the median is reported").at_least(1),
                      Field("json", &o.json, "print a JSON line a shape as well")})
      .positional(0);
  if (!line.parse(arguments)) return 0;
  at::set_num_threads(1);
  at::NoGradGuard no_grad;
  Rng rng(0);
  const double peak = peak_gflops();
  std::cout << "y = x w + b on one core, GFLOP/s; the core's peak is " << std::fixed << std::setprecision(0) << peak
            << "\n"
            << " width  batch    avx512      avx2  LibTorch   libxsmm\n";
  for (std::int64_t width : widths) {
    for (std::int64_t batch : batches) {
      const std::vector<float> x = random_numbers(batch * width, rng), w = random_numbers(width * width, rng),
                               bias = random_numbers(width, rng);
      std::vector<float> y(static_cast<std::size_t>(batch * width));
      std::vector<std::string> names;
      std::vector<std::function<void()>> ways;
      for (const Isa set : {Isa::kAvx512, Isa::kAvx2}) {
        if (set == Isa::kAvx512 && isa() != Isa::kAvx512) continue;
        names.emplace_back(isa_name(set));
        ways.emplace_back([&, set] {
          kernels(set).forward(batch, width, width, x.data(), width, w.data(), bias.data(), Activation::kNone, y.data(),
                               width, nullptr, nullptr);
        });
      }
      auto tensor = [](const std::vector<float>& from, at::IntArrayRef sizes) {
        return at::from_blob(const_cast<float*>(from.data()), sizes);
      };
      const at::Tensor tx = tensor(x, {batch, width}), tw = tensor(w, {width, width}), tb = tensor(bias, {width});
      at::Tensor ty = tensor(y, {batch, width});
      names.emplace_back("libtorch");
      ways.emplace_back([&] { at::addmm_out(ty, tb, tx, tw); });
#if defined(CORVID_WITH_LIBXSMM)
      // Column-major: y^T = w^T x^T; the bias goes in first, as a beta of 1 wants it.
      const auto m = static_cast<libxsmm_blasint>(width), rows = static_cast<libxsmm_blasint>(batch);
      const float one = 1;
      const int flags = LIBXSMM_GEMM_FLAG_NONE, prefetch = LIBXSMM_GEMM_PREFETCH_NONE;
      if (const auto product = libxsmm_smmdispatch(m, rows, m, &m, &m, &m, &one, &one, &flags, &prefetch)) {
        names.emplace_back("libxsmm");
        ways.emplace_back([&, product] {
          for (std::int64_t b = 0; b < batch; ++b) std::copy(bias.begin(), bias.end(), y.begin() + b * width);
          product(w.data(), x.data(), y.data());
        });
      }
#endif
      const auto microseconds = interleaved(ways, o);
      if (stop_requested) return kExitInterrupted;
      const double flops = 2 * static_cast<double>(batch * width * width);
      std::cout << std::setw(6) << width << std::setw(7) << batch;
      nlohmann::ordered_json more = {{"peak", std::round(peak)}};
      for (const char* column : {"avx512", "avx2", "libtorch", "libxsmm"}) {
        const auto found = std::find(names.begin(), names.end(), column);
        if (found == names.end()) {
          std::cout << std::setw(10) << "-";
          continue;
        }
        const double gflops = flops / median(microseconds[static_cast<std::size_t>(found - names.begin())]) / 1e3;
        more[column] = std::round(gflops * 10) / 10;
        std::cout << std::setw(10) << std::setprecision(1) << gflops;
      }
      std::cout << std::endl;
      if (o.json) print_json({{"name", "products"}, {"width", width}, {"batch_size", batch}, {"gflops", more}});
    }
  }
  return 0;
}

}  // namespace corvid
