// Training that is stopped and resumed is byte-equal to training that never stopped, for every agent.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <thread>

#include "core/env/env_registry.h"
#include "core/io/checkpoint.h"
#include "core/run/run.h"

namespace corvid {
namespace {

namespace fs = std::filesystem;

/// Keeps every field of a checkpoint as bytes, except the clock's.
class Snapshot final : public Archive {
 public:
  bool loading() const override { return false; }
  void array(std::string_view name, DType dtype, std::span<const std::int64_t> shape, void* data) override {
    std::size_t size = dtype_size(dtype);
    for (std::int64_t length : shape) size *= static_cast<std::size_t>(length);
    fields[path(name)] = std::string(static_cast<const char*>(data), size);
  }
  void blob(std::string_view name, std::vector<std::byte>& bytes) override {
    fields[path(name)] = std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  std::map<std::string, std::string> fields;
};

std::map<std::string, std::string> agent_state(const fs::path& folder) {
  const LoadedAgent loaded = load_agent(folder / "checkpoints" / "last.h5", "cpu");
  Snapshot snapshot;
  loaded.agent->visit(snapshot);
  return snapshot.fields;
}

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// monitor.csv without its header and time column: returns and lengths in order.
std::vector<std::string> episodes(const fs::path& folder) {
  std::ifstream file(folder / "monitor.csv");
  std::vector<std::string> rows;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("#")) rows.push_back(line.substr(0, line.rfind(',')));
  }
  return rows;
}

/// progress.csv without the columns of the clock.
std::vector<std::string> progress(const fs::path& folder) {
  std::ifstream file(folder / "progress.csv");
  std::vector<std::string> rows;
  std::vector<bool> keep;
  for (std::string line; std::getline(file, line);) {
    std::stringstream cells(line);
    std::string row;
    std::size_t column = 0;
    for (std::string cell; std::getline(cells, cell, ','); ++column) {
      if (rows.empty()) keep.push_back(cell != "time/time_elapsed" && cell != "time/fps");
      if (keep.at(column)) row += cell + ",";
    }
    rows.push_back(row);
  }
  return rows;
}

struct Case {
  std::string agent, env;
  std::vector<std::pair<std::string, std::string>> settings;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.agent << " on " << c.env; }

class Resume : public testing::TestWithParam<Case> {
 protected:
  Resume() : folder_(fs::temp_directory_path() / ("corvid_resume_" + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
  }
  ~Resume() override { fs::remove_all(folder_); }

  RunSetup setup(const std::string& name) const {
    RunSetup result;
    result.config.agent = GetParam().agent;
    result.config.env = GetParam().env;
    result.config.seed = 3;
    result.config.num_envs = 4;
    result.config.total_timesteps = 6000;
    result.config.n_final_eval_episodes = 10;
    result.config.log_dir = folder_.string();
    result.config.name = name;
    result.config.log_rollouts = true;
    result.agent = agent_registry().at(GetParam().agent).maker();
    Fields list = result.agent->fields();
    for (const auto& [key, value] : GetParam().settings) set_field(list, key, value, "agent", "test");
    return result;
  }

  fs::path folder_;
};

TEST_P(Resume, EqualsARunThatNeverStopped) {
  std::atomic<bool> never = false;
  corvid::Run whole(setup("whole"), "test", never);
  const RunSummary expected = whole.execute({});
  ASSERT_FALSE(expected.interrupted);

  // The same run, stopped again and again at moments that differ from run to run.
  std::vector<std::string> notes;
  fs::path folder;
  int stops = 0;
  RunSummary summary;
  for (bool finished = false; !finished;) {
    std::atomic<bool> stop = false;
    std::unique_ptr<corvid::Run> run = folder.empty() ? std::make_unique<corvid::Run>(setup("parts"), "test", stop)
                                                      : corvid::Run::resume(folder, stop, notes);
    folder = run->folder();
    // Long enough for some steps, short against the whole: each round gets a little further.
    std::thread timer([&, round = stops] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20 + 17 * round));
      stop = true;
    });
    summary = run->execute({});
    timer.join();
    finished = !summary.interrupted;
    stops += summary.interrupted;
    ASSERT_LT(stops, 500);
  }
  EXPECT_GT(stops, 0);
  for (const std::string& note : notes) ADD_FAILURE() << note;

  EXPECT_EQ(summary.evaluation.rewards, expected.evaluation.rewards);
  EXPECT_EQ(episodes(folder), episodes(expected.run_dir));
  EXPECT_TRUE(text_of(folder / "evaluations.npz") == text_of(expected.run_dir / "evaluations.npz"));
  EXPECT_EQ(progress(folder), progress(expected.run_dir));
  const auto left = agent_state(folder), right = agent_state(expected.run_dir);
  ASSERT_EQ(left.size(), right.size());
  for (const auto& [name, bytes] : right) EXPECT_TRUE(left.at(name) == bytes) << name;

  // The rollout shards hold every step once.
  std::int64_t rows = 0;
  for (const auto& entry : fs::directory_iterator(folder / "rollouts")) {
    if (entry.path().extension() == ".h5") rows += read_shard(entry.path()).rows;
  }
  EXPECT_EQ(rows, summary.steps);
}

const std::vector<Case>& cases() {
  static const std::vector<Case> list = {
      {"random", "Taxi-v4", {}},
      {"reinforce", "CartPole-v1", {{"normalize_observations", "true"}}},
      {"a2c", "Acrobot-v1", {{"normalize_rewards", "true"}}},
      {"ppo", "CartPole-v1", {{"n_steps", "64"}, {"learning_rate", "lin_1e-3"}, {"target_kl", "0.02"}}},
      {"ppo",
       "Pendulum-v1",
       {{"n_steps", "64"},
        {"normalize_observations", "true"},
        {"normalize_rewards", "true"},
        {"clip_range_vf", "0.2"}}},
      {"ppo", "FrozenLake-v1", {{"n_steps", "32"}}},
      // The buffer goes around, priorities change, noise and stacks are in the middle of something.
      {"dqn",
       "CartPole-v1",
       {{"learning_starts", "300"},
        {"buffer_size", "2000"},
        {"net_arch", "[16]"},
        {"n_steps", "3"},
        {"prioritized_replay", "true"},
        {"dueling", "true"},
        {"double_q", "true"},
        {"normalize_observations", "true"},
        {"tau", "0.01"},
        {"target_update_interval", "1"}}},
      {"dqn",
       "Probe/Image-v0",
       {{"learning_starts", "300"},
        {"net_arch", "[16]"},
        {"frame_stack", "2"},
        {"noisy", "true"},
        {"train_freq", "16"}}},
      {"c51",
       "Acrobot-v1",
       {{"learning_starts", "300"},
        {"net_arch", "[16]"},
        {"n_atoms", "11"},
        {"frame_stack", "2"},
        {"exploration_schedule", "exponential"}}},
      {"qrdqn",
       "Taxi-v4",
       {{"learning_starts", "300"}, {"net_arch", "[16]"}, {"n_quantiles", "7"}, {"prioritized_replay", "true"}}},
      {"rainbow",
       "CartPole-v1",
       {{"learning_starts", "300"},
        {"buffer_size", "3000"},
        {"net_arch", "[16]"},
        {"n_atoms", "11"},
        {"frame_stack", "2"},
        {"learning_rate", "lin_1e-3"}}},
      {"munchausen_dqn",
       "FrozenLake-v1",
       {{"learning_starts", "300"},
        {"net_arch", "[16]"},
        {"n_steps", "3"},
        {"exploration_schedule", "ladder"},
        {"exploration_initial_eps", "0.4"}}},
      {"iqn",
       "CartPole-v1",
       {{"learning_starts", "300"},
        {"net_arch", "[16,16]"},
        {"n_quantiles", "4"},
        {"n_target_quantiles", "5"},
        {"n_policy_quantiles", "6"},
        {"n_cosines", "8"},
        {"n_steps", "3"},
        {"prioritized_replay", "true"},
        {"train_freq", "16"}}},
      {"pqn", "CartPole-v1", {{"n_steps", "64"}, {"normalize_observations", "true"}}},
      {"pqn", "Taxi-v4", {{"n_steps", "32"}, {"optimizer", "adam"}}},
      {"pqn", "Probe/TimeLimit-v0", {{"n_steps", "48"}}},  // cut off in mid-rollout
      {"epsilon_greedy", "Bandit/Gaussian-v0", {{"step_size", "0.1"}, {"initial_value", "5"}}},
      {"ucb1", "Bandit/Bernoulli-v0", {}},
      {"ucb1", "Taxi-v4", {{"ignore_observations", "true"}}},  // its mask is a part of what is acted on
      {"thompson", "Bandit/Bernoulli-v0", {}},
      {"thompson", "Bandit/Gaussian-v0", {{"posterior", "gaussian"}}},
      {"gradient_bandit", "Bandit/Gaussian-v0", {}},
      {"lin_ucb", "Bandit/LinearContextual-v0", {}},
      {"value_iteration", "FrozenLake-v1", {}},
      {"policy_iteration", "FrozenLake-v1", {{"gamma", "0.9"}}},
      {"monte_carlo", "FrozenLake-v1", {}},
      {"monte_carlo", "Blackjack-v1", {{"learning_rate", "lin_0.1"}}},
      {"q_learning", "FrozenLake-v1", {{"learning_rate", "lin_0.5"}}},
      {"q_learning", "Taxi-v4", {}},
      {"double_q_learning", "FrozenLake-v1", {}},
      {"sarsa", "Taxi-v4", {}},
      {"sarsa", "FrozenLake-v1", {}},
      {"expected_sarsa", "FrozenLake-v1", {}},
      {"sarsa_lambda", "FrozenLake-v1", {{"replacing_traces", "false"}}},
      {"sarsa_lambda", "Taxi-v4", {}},
      {"n_step_sarsa", "FrozenLake-v1", {{"n_steps", "5"}}},
      {"dyna_q", "FrozenLake-v1", {}},
      {"dyna_q", "Taxi-v4", {{"prioritized_sweeping", "true"}}},
      {"recurrent_dqn",
       "CartPoleNoVel-v1",
       {{"learning_starts", "500"},
        {"train_freq", "64"},
        {"burn_in", "4"},
        {"sequence_length", "6"},
        {"lstm_hidden_size", "8"},
        {"prioritized_replay", "true"},
        {"normalize_observations", "true"}}}};
  return list;
}

INSTANTIATE_TEST_SUITE_P(Agents, Resume, testing::ValuesIn(cases()), [](const auto& info) {
  std::string name = info.param.agent + "_" + info.param.env.substr(0, info.param.env.find('-'));
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
});

/// An agent without a case above would be resumed on trust.
TEST(ResumeCases, CoverEveryAgent) {
  for (const std::string& id : agent_registry().names()) {
    EXPECT_TRUE(std::any_of(cases().begin(), cases().end(), [&](const Case& c) { return c.agent == id; })) << id;
  }
}

/// The values of a column of progress.csv, empty cells left out.
std::vector<double> column(const fs::path& folder, const std::string& name) {
  std::ifstream file(folder / "progress.csv");
  std::vector<double> values;
  std::optional<std::size_t> place;
  for (std::string line; std::getline(file, line);) {
    std::stringstream cells(line);
    std::size_t k = 0;
    const bool is_header = !place;
    for (std::string cell; std::getline(cells, cell, ','); ++k) {
      if (is_header && cell == name) place = k;
      if (!is_header && k == *place && !cell.empty()) values.push_back(std::stod(cell));
    }
    EXPECT_TRUE(place) << name;
  }
  return values;
}

class ValueAgentRuns : public testing::Test {
 protected:
  ValueAgentRuns() : folder_(fs::temp_directory_path() / ("corvid_value_runs_" + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
  }
  ~ValueAgentRuns() override { fs::remove_all(folder_); }

  RunSetup setup(const std::vector<std::pair<std::string, std::string>>& settings) const {
    RunSetup result;
    result.config.agent = "dqn";
    result.config.env = "CartPole-v1";
    result.config.num_envs = 4;
    result.config.total_timesteps = 8000;
    result.config.log_freq = 400;
    result.config.eval_freq = 1000;
    result.config.n_final_eval_episodes = 10;
    result.config.log_dir = folder_.string();
    result.agent = agent_registry().at("dqn").maker();
    Fields list = result.agent->fields();
    set_field(list, "net_arch", "[16]", "agent", "test");
    set_field(list, "learning_starts", "400", "agent", "test");
    for (const auto& [key, value] : settings) set_field(list, key, value, "agent", "test");
    return result;
  }

  /// Trains until about `steps` steps are done, and stops.
  static fs::path stopped_after(RunSetup setup, std::int64_t steps) {
    std::atomic<bool> stop = false;
    corvid::Run run(std::move(setup), "test", stop);
    const RunSummary summary = run.execute([&](const Status& status) { stop = stop || status.steps >= steps; });
    EXPECT_TRUE(summary.interrupted);
    return summary.run_dir;
  }

  fs::path folder_;
};

TEST_F(ValueAgentRuns, GoOnWithoutASavedBuffer) {
  RunSetup settings = setup({{"save_replay_buffer", "false"}});
  settings.config.total_timesteps = 400'000;  // stopped long before
  const fs::path folder = stopped_after(std::move(settings), 2000);
  Snapshot saved;
  load_agent(folder / "checkpoints" / "last.h5", "cpu").agent->visit_memory(saved);
  EXPECT_TRUE(saved.fields.empty());

  std::atomic<bool> stop = false;
  std::vector<std::string> notes;
  const auto run = corvid::Run::resume(folder, stop, notes);
  const std::int64_t first_step = run->steps();
  EXPECT_GE(first_step, 2000);
  ASSERT_EQ(run->agent().notes().size(), 2u);
  EXPECT_NE(run->agent().notes()[1].find("anew"), std::string::npos);
  const auto updates_before = column(folder, "train/n_updates");
  run->execute([&](const Status& status) { stop = stop || status.steps >= first_step + 6000; });
  const auto updates = column(folder, "train/n_updates");
  ASSERT_FALSE(updates_before.empty());
  EXPECT_GT(updates.back(), updates_before.back() + 500);
}

TEST_F(ValueAgentRuns, TheBestPolicyIsSavedWithoutTheBuffer) {
  std::atomic<bool> never = false;
  corvid::Run run(setup({{"buffer_size", "8000"}}), "test", never);
  const fs::path checkpoints = run.execute({}).run_dir / "checkpoints";
  // 8000 transitions of four floats, an action, a reward and an end take more than 29 bytes each; the network is small.
  EXPECT_GT(fs::file_size(checkpoints / "last.h5"), 8000 * 29);
  EXPECT_LT(fs::file_size(checkpoints / "best.h5"), 60'000);

  // It plays, with no memory for what it would learn from, as well as the run that made it.
  const LoadedAgent best = load_agent(checkpoints / "best.h5", "cpu"),
                    last = load_agent(checkpoints / "last.h5", "cpu");
  for (const LoadedAgent* loaded : {&best, &last}) {
    const auto env = make_env("CartPole-v1", {.num_envs = 10, .auto_reset = AutoReset::kDisabled});
    const EvaluationResult result = evaluate(loaded->agent->policy(), *env, 1'000'000, true);
    EXPECT_EQ(result.rewards.size(), 10u);
    EXPECT_GT(result.mean_reward(), 8);  // no pole falls sooner
  }
  const auto env = make_env("CartPole-v1", {.num_envs = 10, .auto_reset = AutoReset::kDisabled});
  EXPECT_EQ(evaluate(last.agent->policy(), *env, 1'000'000, true).rewards,
            evaluate(const_cast<Agent&>(run.agent()).policy(), *env, 1'000'000, true).rewards);
}

TEST_F(ValueAgentRuns, LogsOfRolloutsChangeNothing) {
  // Whoever looks at values must not disturb what is learned: not before the first step, nor after it.
  std::vector<std::map<std::string, std::string>> states;
  for (const bool log_rollouts : {false, true}) {
    std::atomic<bool> never = false;
    RunSetup settings = setup({{"normalize_observations", "true"}, {"noisy", "true"}});
    settings.config.total_timesteps = 2000;
    settings.config.log_rollouts = log_rollouts;
    corvid::Run run(std::move(settings), "test", never);
    states.push_back(agent_state(run.execute({}).run_dir));
  }
  EXPECT_TRUE(states[0] == states[1]);
}

TEST_F(ValueAgentRuns, LogRolloutsWithMasks) {
  std::atomic<bool> never = false;
  RunSetup settings = setup({});
  settings.config.env = "Taxi-v4";
  settings.config.total_timesteps = 1000;
  settings.config.log_rollouts = true;
  corvid::Run run(std::move(settings), "test", never);
  EXPECT_FALSE(run.execute({}).interrupted);
}

}  // namespace
}  // namespace corvid
