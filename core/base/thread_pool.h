// A persistent pool for splitting one batch into blocks. Workers claim blocks from one atomic counter, so which
// thread does a block is left open: bodies must write only what belongs to their block.
//
// The caller works too. Idle workers spin for some microseconds and then sleep, so a pool at rest costs nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace corvid {

class ThreadPool {
 public:
  /// `num_threads` counts the caller: 1 starts no worker. 0 takes every processor this process may use. Fewer
  /// start when the system gives no more.
  explicit ThreadPool(int num_threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int num_threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls body(block) for every block in [0, num_blocks), and returns when all are done. Blocks the caller; one
  /// run at a time. `body` must not throw.
  template <class Body>
  void run(int num_blocks, Body&& body) {
    run_erased(
        num_blocks, [](void* context, int block) { (*static_cast<std::remove_reference_t<Body>*>(context))(block); },
        const_cast<void*>(static_cast<const void*>(&body)));
  }

 private:
  using Call = void (*)(void* context, int block);
  struct Job {
    Call call = nullptr;
    void* context = nullptr;
    int num_blocks = 0;
  };

  void run_erased(int num_blocks, Call call, void* context);
  void work_on_blocks();
  void worker_loop();

  Job job_;
  std::atomic<std::uint32_t> generation_{0};  // counts runs; workers wait for it to change
  std::atomic<int> next_block_{0};
  std::atomic<int> busy_workers_{0};
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> workers_;
};

}  // namespace corvid
