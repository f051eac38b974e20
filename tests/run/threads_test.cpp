// A whole run gives the same bytes with one thread and with many, denormal observations included.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "core/run/run.h"

namespace corvid {
namespace {

namespace fs = std::filesystem;

void expect_the_same_bytes(const std::string& agent, const std::vector<std::pair<std::string, std::string>>& settings) {
  const fs::path folder = fs::temp_directory_path() / ("corvid_threads_" + std::to_string(::getpid()));
  std::vector<std::string> evaluations;
  std::vector<std::vector<std::byte>> agents;
  for (const int num_threads : {1, 3}) {
    RunSetup setup;
    setup.config.agent = agent;
    setup.config.env = "CartPole-v1";
    setup.config.num_envs = 512;
    setup.config.num_threads = num_threads;
    setup.config.total_timesteps = 512 * 64;
    setup.config.n_final_eval_episodes = 10;
    setup.config.log_dir = folder.string();
    setup.config.name = "threads-" + std::to_string(num_threads);
    // Numbers too small for normal floats: a thread that rounds them to zero gives itself away.
    setup.env_options = {{"low", "1e-39"}, {"high", "2e-39"}};
    setup.agent = agent_registry().at(agent).maker();
    Fields list = setup.agent->fields();
    for (const auto& [name, value] : settings) set_field(list, name, value, "agent", "test");
    const std::atomic<bool> never = false;
    corvid::Run run(std::move(setup), "test", never);
    const RunSummary summary = run.execute({});
    std::ifstream file(summary.run_dir / "evaluations.npz", std::ios::binary);
    evaluations.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    BlobWriter writer;
    load_agent(summary.run_dir / "checkpoints" / "last.h5", "cpu").agent->visit(writer);
    agents.push_back(writer.take());

    // A denormal survives in the thread that trains.
    const auto env = make_env("CartPole-v1", {.num_envs = 1}, {{"low", "1e-39"}, {"high", "2e-39"}});
    const StepBuffer buffer(env->spec(), 1);
    env->reset(0, buffer.view().obs);
    EXPECT_GT(buffer.view().obs.as<float>()[0], 0.0f);
  }
  EXPECT_TRUE(evaluations[0] == evaluations[1]);
  EXPECT_TRUE(agents[0] == agents[1]);
  fs::remove_all(folder);
}

TEST(Run, DoesNotDependOnTheNumberOfThreads) {
  expect_the_same_bytes("ppo", {{"n_steps", "16"}, {"batch_size", "2048"}});
}

TEST(Run, DoesNotDependOnTheNumberOfThreadsWithPqn) {
  expect_the_same_bytes("pqn", {{"n_steps", "16"}, {"batch_size", "2048"}});
}

TEST(Run, OfADqnDoesNotDependOnTheNumberOfThreads) {
  const fs::path folder = fs::temp_directory_path() / ("corvid_dqn_threads_" + std::to_string(::getpid()));
  std::vector<std::vector<std::byte>> agents;
  for (const int num_threads : {1, 2, 3}) {
    RunSetup setup;
    setup.config.agent = "dqn";
    setup.config.env = "CartPole-v1";
    setup.config.num_envs = 600;  // more than one chunk to act on
    setup.config.num_threads = num_threads;
    setup.config.total_timesteps = 600 * 10;
    setup.config.n_final_eval_episodes = 10;
    setup.config.log_dir = folder.string();
    setup.config.name = "threads-" + std::to_string(num_threads);
    setup.agent = agent_registry().at("dqn").maker();
    Fields list = setup.agent->fields();
    // Batches in two slices (core/learn/value_learner.cpp), updates enough that splitting is tried.
    const std::vector<std::pair<std::string, std::string>> settings = {
        {"net_arch", "[256,256]"},      {"batch_size", "64"}, {"train_freq", "60"},
        {"prioritized_replay", "true"}, {"dueling", "true"},  {"learning_starts", "600"}};
    for (const auto& [name, value] : settings) set_field(list, name, value, "agent", "test");
    const std::atomic<bool> never = false;
    corvid::Run run(std::move(setup), "test", never);
    const RunSummary summary = run.execute({});
    BlobWriter writer;
    load_agent(summary.run_dir / "checkpoints" / "last.h5", "cpu").agent->visit(writer);
    agents.push_back(writer.take());
  }
  EXPECT_TRUE(agents[0] == agents[1]);
  EXPECT_TRUE(agents[0] == agents[2]);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace corvid
