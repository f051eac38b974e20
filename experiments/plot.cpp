// corvid plot: learning curves of runs, as pictures or in the terminal.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <map>
#include <set>

#include "core/base/check.h"
#include "core/io/atomic_file.h"
#include "core/io/run_log.h"
#include "core/stats/curve.h"
#include "experiments/command.h"
#include "render/chart.h"
#include "render/png.h"
#include "render/raster_canvas.h"
#include "render/svg_canvas.h"
#include "render/terminal_chart.h"

namespace corvid {
namespace {

namespace fs = std::filesystem;

struct PlotOptions {
  std::string metric = "eval/mean_reward", x = "steps", output, title, group_by = "auto";
  std::int64_t smooth = 1, width = 0, height = 0;
  bool tty = false, json = false;
};

Fields fields(PlotOptions& options) {
  return {
      Field("metric", &options.metric, "column of progress.csv or of the evaluations; 'list' shows all"),
      Field("x", &options.x, "what the horizontal axis counts").one_of({"steps", "seconds", "episodes"}),
      Field("smooth", &options.smooth, "each value becomes the mean of so many last ones of its run").at_least(1),
      Field("output", &options.output, "file to write, .svg or .png, also several; curve.svg unless --tty is given"),
      Field("tty", &options.tty, "draw in the terminal"),
      Field("title", &options.title, "text above the picture"),
      Field("group_by", &options.group_by, "what shares a curve: auto takes runs that differ in nothing but their seed")
          .one_of({"auto", "agent", "env", "run"}),
      Field("width", &options.width, "pixels; 0: as suits the charts").between(0, 8192),
      Field("height", &options.height, "pixels; 0: as suits the charts").between(0, 8192),
      Field("json", &options.json, "end with one JSON line on standard output")};
}

struct PlottedRun {
  RunLog log;
  std::string settings;  // all that shapes the training but the seed
  Curve curve;
};

/// Runs that share a curve, and what became of them.
struct Group {
  std::string chart, name;
  std::vector<const PlottedRun*> runs;
  MeanCurve curve;
  bool cut = false;  // some runs have data beyond the end of the curve
};

void note(const std::string& text) { std::cerr << "note: " << text << "\n"; }

std::vector<fs::path> outputs_of(const CommandLine& line, const PlotOptions& options) {
  std::vector<fs::path> outputs;
  for (const auto& [name, value] : line.given()) {
    for (std::size_t at = 0; name == "output" && at <= value.size();) {
      const std::size_t end = std::min(value.find(',', at), value.size());
      outputs.emplace_back(value.substr(at, end - at));
      at = end + 1;
    }
  }
  if (outputs.empty() && !options.tty) outputs.emplace_back("curve.svg");
  for (const fs::path& path : outputs) check_picture_output(path);
  return outputs;
}

std::vector<PlottedRun> read_runs(const std::vector<std::string>& words) {
  // They say where a run lies and what is kept of it, not what is learned.
  static const std::set<std::string> kApart = {"run.seed",           "run.name",
                                               "run.log_dir",        "run.overwrite",
                                               "run.tensorboard",    "run.capture_video",
                                               "run.log_freq",       "run.log_rollouts",
                                               "run.rows_per_shard", "run.keep_checkpoints",
                                               "run.save_freq",      "run.n_final_eval_episodes"};
  std::vector<PlottedRun> runs;
  std::set<fs::path> seen;
  for (const std::string& word : words) {
    for (const fs::path& folder : find_runs(word)) {
      if (!seen.insert(fs::canonical(folder)).second) continue;
      runs.push_back({read_run_log(folder.lexically_normal()), {}, {}});
      PlottedRun& run = runs.back();
      std::erase_if(run.log.settings, [&](const auto& setting) { return kApart.contains(setting.first); });
      for (const auto& [name, value] : run.log.settings)
        run.settings.append(name).append("=").append(value).append("\n");
    }
  }
  return runs;
}

/// Every metric with the number of runs that have numbers of it.
std::map<std::string, int> metrics_of(const std::vector<PlottedRun>& runs) {
  std::map<std::string, int> metrics;
  for (const PlottedRun& run : runs) {
    for (const MetricLog& metric : run.log.metrics) metrics[metric.name] += metric.steps.empty() ? 0 : 1;
  }
  std::erase_if(metrics, [](const auto& metric) { return metric.second == 0; });
  return metrics;
}

int list_metrics(const std::vector<PlottedRun>& runs, bool json) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& [name, count] : metrics_of(runs)) {
    std::cout << name << "  (" << count << " of " << runs.size() << " runs)\n";
    list.push_back({{"name", name}, {"runs", count}});
  }
  if (json) print_json({{"metrics", list}});
  return 0;
}

void check_metric(const std::vector<PlottedRun>& runs, const std::string& metric) {
  const std::map<std::string, int> metrics = metrics_of(runs);
  if (metrics.contains(metric)) return;
  std::vector<std::string> names;
  for (const auto& [name, count] : metrics) names.push_back(name);
  const std::string where = runs.size() == 1 ? runs[0].log.folder.string() : "any of the runs";
  if (names.empty())
    fail(ErrorKind::kBadFile, "there is nothing to plot in ", where,
         " yet: progress.csv and evaluations.npz are empty or missing; try again when the training has written its "
         "first row");
  if (metric.starts_with("eval/") && !metrics.contains("eval/mean_reward")) {
    fail(ErrorKind::kBadFile, "there is no evaluation in ", where,
         " yet (its eval_freq says when the first comes); what training logs can be plotted: --metric "
         "rollout/ep_rew_mean");
  }
  fail(ErrorKind::kUsage, "unknown metric '", metric, "'", suggestion(metric, names), "; see --metric list");
}

/// Points of one run; those whose place on the axis the logs do not tell are left out.
Curve curve_of(const RunLog& log, const PlotOptions& options) {
  Curve curve;
  const MetricLog* metric = log.find(options.metric);
  if (!metric) return curve;
  Curve seconds{{0}, {0}};
  std::vector<double> episode_ends;
  if (const MetricLog* time = log.find("time/time_elapsed"); time && options.x != "steps") {
    seconds.x.insert(seconds.x.end(), time->steps.begin(), time->steps.end());
    seconds.y.insert(seconds.y.end(), time->values.begin(), time->values.end());
  }
  if (options.x == "episodes") {
    episode_ends = read_episode_ends(log.folder);
    if (episode_ends.empty()) return curve;
  }
  for (std::size_t k = 0; k < metric->steps.size(); ++k) {
    double x = metric->steps[k];
    if (options.x != "steps") x = interpolate(seconds, x);
    if (options.x == "episodes" && std::isfinite(x))
      x = static_cast<double>(std::upper_bound(episode_ends.begin(), episode_ends.end(), x) - episode_ends.begin());
    if (!std::isfinite(x) || !std::isfinite(metric->values[k])) continue;
    if (!curve.x.empty() && x < curve.x.back()) continue;
    if (!curve.x.empty() && x == curve.x.back()) {
      curve.y.back() = metric->values[k];
      continue;
    }
    curve.x.push_back(x);
    curve.y.push_back(metric->values[k]);
  }
  return smooth(curve, options.smooth);
}

/// The runs that have data, each training once.
std::vector<const PlottedRun*> chosen_runs(std::vector<PlottedRun>& runs, const PlotOptions& options) {
  std::vector<const PlottedRun*> chosen;
  for (PlottedRun& run : runs) {
    run.curve = curve_of(run.log, options);
    const std::string folder = run.log.folder.string();
    if (run.curve.x.empty()) {
      note(folder + " has no " + options.metric + " by " + options.x + " yet and is left out");
      continue;
    }
    const auto same = std::find_if(chosen.begin(), chosen.end(), [&](const PlottedRun* other) {
      return other->log.seed == run.log.seed && other->settings == run.settings;
    });
    if (same == chosen.end() || options.group_by == "run") {
      chosen.push_back(&run);
      continue;
    }
    const PlottedRun* longer = (*same)->curve.x.back() >= run.curve.x.back() ? *same : &run;
    note(folder + " and " + (*same)->log.folder.string() + " are the same training; only " +
         longer->log.folder.string() + " is counted (--group-by run shows both)");
    *same = longer;
  }
  if (chosen.empty())
    fail(ErrorKind::kBadFile, "no run tells its ", options.metric, " by ", options.x,
         " yet; --x steps needs no other file");
  return chosen;
}

/// "gamma=0.9, n_steps=32": the settings in which a run differs from one of the others.
std::string differences(const PlottedRun& run, const std::vector<const PlottedRun*>& others) {
  std::string text;
  int count = 0;
  for (const auto& setting : run.log.settings) {
    const bool shared = std::all_of(others.begin(), others.end(), [&](const PlottedRun* other) {
      return std::find(other->log.settings.begin(), other->log.settings.end(), setting) != other->log.settings.end();
    });
    if (shared) continue;
    if (++count > 3) return text + ", ...";
    text += (text.empty() ? "" : ", ") + setting.first.substr(setting.first.find('.') + 1) + "=" + setting.second;
  }
  return text;
}

/// Names of curves that would be alike get what tells them apart.
void name_apart(std::vector<Group>& groups, const std::string& group_by) {
  auto alike = [&](const Group& group) {
    std::vector<const PlottedRun*> runs;
    for (const Group& other : groups) {
      if (other.chart == group.chart && other.name == group.name) runs.push_back(other.runs[0]);
    }
    return runs;
  };
  std::vector<std::string> names;
  for (const Group& group : groups) {
    const auto others = alike(group);
    const std::string more = others.size() > 1 && group_by == "auto" ? differences(*group.runs[0], others) : "";
    names.push_back(group.name + (more.empty() ? "" : " " + more));
  }
  for (std::size_t k = 0; k < groups.size(); ++k) groups[k].name = names[k];
  for (std::size_t k = 0; k < groups.size(); ++k) {
    if (alike(groups[k]).size() > 1) names[k] += " (" + groups[k].runs[0]->log.folder.string() + ")";
  }
  for (std::size_t k = 0; k < groups.size(); ++k) groups[k].name = names[k];
}

std::vector<Group> groups_of(const std::vector<const PlottedRun*>& runs, const std::string& group_by) {
  std::vector<Group> groups;
  std::vector<std::string> keys;
  for (const PlottedRun* run : runs) {
    const RunLog& log = run->log;
    const std::string chart = group_by == "env" ? log.agent : log.env;
    std::string name = log.agent, key = run->settings;
    if (group_by == "agent") key = log.agent;
    if (group_by == "env") key = name = log.env;
    if (group_by == "run") {
      key = log.folder.string();
      name = log.agent + " " + log.folder.filename().string();
    }
    key.append("\n").append(chart);
    const auto place = std::find(keys.begin(), keys.end(), key);
    if (place == keys.end()) {
      keys.push_back(key);
      groups.push_back({chart, name, {run}, {}});
    } else {
      groups[static_cast<std::size_t>(place - keys.begin())].runs.push_back(run);
    }
  }
  name_apart(groups, group_by);
  return groups;
}

void compute(Group& group) {
  std::vector<Curve> curves;
  for (const PlottedRun* run : group.runs) curves.push_back(run->curve);
  group.curve = mean_curve(curves);
  const std::string name = group.name + " on " + group.chart;
  if (group.curve.x.empty()) {
    note(name + ": its runs have no stretch in common and are left out; --group-by run shows each");
    return;
  }
  const auto shortest = std::min_element(group.runs.begin(), group.runs.end(), [](const auto* a, const auto* b) {
    return a->curve.x.back() < b->curve.x.back();
  });
  group.cut = std::any_of(group.runs.begin(), group.runs.end(),
                          [&](const PlottedRun* run) { return run->curve.x.back() > (*shortest)->curve.x.back(); });
  if (group.cut) note(name + ": the mean ends where " + (*shortest)->log.folder.string() + " has no more data");
}

/// "3 seeds", "2 to 5 seeds"; runs that are more than seeds are called runs.
std::string count_text(const std::vector<Group>& groups, const std::string& name) {
  std::size_t least = 0, most = 0;
  bool seeds = true;
  for (const Group& group : groups) {
    if (group.name != name || group.curve.x.empty()) continue;
    std::set<std::int64_t> different;
    for (const PlottedRun* run : group.runs) {
      different.insert(run->log.seed);
      seeds = seeds && run->settings == group.runs[0]->settings;
    }
    seeds = seeds && different.size() == group.runs.size();
    least = least == 0 ? group.runs.size() : std::min(least, group.runs.size());
    most = std::max(most, group.runs.size());
  }
  return (least < most ? std::to_string(least) + " to " : "") + std::to_string(most) + (seeds ? " seed" : " run") +
         (most > 1 ? "s" : "");
}

std::string note_of(const std::vector<Group>& groups, const PlotOptions& options) {
  bool range = false, bootstrap = false, cut = false;
  for (const Group& group : groups) {
    range = range || group.curve.band == Band::kRange;
    bootstrap = bootstrap || group.curve.band == Band::kBootstrap;
    cut = cut || group.cut;
  }
  std::string text;
  if (range || bootstrap) text = "Line: mean of the runs. Band: ";
  if (range)
    text += bootstrap ? "below 5 runs from the lowest to the highest, else " : "from the lowest to the highest run.";
  if (bootstrap) text += "95 % bootstrap interval of the mean.";
  if (cut) text += " A curve ends with the shortest of its runs.";
  if (options.smooth > 1) text += " Values are means of the last " + std::to_string(options.smooth) + ".";
  return text.starts_with(' ') ? text.substr(1) : text;
}

Figure figure_of(const std::vector<Group>& groups, const PlotOptions& options) {
  Figure figure{options.title, {}, note_of(groups, options)};
  const std::string x_title = options.x == "steps"     ? "environment steps"
                              : options.x == "seconds" ? "seconds of training"
                                                       : "episodes";
  std::vector<std::string> names;
  for (const Group& group : groups) {
    if (group.curve.x.empty()) continue;
    auto chart = std::find_if(figure.charts.begin(), figure.charts.end(),
                              [&](const Chart& one) { return one.title == group.chart; });
    if (chart == figure.charts.end()) chart = figure.charts.insert(chart, {group.chart, x_title, options.metric, {}});
    if (std::find(names.begin(), names.end(), group.name) == names.end()) names.push_back(group.name);
    const auto number = static_cast<int>(std::find(names.begin(), names.end(), group.name) - names.begin());
    const bool several = options.group_by != "run";
    chart->series.push_back({group.name + (several ? " (" + count_text(groups, group.name) + ")" : ""), group.curve.x,
                             group.curve.mean, group.curve.low, group.curve.high, series_color(number),
                             number >= kSeriesColors});
  }
  if (figure.charts.empty()) fail(ErrorKind::kBadFile, "there is nothing left to plot");
  if (figure.charts.size() == 1 && !options.title.empty()) figure.charts[0].title.clear();
  if (names.size() > 2 * kSeriesColors)
    note("more than " + std::to_string(2 * kSeriesColors) + " curves: some look alike; plot fewer at once");
  return figure;
}

void write_figure(const Figure& figure, const fs::path& path, const PlotOptions& options) {
  Point size = default_size(figure);
  if (options.width > 0) size.x = static_cast<double>(options.width);
  if (options.height > 0) size.y = static_cast<double>(options.height);
  if (path.extension() == ".svg") {
    SvgCanvas canvas(size.x);
    draw(figure, size, canvas);
    write_text_atomically(path, canvas.str());
    return;
  }
  Image image(static_cast<int>(size.x), static_cast<int>(size.y));
  {
    RasterCanvas canvas(image);
    draw(figure, size, canvas);
  }
  write_png(path, image);
}

nlohmann::ordered_json json_of(const std::vector<Group>& groups, const std::vector<fs::path>& outputs,
                               const PlotOptions& options) {
  nlohmann::ordered_json files = nlohmann::ordered_json::array(), curves = files;
  for (const fs::path& path : outputs) files.push_back(path.string());
  for (const Group& group : groups) {
    if (group.curve.x.empty()) continue;
    constexpr const char* kBands[] = {"none", "range", "bootstrap95"};
    nlohmann::ordered_json folders = nlohmann::ordered_json::array();
    for (const PlottedRun* run : group.runs) folders.push_back(run->log.folder.string());
    nlohmann::ordered_json curve = {{"chart", group.chart}, {"name", group.name},
                                    {"runs", folders},      {"band", kBands[static_cast<int>(group.curve.band)]},
                                    {"x", group.curve.x},   {"mean", group.curve.mean}};
    if (group.curve.band != Band::kNone) {
      curve["low"] = group.curve.low;
      curve["high"] = group.curve.high;
    }
    curves.push_back(curve);
  }
  return {{"outputs", files}, {"metric", options.metric}, {"x", options.x}, {"curves", curves}};
}

int plot_command(const Command& command, const Arguments& arguments) {
  PlotOptions options;
  CommandLine line(command);
  line.add("Options", fields(options)).positional(1 << 20);
  if (!line.parse(arguments)) return 0;
  if (line.words().empty())
    fail(ErrorKind::kUsage, "corvid plot expects run folders or folders that hold runs, for example runs/CartPole-v1");
  const std::vector<fs::path> outputs = outputs_of(line, options);
  std::vector<PlottedRun> runs = read_runs(line.words());
  if (options.metric == "list") return list_metrics(runs, options.json);
  check_metric(runs, options.metric);
  std::vector<Group> groups = groups_of(chosen_runs(runs, options), options.group_by);
  for (Group& group : groups) compute(group);
  const Figure figure = figure_of(groups, options);
  if (options.tty) {
    TerminalStyle style = style_of_standard_output();
    if (figure.charts.size() > 1) style.rows = 10;
    std::cout << terminal_chart(figure, style);
  }
  for (const fs::path& path : outputs) {
    write_figure(figure, path, options);
    std::cout << "wrote " << path.string() << "\n";
  }
  if (options.json) print_json(json_of(groups, outputs, options));
  return 0;
}

CORVID_REGISTER_COMMAND(
    plot, {.id = "plot",
           .usage = "RUN... [--metric eval/mean_reward] [--x steps] [--output FILE.svg|.png] [--tty]",
           .summary = "Draw learning curves: the mean over seeds of every agent, a chart for every environment",
           .run = plot_command});

}  // namespace
}  // namespace corvid
