// The regret that environments tell reaches progress.csv, and only theirs.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <sstream>

#include "core/run/run.h"

namespace corvid {
namespace {

namespace fs = std::filesystem;

/// The last row of progress.csv by column.
std::map<std::string, std::string> last_row(const fs::path& folder) {
  std::ifstream file(folder / "progress.csv");
  std::string header, row;
  std::getline(file, header);
  for (std::string line; std::getline(file, line);) row = line;
  std::map<std::string, std::string> values;
  std::istringstream names(header), cells(row);
  for (std::string name, cell; std::getline(names, name, ',') && std::getline(cells, cell, ',');) values[name] = cell;
  return values;
}

std::map<std::string, std::string> random_run(const std::string& env, const EnvOptions& options) {
  const fs::path folder = fs::temp_directory_path() / ("corvid_regret_" + std::to_string(::getpid()));
  RunSetup setup;
  setup.config.agent = "random";
  setup.config.env = env;
  setup.config.num_envs = 4;
  setup.config.total_timesteps = 4000;
  setup.config.max_episode_steps = 20;
  setup.config.n_final_eval_episodes = 10;
  setup.config.log_dir = folder.string();
  setup.env_options = options;
  setup.agent = agent_registry().at("random").maker();
  const std::atomic<bool> never = false;
  corvid::Run run(std::move(setup), "test", never);
  const auto row = last_row(run.execute({}).run_dir);
  fs::remove_all(folder);
  return row;
}

TEST(Regret, OfEpisodesIsReported) {
  // Arm 0 pays 1 and loses nothing, arm 1 pays 0 and loses 1: return and regret sum to the 20 steps.
  const auto row = random_run("Bandit/Bernoulli-v0", {{"probabilities", "1,0"}});
  const double regret = std::stod(row.at("rollout/ep_regret_mean"));
  EXPECT_NEAR(regret + std::stod(row.at("rollout/ep_rew_mean")), 20, 1e-9);
  EXPECT_NEAR(regret, 10, 1.2);  // of 100 episodes: five standard errors
}

TEST(Regret, IsNoColumnElsewhere) { EXPECT_FALSE(random_run("CartPole-v1", {}).contains("rollout/ep_regret_mean")); }

}  // namespace
}  // namespace corvid
