// The part of `corvid bench` about experience replay.
#include <cstring>

#include "core/base/check.h"
#include "core/buffer/replay_buffer.h"
#include "experiments/bench.h"

namespace corvid {
namespace {

struct Options {
  std::string kind = "sample";
  std::int64_t capacity = 1 << 20, obs_size = 8, batch_size = 256, num_envs = 64, n_steps = 1, frame_stack = 1;
  double seconds = 1;
};

EnvSpec spec_of(const Options& o) {
  return {.observation = Space::box(-1, 1, {o.obs_size}),
          .action = Space::discrete(2),
          .observation_names = {},
          .action_names = {}};
}

/// Writes rows as environments do: new observations from `obs` [N, obs_size], and everything else.
class Writer {
 public:
  Writer(const Options& o, ReplayBuffer& buffer)
      : buffer_(buffer),
        obs_(static_cast<std::size_t>(o.num_envs * o.obs_size)),
        actions_(static_cast<std::size_t>(o.num_envs)) {
    Rng rng(0);
    for (float& x : obs_) x = static_cast<float>(rng.uniform(-1, 1));
  }
  void add() {
    const StepView sink = buffer_.sink();
    std::memcpy(buffer_.actions(), actions_.data(), actions_.size() * sizeof(std::int64_t));
    std::memcpy(sink.obs.leaf[0], obs_.data(), obs_.size() * sizeof(float));
    for (std::size_t i = 0; i < actions_.size(); ++i) {
      sink.reward[i] = 1;
      sink.terminated[i] = sink.truncated[i] = 0;
    }
    buffer_.advance();
  }

 private:
  ReplayBuffer& buffer_;
  std::vector<float> obs_;
  std::vector<std::int64_t> actions_;
};

/// Transitions a second that `call`, which handles `count` of them, gets through.
double rate(std::int64_t count, double seconds, const std::function<void()>& call) {
  return static_cast<double>(count) / seconds_per_call(call, seconds);
}

double measure(const Options& o, ReplayBuffer& buffer, Writer& writer) {
  if (o.kind == "add") return rate(o.num_envs, o.seconds, [&] { writer.add(); });
  Rng rng(1);
  ReplayBatch batch;
  if (o.kind == "sample") return rate(o.batch_size, o.seconds, [&] { buffer.sample(o.batch_size, rng, batch); });
  std::vector<float> priorities(static_cast<std::size_t>(o.batch_size));
  return rate(o.batch_size, o.seconds, [&] {
    buffer.sample_prioritized(o.batch_size, 0.4, rng, batch);
    for (float& priority : priorities) priority = static_cast<float>(rng.random()) + 0.01f;
    buffer.set_priorities(batch.slots, priorities.data());
  });
}

nlohmann::ordered_json settings_json(const Options& o) {
  nlohmann::ordered_json settings = {
      {"kind", o.kind}, {"capacity", o.capacity}, {"obs_size", o.obs_size}, {"num_envs", o.num_envs}};
  if (o.kind != "add")
    settings.update({{"batch_size", o.batch_size}, {"n_steps", o.n_steps}, {"frame_stack", o.frame_stack}});
  return settings;
}

}  // namespace

int bench_replay(const Command& command, const Arguments& arguments) {
  BenchOptions options;
  Options o;
  CommandLine line(command);
  line.add("bench replay",
           {Field("kind", &o.kind,
                  "add: write rows; sample: draw batches; prioritized: draw batches and set their priorities anew")
                .one_of({"add", "sample", "prioritized"}),
            Field("capacity", &o.capacity, "transitions; the buffer is filled before the clock starts")
                .between(1, 1 << 30),
            Field("obs_size", &o.obs_size, "numbers in an observation").between(1, 1 << 20),
            Field("batch_size", &o.batch_size, "transitions in a batch").between(1, 1 << 20),
            Field("num_envs", &o.num_envs, "environments that a row is written of").between(1, 1 << 20).alias("n_envs"),
            Field("n_steps", &o.n_steps, "rewards in one return").between(1, 1000),
            Field("frame_stack", &o.frame_stack, "observations in one stack").between(1, 1000),
            Field("seconds", &o.seconds, "length of one repetition").more_than(0)})
      .add("Output", fields(options))
      .positional(0);
  if (!line.parse(arguments)) return 0;
  ReplayBuffer buffer(spec_of(o), {.capacity = o.capacity,
                                   .num_envs = static_cast<int>(o.num_envs),
                                   .n_steps = o.n_steps,
                                   .frame_stack = o.frame_stack,
                                   .prioritized = o.kind == "prioritized"});
  Writer writer(o, buffer);
  for (std::int64_t k = 0; k < o.capacity + o.num_envs && !stop_requested; k += o.num_envs) writer.add();
  std::vector<double> values;
  for (std::int64_t k = 0; k < options.repetitions && !stop_requested; ++k)
    values.push_back(measure(o, buffer, writer));
  if (stop_requested) return kExitInterrupted;
  report({.name = "replay-" + o.kind,
          .values = values,
          .unit = "rows/s",
          .settings = settings_json(o),
          .more = {{"bytes_per_row", buffer.memory() / static_cast<std::size_t>(o.capacity)}}},
         options);
  return 0;
}

}  // namespace corvid
