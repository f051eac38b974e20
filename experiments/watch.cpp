#include "experiments/watch.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>

#include "core/run/playback.h"
#include "experiments/show.h"
#include "render/animation.h"
#include "render/window.h"

namespace corvid {
namespace {

using SteadyClock = std::chrono::steady_clock;

}  // namespace

LiveView::LiveView(const std::string& title) {
  std::exception_ptr failure;
  painter_ = std::thread([this, title, &failure] { run_painter(title, failure); });
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return opened_; });
  if (!failure) return;
  lock.unlock();
  painter_.join();
  std::rethrow_exception(failure);
}

LiveView::~LiveView() {
  if (!painter_.joinable()) return;
  std::unique_lock lock(mutex_);
  stop_ = true;
  changed_.notify_all();
  while (!ended_ && !lost_) changed_.wait_for(lock, std::chrono::milliseconds(20));
  lock.unlock();
  if (lost_) {
    std::cerr << "the display went away; the training went on\n";
    painter_.detach();
  } else {
    painter_.join();
  }
}

void LiveView::watch(const VectorEnv& env, std::int64_t num_threads) {
  // Where the training leaves no processor, every moment of painting is a moment of training.
  const auto processors = static_cast<std::int64_t>(std::thread::hardware_concurrency());
  if (num_threads == 0 || num_threads >= processors) share_ = 50;
  {
    const std::lock_guard lock(mutex_);
    env_ = &env;
    lists_.resize(static_cast<std::size_t>(std::min(env.num_envs(), kMostEnvs)));
  }
  wanted_ = true;
}

void LiveView::hand_over(std::int64_t steps) {
  wanted_ = false;
  {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < lists_.size(); ++i) {
      lists_[i].clear();
      env_->draw(static_cast<int>(i), lists_[i]);
    }
    steps_ = steps;
    fresh_ = true;
  }
  changed_.notify_all();
}

/// The painter's thread, to which all of SDL belongs.
void LiveView::run_painter(const std::string& title, std::exception_ptr& failure) {
  // Below the training, where processors are scarce.
  setpriority(PRIO_PROCESS, 0, 10);
  std::optional<Window> window;
  std::exception_ptr problem;
  try {
    window.emplace(title, 960, 640);
  } catch (...) {
    problem = std::current_exception();
  }
  {
    const std::lock_guard lock(mutex_);
    failure = problem;
    opened_ = true;
  }
  changed_.notify_all();
  if (problem) return;

  Window::sleep_when_lost(lost_);
  try {
    paint(title, *window);
  } catch (const std::exception& error) {
    std::cerr << "the window ended: " << error.what() << "; the training goes on\n";
  }
  wanted_ = false;
  window.reset();
  const std::lock_guard lock(mutex_);
  ended_ = true;
}

/// Until the window is closed or the training ends.
void LiveView::paint(const std::string& title, Window& window) {
  constexpr auto kFrame = std::chrono::milliseconds(33);
  std::vector<DisplayList> lists;
  Image image;
  while (!stop_) {
    std::int64_t steps = 0;
    bool fresh = false;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kFrame, [this] { return fresh_ || stop_; });
      if (std::exchange(fresh_, false)) {
        lists.resize(lists_.size());
        lists.swap(lists_);
        steps = steps_;
        fresh = true;
      }
    }
    const auto start = SteadyClock::now();
    const WindowInput input = window.poll();
    if (input.closed || std::find(input.pressed.begin(), input.pressed.end(), "Escape") != input.pressed.end()) {
      std::cerr << "the window is closed; the training goes on\n";
      return;
    }
    if (!fresh) continue;
    if (image.width != window.width() || image.height != window.height())
      image = Image(window.width(), window.height());
    draw_lists(lists, image);
    draw_note(title + "   " + std::to_string(steps) + " steps", image, {0, 0, 1.0 * image.width, 1.0 * image.height},
              window.density());
    window.show(image);
    const auto spent = SteadyClock::now() - start;
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::max<SteadyClock::duration>(kFrame - spent, spent * (share_ - 1)),
                      [this] { return stop_.load(); });
    wanted_ = !stop_;
  }
}

VideoCapture::VideoCapture(Run& run, std::int64_t every) : run_(run), last_(run.steps()) {
  const RunConfig& config = run.setup().config;
  every_ = every * evaluation_freq(config);
  env_ = make_env(config.env, vector_options(config, AutoReset::kDisabled, 1), run.setup().env_options);
}

bool VideoCapture::after_step(std::int64_t steps) {
  if (steps / every_ > last_ / every_ && steps < run_.setup().config.total_timesteps) film(steps);
  return true;
}

void VideoCapture::film(std::int64_t steps) {
  constexpr std::int64_t kMostFrames = 3000;
  last_ = steps;
  const RunConfig& config = run_.setup().config;
  char name[48];
  std::snprintf(name, sizeof name, "step-%09lld.gif", static_cast<long long>(steps));
  const std::filesystem::path path = run_.folder() / "videos" / name;
  try {
    Playback playback(*env_, &run_.policy(), static_cast<std::uint64_t>(config.eval_seed), config.deterministic_eval);
    const double rate = natural_rate(*env_);
    // A film of 25 frames a second at most, which is small and quick.
    const auto steps_a_frame = static_cast<std::int64_t>(std::max(1.0, std::round(rate / 25)));
    Image image(480, height_for(*env_, 480));
    const auto writer =
        make_animation_writer(path, image.width, image.height, {.fps = rate / static_cast<double>(steps_a_frame)});
    for (std::int64_t frames = 0; frames < kMostFrames; ++frames) {
      RasterCanvas canvas(image);
      env_->draw(0, canvas);
      writer->add(image);
      if (playback.now().ended) break;
      for (std::int64_t k = 0; k < steps_a_frame && !playback.now().ended; ++k) playback.step();
    }
    writer->finish();
    std::ifstream file(path, std::ios::binary);
    run_.log_image("eval/video", std::string(std::istreambuf_iterator<char>(file), {}), image.width, image.height);
  } catch (const Error& error) {
    std::cerr << "note: no film of this evaluation: " << error.what() << "\n";
  }
}

}  // namespace corvid
