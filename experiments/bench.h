// What the parts of `corvid bench` share: timing, one line a figure, and the history of figures.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "experiments/command.h"

namespace corvid {

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Options that every part of `corvid bench` has.
struct BenchOptions {
  std::int64_t repetitions = 5;
  bool json = false;
  std::string history;  // file that a line is appended to; empty: none
};
Fields fields(BenchOptions& options);

/// One measured figure: the values of its repetitions, and what was measured.
struct BenchFigure {
  std::string name;  // "step", "update-ppo", ...
  std::vector<double> values;
  std::string unit;
  nlohmann::ordered_json settings;
  nlohmann::ordered_json more = nlohmann::ordered_json::object();  // further keys: GFLOP/s, the return reached
};

/// Prints median, least and most, ends with a JSON line when asked to, and appends to the history.
void report(BenchFigure figure, const BenchOptions& options);

double median(std::vector<double> values);

/// Seconds one call takes, from as many calls as fill about `seconds`; one call before is not counted.
double seconds_per_call(const std::function<void()>& call, double seconds);

/// A part of `corvid bench`: its name, what it measures, and its function.
struct BenchPart {
  const char* name;
  const char* summary;
  int (*run)(const Command& command, const Arguments& arguments);
};
int bench_inference(const Command& command, const Arguments& arguments);
int bench_update(const Command& command, const Arguments& arguments);
int bench_products(const Command& command, const Arguments& arguments);
int bench_logging(const Command& command, const Arguments& arguments);
int bench_replay(const Command& command, const Arguments& arguments);

}  // namespace corvid
