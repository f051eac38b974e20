#include "core/base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <system_error>

namespace corvid {
namespace {

constexpr int kSpins = 2000;  // a few microseconds before a worker goes to sleep

int usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

ThreadPool::ThreadPool(int num_threads) {
  if (num_threads <= 0) num_threads = usable_processors();
  try {
    for (int i = 1; i < num_threads; ++i) workers_.emplace_back([this] { worker_loop(); });
  } catch (const std::system_error&) {
    // The system gives no more: go on with those that started.
  }
}

ThreadPool::~ThreadPool() {
  stopping_.store(true);
  generation_.fetch_add(1);
  generation_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run_erased(int num_blocks, Call call, void* context) {
  if (workers_.empty() || num_blocks <= 1) {
    for (int block = 0; block < num_blocks; ++block) call(context, block);
    return;
  }
  job_ = {call, context, num_blocks};
  next_block_.store(0, std::memory_order_relaxed);
  busy_workers_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  work_on_blocks();

  // Every worker has passed through this run before the next one may change job_.
  for (int spin = 0;; ++spin) {
    const int busy = busy_workers_.load(std::memory_order_acquire);
    if (busy == 0) return;
    if (spin < kSpins)
      pause();
    else
      busy_workers_.wait(busy, std::memory_order_acquire);
  }
}

void ThreadPool::work_on_blocks() {
  while (true) {
    const int block = next_block_.fetch_add(1, std::memory_order_relaxed);
    if (block >= job_.num_blocks) return;
    job_.call(job_.context, block);
  }
}

void ThreadPool::worker_loop() {
  std::uint32_t seen = 0;
  while (true) {
    for (int spin = 0; generation_.load(std::memory_order_acquire) == seen; ++spin) {
      if (spin < kSpins)
        pause();
      else
        generation_.wait(seen, std::memory_order_acquire);
    }
    ++seen;
    if (stopping_.load()) return;
    work_on_blocks();
    if (busy_workers_.fetch_sub(1, std::memory_order_release) == 1) busy_workers_.notify_one();
  }
}

}  // namespace corvid
