#include "experiments/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace corvid {

std::string duration_text(double seconds) {
  const auto total = static_cast<long long>(std::llround(std::clamp(seconds, 0.0, 1e9)));
  char text[48];
  if (total >= 3600)
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", total / 3600, total / 60 % 60, total % 60);
  else
    std::snprintf(text, sizeof text, "%lld:%02lld", total / 60, total % 60);
  return text;
}

std::string count_text(double value) {
  char text[32];
  if (value >= 1e6)
    std::snprintf(text, sizeof text, "%.3gM", value / 1e6);
  else if (value >= 1e4)
    std::snprintf(text, sizeof text, "%.3gk", value / 1e3);
  else
    std::snprintf(text, sizeof text, "%.0f", value);
  return text;
}

Progress::Progress(bool quiet) : quiet_(quiet), terminal_(isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() { finish(); }

void Progress::finish() {
  if (open_) std::fputc('\n', stderr);
  open_ = false;
}

std::string Progress::line(const Status& status) const {
  const double share =
      static_cast<double>(status.steps) / static_cast<double>(std::max<std::int64_t>(1, status.total_steps));
  const double left = static_cast<double>(std::max<std::int64_t>(0, status.total_steps - status.steps));
  const double eta = status.steps_per_second > 0 ? left / status.steps_per_second : 0;
  char text[256];
  int length = std::snprintf(text, sizeof text, "%3.0f%% %s/%s steps  %s steps/s  ETA %s", 100 * std::min(1.0, share),
                             count_text(static_cast<double>(status.steps)).c_str(),
                             count_text(static_cast<double>(status.total_steps)).c_str(),
                             count_text(status.steps_per_second).c_str(), duration_text(eta).c_str());
  if (!std::isnan(status.mean_reward))
    length += std::snprintf(text + length, sizeof text - static_cast<std::size_t>(length), "  return %.1f",
                            status.mean_reward);
  if (!std::isnan(status.eval_mean))
    std::snprintf(text + length, sizeof text - static_cast<std::size_t>(length), "  eval %.1f", status.eval_mean);
  return text;
}

void Progress::show(const Status& status) {
  if (quiet_) return;
  if (!terminal_) {
    // A log file wants few lines: every ten seconds, and the last.
    if (status.seconds < next_line_ && status.steps < status.total_steps) return;
    next_line_ = status.seconds + 10;
    std::fprintf(stderr, "%s\n", line(status).c_str());
    return;
  }
  winsize size{};
  const int columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
  const std::string text = line(status);
  const int width = std::clamp(columns - static_cast<int>(text.size()) - 4, 0, 30);
  const int done = static_cast<int>(static_cast<double>(width) * static_cast<double>(status.steps) /
                                    static_cast<double>(std::max<std::int64_t>(1, status.total_steps)));
  std::string bar;
  for (int i = 0; i < width; ++i) bar += i < done ? "█" : "░";
  std::fprintf(stderr, "\r%s %s\033[K", bar.c_str(),
               text.substr(0, static_cast<std::size_t>(std::max(0, columns - 1))).c_str());
  std::fflush(stderr);
  open_ = true;
}

}  // namespace corvid
