// What a person sees while a run goes on: a bar on a terminal, plain lines elsewhere, nothing when quiet. All of it goes
// to standard error, so that standard output stays for results.
#pragma once

#include <string>

#include "core/run/hooks.h"

namespace corvid {

class Progress {
 public:
  explicit Progress(bool quiet);
  ~Progress();

  void show(const Status& status);

  /// Ends the bar's line.
  void finish();

 private:
  std::string line(const Status& status) const;

  bool quiet_, terminal_;
  bool open_ = false;     // a bar stands on the current line
  double next_line_ = 0;  // seconds at which the next plain line is due
};

/// "1:02:03" or "4:05".
std::string duration_text(double seconds);

/// "12345678" as "12.3M", "4321" as "4321", "43210" as "43.2k".
std::string count_text(double value);

}  // namespace corvid
