#include "core/base/split_choice.h"

#include <gtest/gtest.h>

#include <thread>

namespace corvid {
namespace {

void sleep() { std::this_thread::sleep_for(std::chrono::milliseconds(2)); }

TEST(SplitChoice, KeepsTheFasterWayAfterTryingBoth) {
  for (const bool split_is_faster : {true, false}) {
    SplitChoice choice;
    int serial_runs = 0, split_runs = 0;
    auto serial = [&] {
      ++serial_runs;
      if (split_is_faster) sleep();
    };
    auto split = [&] {
      ++split_runs;
      if (!split_is_faster) sleep();
    };
    for (int k = 0; k < SplitChoice::kTried; ++k) choice.run(serial, split);
    if (split_is_faster) {
      EXPECT_EQ(serial_runs, SplitChoice::kTrials);
      EXPECT_EQ(split_runs, SplitChoice::kTrials + SplitChoice::kWakeUps);
    } else {
      EXPECT_EQ(split_runs, 1);  // so slow that one was enough
    }
    EXPECT_EQ(choice.splitting(), split_is_faster);

    const int before = serial_runs;
    for (int k = 0; k < 100; ++k) choice.run(serial, split);
    EXPECT_EQ(serial_runs - before, split_is_faster ? 0 : 100);
  }
}

TEST(SplitChoice, ChangesItsMindWhenTheMachineDoes) {
  SplitChoice choice;
  bool split_is_slow = false;
  auto serial = [] {};
  auto split = [&] {
    if (split_is_slow) sleep();
  };
  auto slow_serial = [] { sleep(); };
  for (int k = 0; k < SplitChoice::kTried; ++k) choice.run(slow_serial, split);
  ASSERT_TRUE(choice.splitting());
  // Every run is split while that is fast; when it no longer is, one thread is tried long before its time has come.
  split_is_slow = true;
  int runs = 0;
  while (choice.splitting() && runs < SplitChoice::kRunsBetween) {
    choice.run(serial, [] { std::this_thread::sleep_for(std::chrono::milliseconds(5)); });
    ++runs;
  }
  EXPECT_FALSE(choice.splitting());
  EXPECT_LT(runs, SplitChoice::kRunsBetween / 2);
}

TEST(SplitChoice, TriesMoreRarelyWhileTheAnswerStays) {
  SplitChoice choice;
  int split_runs = 0;
  auto split = [&] {
    ++split_runs;
    sleep();
  };
  for (int k = 0; k < 128 * SplitChoice::kFewestRunsBetween; ++k) choice.run([] {}, split);
  // Splits are tried after 125 runs, 250 more, and so on up to 8,000 more.
  EXPECT_LE(split_runs, 8);
  EXPECT_GE(split_runs, 6);
}

}  // namespace
}  // namespace corvid
