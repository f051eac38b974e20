#include "core/io/run_log.h"

#include "core/io/csv_log.h"
#include "core/io/npz.h"
#include "tests/io/io_testing.h"

namespace corvid {
namespace {

using testing::error_of;
using testing::Folder;
using testing::read_bytes;
using testing::write_bytes;
using Values = std::vector<double>;

void write_config(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  write_bytes(folder / "config.toml",
              "[run]\nagent = \"ppo\"\nenv = \"CartPole-v1\"\nseed = 7\n\n[agent]\ngamma = 0.9\n");
}

/// A run as training writes it, with two evaluations of three episodes.
void write_run(const std::filesystem::path& folder) {
  write_config(folder);
  ProgressCsv progress(folder / "progress.csv");
  progress.row({{"rollout/ep_rew_mean", 20.5}, {"time/total_timesteps", 100}, {"time/time_elapsed", 0.5}});
  progress.row(
      {{"time/total_timesteps", 200}, {"time/time_elapsed", 1}, {"eval/mean_reward", 4}, {"odd, \"name\"", 3}});
  EvaluationsNpz evaluations(folder / "evaluations.npz");
  evaluations.add(200, Values{6, 1, 5}, std::vector<std::int64_t>{3, 4, 5});
  evaluations.add(300, Values{9, 9, 12}, std::vector<std::int64_t>{1, 1, 1});
  MonitorCsv monitor(folder / "monitor.csv", "CartPole-v1", 1e9);
  monitor.episode(1, 2, 0.25);
  monitor.episode(1, 2, 0.75);
}

TEST(RunLog, GivesSettingsAndMetricsByStep) {
  const Folder folder;
  write_run(folder.path());
  const RunLog log = read_run_log(folder.path());
  EXPECT_EQ(log.agent, "ppo");
  EXPECT_EQ(log.env, "CartPole-v1");
  EXPECT_EQ(log.seed, 7);
  EXPECT_EQ(log.settings.back(), (std::pair<std::string, std::string>{"agent.gamma", "0.9"}));
  EXPECT_EQ(log.find("rollout/ep_rew_mean")->steps, Values{100});
  EXPECT_EQ(log.find("rollout/ep_rew_mean")->values, Values{20.5});
  EXPECT_EQ(log.find("time/time_elapsed")->values, (Values{0.5, 1}));
  EXPECT_EQ(log.find("odd, \"name\"")->values, Values{3});
  EXPECT_EQ(log.find("eval/mean_reward")->steps, (Values{200, 300}));
  EXPECT_EQ(log.find("eval/mean_reward")->values, (Values{4, 10}));
  EXPECT_EQ(log.find("eval/median_reward")->values, (Values{5, 9}));
  EXPECT_EQ(log.find("eval/min_reward")->values, (Values{1, 9}));
  EXPECT_EQ(log.find("eval/max_reward")->values, (Values{6, 12}));
  EXPECT_EQ(log.find("eval/mean_ep_length")->values, (Values{4, 1}));
  EXPECT_EQ(log.find("eval/none"), nullptr);
  EXPECT_EQ(read_episode_ends(folder.path()), (Values{0.25, 0.75}));
}

TEST(RunLog, ARunThatHasJustBegunOrIsWritingARowIsNoMistake) {
  const Folder folder;
  write_config(folder.path());
  EXPECT_TRUE(read_run_log(folder.path()).metrics.empty());
  EXPECT_TRUE(read_episode_ends(folder.path()).empty());
  write_bytes(folder / "progress.csv", "");
  EXPECT_TRUE(read_run_log(folder.path()).metrics.empty());
  write_bytes(folder / "progress.csv", "time/total_timesteps,x\n10,1\n20,2.");
  EXPECT_EQ(read_run_log(folder.path()).find("x")->values, Values{1});
}

TEST(RunLog, DamagedTextNamesFileAndLine) {
  const Folder folder;
  write_config(folder.path());
  for (const auto& [text, words] :
       {std::pair{"time/total_timesteps,x\n10,1\n20,abc\n", "progress.csv:3: expected a number, got 'abc'"},
        {"time/total_timesteps,x\n10\n", "progress.csv:2: expected 2 cells as in the header, got 1"},
        {"time/total_timesteps,x\n10,1\n5,1\n", "progress.csv:3: expected steps that ascend"},
        {"time/total_timesteps,x\n,1\n", "progress.csv:2: expected steps that ascend"},
        {"x,y\n1,2\n", "progress.csv:1: there is no column 'time/total_timesteps'"}}) {
    write_bytes(folder / "progress.csv", text);
    const std::string error = error_of([&] { read_run_log(folder.path()); });
    EXPECT_NE(error.find(words), std::string::npos) << error;
  }
  write_bytes(folder / "progress.csv", "");
  write_bytes(folder / "config.toml", "[run\n");
  EXPECT_NE(error_of([&] { read_run_log(folder.path()); }).find("config.toml:1"), std::string::npos);
  write_bytes(folder / "config.toml", "[agent]\n");
  EXPECT_NE(error_of([&] { read_run_log(folder.path()); }).find("expected agent and env"), std::string::npos);
}

TEST(RunLog, EveryCutAndEveryChangedByteOfTheEvaluationsIsFoundOrHarmless) {
  const Folder folder;
  write_run(folder.path());
  const std::string whole = read_bytes(folder / "evaluations.npz");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write_bytes(folder / "evaluations.npz", whole.substr(0, size));
    EXPECT_NE(error_of([&] { read_evaluations(folder / "evaluations.npz"); }).find("evaluations.npz: "),
              std::string::npos);
  }
  int refused = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] ^= 0x10;
    write_bytes(folder / "evaluations.npz", changed);
    const bool found = !error_of([&] { read_evaluations(folder / "evaluations.npz"); }).empty();
    refused += found;
    if (found) continue;
    // What is not checked has no say in the numbers: dates and versions in the headers.
    EXPECT_EQ(read_evaluations(folder / "evaluations.npz").rewards, (Values{6, 1, 5, 9, 9, 12}));
    EXPECT_EQ(read_evaluations(folder / "evaluations.npz").timesteps, (std::vector<std::int64_t>{200, 300}));
  }
  EXPECT_GT(refused, static_cast<int>(whole.size() / 2));
}

TEST(RunLog, FindsRunsBelowAFolderButNotInsideRuns) {
  const Folder folder;
  for (const char* name : {"b/run-s0", "a/x/run-s1", "a/x/run-s1/checkpoints/inner"}) write_config(folder / name);
  std::filesystem::create_directories(folder / "empty/below");
  EXPECT_EQ(find_runs(folder.path()), (std::vector{folder / "a/x/run-s1", folder / "b/run-s0"}));
  EXPECT_EQ(find_runs(folder / "b/run-s0"), std::vector{folder / "b/run-s0"});
  EXPECT_NE(error_of([&] { find_runs(folder / "empty"); }).find("empty holds no run"), std::string::npos);
  EXPECT_NE(error_of([&] { find_runs(folder / "none"); }).find("there is no run folder"), std::string::npos);
  EXPECT_NE(error_of([&] { find_runs(folder / "b/run-s0/config.toml"); }).find("is a file"), std::string::npos);
}

}  // namespace
}  // namespace corvid
