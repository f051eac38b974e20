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
    for (int k = 0; k < SplitChoice::kTrials; ++k) choice.run(serial, split);
    EXPECT_EQ(serial_runs, SplitChoice::kTrials / 2);
    EXPECT_EQ(split_runs, SplitChoice::kTrials / 2);
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
  for (int k = 0; k < SplitChoice::kTrials; ++k) choice.run(slow_serial, split);
  ASSERT_TRUE(choice.splitting());
  split_is_slow = true;
  for (int k = 0; k < SplitChoice::kRunsBetween; ++k) choice.run(serial, [] {});
  for (int k = 0; k < SplitChoice::kTrials; ++k) choice.run(serial, split);
  EXPECT_FALSE(choice.splitting());
}

}  // namespace
}  // namespace corvid
