// The files of a run that other programs read: event files, monitor.csv, progress.csv, evaluations.npz.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/io/checkpoint.h"
#include "core/io/csv_log.h"
#include "core/io/event_file.h"
#include "core/io/npz.h"
#include "tests/io/io_testing.h"

namespace corvid {
namespace {

using testing::error_of;
using testing::Folder;
using testing::read_bytes;
using testing::write_bytes;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

template <class T>
void save(const Folder& folder, T& object) {
  save_checkpoint(folder / "last.h5", {}, [&](Archive& a) { a("object", object); });
}

template <class T>
void load(const Folder& folder, T& object) {
  load_checkpoint(folder / "last.h5", [&](Archive& a) { a("object", object); });
}

TEST(EventFile, ChecksumIsCrc32c) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c(""), 0U);
}

TEST(EventFile, TensorBoardReadsScalarsTextsAndHparams) {
  CORVID_NEEDS_PYTHON();
  const Folder folder;
  {
    EventWriter events(folder / "run");
    events.hparams({{"learning_rate", 3e-4}, {"normalize", true}, {"agent", std::string("ppo")}},
                   {"rollout/ep_rew_mean", "eval/mean_reward"});
    events.text("config", "gamma = 0.99\n**bold** \xc3\xbc", 0);
    for (int k = 0; k <= 10; ++k) events.scalar("rollout/ep_rew_mean", 1.5 * k, 1000 * k);
    events.scalar("rollout/ep_rew_mean", 99, std::int64_t{5'000'000'000});
    events.image("eval/video", "GIF89a...", 3, 2, 3000);
    events.scalar("train/loss", kNaN, 1);
  }
  {
    // A resumed run: from step 6000 on TensorBoard must show the new values only.
    EventWriter events(folder / "run");
    for (int k = 6; k <= 8; ++k) events.scalar("rollout/ep_rew_mean", -1.0 * k, 1000 * k);
    events.scalar("time/fps", 12345.678, std::int64_t{6'000'000'000});
    events.flush();
    const auto result = testing::run_python("check_events.py", (folder / "run").string());
    EXPECT_EQ(result.code, 0) << result.output;
  }
}

TEST(EventFile, EveryWriterOpensALaterFile) {
  const Folder folder;
  std::vector<std::string> names;
  for (int k = 0; k < 12; ++k) names.push_back(EventWriter(folder.path()).path().filename().string());
  for (std::size_t k = 1; k < names.size(); ++k) EXPECT_LT(names[k - 1], names[k]);
}

TEST(EventFile, AFullDiskIsAnErrorThatStaysAndLeavesWholeRecords) {
  const Folder folder;
  EventWriter events(folder.path());
  events.scalar("a", 1, 1);
  events.flush();
  const std::string before = read_bytes(events.path());
  std::string text;
  {
    const testing::FileSizeLimit full(before.size() + 10);
    text = error_of(
        [&] {
          events.scalar("a", 2, 2);
          events.flush();
        },
        ErrorKind::kFailed);
  }
  EXPECT_NE(text.find("File too large"), std::string::npos) << text;
  EXPECT_EQ(read_bytes(events.path()), before);
  EXPECT_EQ(error_of(
                [&] {
                  events.scalar("a", 3, 3);
                  events.flush();
                },
                ErrorKind::kFailed),
            text);
}

TEST(TextLog, ResumeForgetsWhatCameAfterTheCheckpoint) {
  const Folder folder;
  {
    TextLog log(folder / "log.txt");
    log.line("one");
    save(folder, log);
    log.line("two");
  }
  EXPECT_EQ(read_bytes(folder / "log.txt"), "one\ntwo\n");
  {
    TextLog log(folder / "log.txt");
    load(folder, log);
    log.line("2");
  }
  EXPECT_EQ(read_bytes(folder / "log.txt"), "one\n2\n");

  write_bytes(folder / "log.txt", "on");
  TextLog log(folder / "log.txt");
  EXPECT_NE(error_of([&] { load(folder, log); }).find("expected at least 4 bytes, got 2"), std::string::npos);
  std::filesystem::remove(folder / "log.txt");
  EXPECT_NE(error_of([&] { load(folder, log); }).find("does not exist"), std::string::npos);
}

TEST(TextLog, AFreshLogReplacesAnOlderFile) {
  const Folder folder;
  write_bytes(folder / "log.txt", "of an earlier run\n");
  TextLog log(folder / "log.txt");
  log.line("new");
  log.flush();
  EXPECT_EQ(read_bytes(folder / "log.txt"), "new\n");
}

TEST(TextLog, AFullDeviceIsAnError) {
  TextLog log("/dev/full");
  log.line("x");
  const std::string text = error_of([&] { log.flush(); }, ErrorKind::kFailed);
  EXPECT_NE(text.find("/dev/full: No space left on device"), std::string::npos) << text;
  EXPECT_EQ(error_of(
                [&] {
                  log.line("y");
                  log.flush();
                },
                ErrorKind::kFailed),
            text);
}

TEST(TextLog, AFullDiskLeavesWholeLines) {
  const Folder folder;
  TextLog log(folder / "log.txt");
  log.line("whole");
  log.flush();
  {
    const testing::FileSizeLimit full(10);
    log.line("too long for the disk");
    EXPECT_NE(error_of([&] { log.flush(); }, ErrorKind::kFailed), "");
  }
  EXPECT_EQ(read_bytes(folder / "log.txt"), "whole\n");
}

TEST(MonitorCsv, RoundsAsStableBaselinesDoes) {
  const Folder folder;
  MonitorCsv monitor(folder / "monitor.csv", "CartPole-v1", 1700000000.25);
  monitor.episode(21, 21, 0.123456789);
  monitor.episode(-0.1234564, 3, 12);
  monitor.flush();
  EXPECT_EQ(read_bytes(folder / "monitor.csv"),
            "#{\"t_start\":1700000000.25,\"env_id\":\"CartPole-v1\"}\nr,l,t\n21.0,21,0.123457\n-0.123456,3,12.0\n");
}

TEST(MonitorCsv, StableBaselinesLoadsItAfterAResume) {
  CORVID_NEEDS_PYTHON();
  const Folder folder;
  const auto path = folder / "0.monitor.csv";
  {
    MonitorCsv monitor(path, "CartPole-v1", 1700000000.25);
    for (int k = 0; k < 50; ++k) monitor.episode(k, k + 1, 0.5 * k);
    save(folder, monitor);
    monitor.episode(-1, 1, 99);
  }
  {
    MonitorCsv monitor(path, "CartPole-v1", 1700000000.25);
    load(folder, monitor);
    for (int k = 50; k < 60; ++k) monitor.episode(k, k + 1, 0.5 * k);
  }
  const auto result = testing::run_python("check_run_files.py", "monitor " + folder.path().string());
  EXPECT_EQ(result.code, 0) << result.output;
}

TEST(ProgressCsv, NewKeysWidenEarlierRows) {
  const Folder folder;
  ProgressCsv progress(folder / "progress.csv");
  progress.row({{"time/fps", 100}, {"rollout/ep_rew_mean", kNaN}});
  progress.row({{"rollout/ep_rew_mean", 1.5}, {"train/loss", 1e-7}, {"a,b", 2}});
  progress.row({{"time/fps", 300}});
  EXPECT_EQ(read_bytes(folder / "progress.csv"),
            "time/fps,rollout/ep_rew_mean,train/loss,\"a,b\"\n100.0,,,\n,1.5,1e-07,2.0\n300.0,,,\n");
  CORVID_NEEDS_PYTHON();
  const auto result = testing::run_python("check_run_files.py", "progress " + folder.path().string());
  EXPECT_EQ(result.code, 0) << result.output;
}

TEST(ProgressCsv, ResumeDropsLaterRowsAndColumns) {
  const Folder folder;
  const auto path = folder / "progress.csv";
  {
    ProgressCsv progress(path);
    progress.row({{"a", 1}, {"b", 2}});
    progress.row({{"a", 3}});
    save(folder, progress);
    progress.row({{"a", 4}, {"later", 5}});
  }
  {
    ProgressCsv progress(path);
    load(folder, progress);
    EXPECT_EQ(read_bytes(path), "a,b\n1.0,2.0\n3.0,\n");
    progress.row({{"b", 6}, {"c", 7}});
  }
  EXPECT_EQ(read_bytes(path), "a,b,c\n1.0,2.0,\n3.0,,\n,6.0,7.0\n");

  write_bytes(path, "a,b\n1,2\n");
  ProgressCsv progress(path);
  EXPECT_NE(error_of([&] { load(folder, progress); }).find("expected at least 2 rows, got 1"), std::string::npos);
  write_bytes(path, "a,x\n1,2\n3,4\n");
  EXPECT_NE(error_of([&] { load(folder, progress); }).find("columns are not those"), std::string::npos);
  std::filesystem::remove(path);
  EXPECT_NE(error_of([&] { load(folder, progress); }).find("does not exist"), std::string::npos);
}

TEST(ProgressCsv, AFullDiskLeavesTheOldFile) {
  const Folder folder;
  const auto path = folder / "progress.csv";
  ProgressCsv progress(path);
  progress.row({{"a", 1}});
  {
    const testing::FileSizeLimit full(8);
    EXPECT_NE(error_of([&] { progress.row({{"a", 2}, {"a long name", 3}}); }, ErrorKind::kFailed), "");
    EXPECT_EQ(read_bytes(path), "a\n1.0\n");
  }
  progress.row({{"a", 2}, {"b", 3}});  // a rewrite that failed changed nothing
  EXPECT_EQ(read_bytes(path), "a,b\n1.0,\n2.0,3.0\n");
}

TEST(EvaluationsNpz, NumPyReadsItAfterAResume) {
  CORVID_NEEDS_PYTHON();
  const Folder folder;
  const auto path = folder / "evaluations.npz";
  const double rewards[] = {1.5, -2, 1e300};
  const std::int64_t lengths[] = {10, 20, 1'000'000'000'000};
  {
    EvaluationsNpz evaluations(path);
    evaluations.add(1000, rewards, lengths);
    evaluations.add(2000, rewards, lengths);
    save(folder, evaluations);
    evaluations.add(2500, rewards, lengths);
  }
  std::filesystem::remove(path);  // the checkpoint suffices
  EvaluationsNpz evaluations(path);
  load(folder, evaluations);
  const double other[] = {7, 8, 9};
  evaluations.add(3000, other, lengths);
  const auto result = testing::run_python("check_run_files.py", "evaluations " + folder.path().string());
  EXPECT_EQ(result.code, 0) << result.output;
}

TEST(EvaluationsNpz, RefusesAnotherNumberOfEpisodesAndSurvivesAFullDisk) {
  const Folder folder;
  const auto path = folder / "evaluations.npz";
  EvaluationsNpz evaluations(path);
  const double rewards[] = {1, 2};
  const std::int64_t lengths[] = {1, 2};
  evaluations.add(1, rewards, lengths);
  const std::string before = read_bytes(path);
  const std::string text = error_of([&] { evaluations.add(2, {rewards, 1}, {lengths, 1}); }, ErrorKind::kUsage);
  EXPECT_NE(text.find("expected evaluations of 2 episodes as before, got 1"), std::string::npos) << text;
  {
    const testing::FileSizeLimit full(300);
    EXPECT_NE(error_of([&] { evaluations.add(2, rewards, lengths); }, ErrorKind::kFailed).find("File too large"),
              std::string::npos);
  }
  EXPECT_EQ(read_bytes(path), before);
}

}  // namespace
}  // namespace corvid
