#include "core/base/thread_pool.h"

#include <gtest/gtest.h>

#include <chrono>
#include <numeric>

namespace corvid {
namespace {

TEST(ThreadPool, RunsEveryBlockOnce) {
  for (int num_threads : {1, 2, 3, 8}) {
    ThreadPool pool(num_threads);
    ASSERT_EQ(pool.num_threads(), num_threads);
    for (int num_blocks : {0, 1, 2, 7, 1000}) {
      std::vector<int> times(static_cast<std::size_t>(num_blocks), 0);
      pool.run(num_blocks, [&](int block) { ++times[static_cast<std::size_t>(block)]; });
      EXPECT_EQ(times, std::vector<int>(times.size(), 1)) << num_threads << " threads, " << num_blocks << " blocks";
    }
  }
}

TEST(ThreadPool, WhatWorkersWroteIsSeenAfterTheRun) {
  ThreadPool pool(4);
  std::vector<std::int64_t> values(64, 0);
  for (int round = 0; round < 5000; ++round) {
    pool.run(64, [&](int block) { values[static_cast<std::size_t>(block)] += block + round; });
  }
  // Each value is the sum over rounds of block + round.
  for (std::size_t block = 0; block < values.size(); ++block) {
    ASSERT_EQ(values[block], static_cast<std::int64_t>(5000 * block + 5000LL * 4999 / 2));
  }
}

TEST(ThreadPool, WakesWorkersThatWentToSleep) {
  ThreadPool pool(3);
  for (int round = 0; round < 20; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // longer than workers spin
    std::atomic<int> sum{0};
    pool.run(100, [&](int block) { sum += block; });
    ASSERT_EQ(sum, 4950);
  }
}

TEST(ThreadPool, StopsWithoutEverRunning) {
  for (int i = 0; i < 50; ++i) ThreadPool pool(4);
}

TEST(ThreadPool, TakesAtLeastOneThreadByDefault) {
  ThreadPool pool;
  EXPECT_GE(pool.num_threads(), 1);
}

}  // namespace
}  // namespace corvid
