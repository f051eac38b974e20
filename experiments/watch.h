// Looking at a training while it runs: `train --render`, and films of its evaluations.
#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <thread>

#include "core/run/run.h"
#include "render/display_list.h"
#include "render/window.h"

namespace corvid {

/// A window with the environments of a training. The training only lists what is to be drawn, when asked; a thread of its
/// own paints, with a share of the time that leaves the training its speed.
class LiveView final : public Hook {
 public:
  /// Opens the window; throws Error where there is no display.
  explicit LiveView(const std::string& title);
  ~LiveView() override;

  /// Before the training begins, with that many threads (0: every processor). `env` must outlive the training.
  void watch(const VectorEnv& env, std::int64_t num_threads);

  bool after_step(std::int64_t steps) override {
    if (wanted_.load(std::memory_order_relaxed)) hand_over(steps);
    return true;
  }

 private:
  static constexpr int kMostEnvs = 16;

  void hand_over(std::int64_t steps);
  void run_painter(const std::string& title, std::exception_ptr& failure);
  void paint(const std::string& title, Window& window);

  const VectorEnv* env_ = nullptr;
  std::atomic<int> share_{5};        // of the painter's time, one part in so many is spent on painting
  std::atomic<bool> wanted_{false};  // the painter waits for pictures
  std::atomic<bool> stop_{false};
  std::atomic<bool> lost_{false};  // the display; the painter sleeps for ever

  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::vector<DisplayList> lists_;
  std::int64_t steps_ = 0;
  bool fresh_ = false;   // lists_ have not been painted
  bool opened_ = false;  // or failed to
  bool ended_ = false;   // the painter

  std::thread painter_;
};

/// Films of every n-th evaluation, `videos/step-<steps>.gif` in the run's folder, also for TensorBoard.
class VideoCapture final : public Hook {
 public:
  VideoCapture(Run& run, std::int64_t every);

  bool after_step(std::int64_t steps) override;

  /// One film of the policy as it is now. A film that cannot be written is noted and the training goes on.
  void film(std::int64_t steps);

 private:
  Run& run_;
  std::int64_t every_;  // steps
  std::int64_t last_;   // steps of the last film
  std::unique_ptr<VectorEnv> env_;
};

}  // namespace corvid
