// corvid explain: why a trained agent does what it does.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <limits>
#include <utility>

#include "core/explain/attribution.h"
#include "core/io/atomic_file.h"
#include "core/run/playback.h"
#include "core/run/run.h"
#include "experiments/explain_pictures.h"
#include "experiments/settings.h"
#include "render/png.h"
#include "render/raster_canvas.h"
#include "render/svg_canvas.h"

namespace corvid {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMostEpisodeSteps = 2000;  // of the episodes that show where an agent goes
constexpr int kPngScale = 2;                      // pixels a unit of the page
constexpr double kFarBound = 1e6;                 // of an observation: nothing goes there

struct Request {
  std::string method = "auto", of = "action", x, y, baseline = "zeros", output, device = "cpu";
  std::int64_t episodes = 5, seed = 1'000'000, step = 0;
  bool json = false;
};

/// An agent in its environment, at the step that is looked at.
class Session {
 public:
  Session(const std::string& path, const Request& request, const EnvOptions& more)
      : loaded(load_agent(path, request.device)), options(loaded.setup.env_options) {
    options.insert(options.end(), more.begin(), more.end());
    const RunConfig& config = loaded.setup.config;
    env = make_env(config.env, vector_options(config, AutoReset::kDisabled, 1), options);
    check_same_spaces(env->spec(), loaded);
    if (agent_registry().at(config.agent).family == "bandit") {
      fail(ErrorKind::kUsage, "agent ", config.agent, " learns anew in every episode, so that no single observation ",
           "explains it; its regret is in progress.csv");
    }
    playback.emplace(*env, &policy(), static_cast<std::uint64_t>(request.seed));
  }

  const EnvSpec& spec() const { return env->spec(); }
  const ObsView& obs() const { return playback->obs(); }
  Policy& policy() const { return loaded.agent->policy(); }
  const std::string& env_id() const { return loaded.setup.config.env; }

  LoadedAgent loaded;
  EnvOptions options;
  std::unique_ptr<VectorEnv> env;
  std::optional<Playback> playback;
  bool told_of_memory = false;
};

/// Plays to the step asked for. What the policy thinks there must not hang on what it saw before.
void go_to_step(Session& session, const Request& request) {
  Playback& playback = *session.playback;
  playback.begin(static_cast<std::uint64_t>(request.seed));
  for (std::int64_t t = 0; t < request.step; ++t) {
    playback.step();
    if (playback.now().ended) {
      fail(ErrorKind::kUsage, "the episode of seed ", request.seed, " ends after ", t + 1, " steps; --step ",
           request.step, " must be less, or try another --seed");
    }
  }
  const std::vector<float> here = choosing_outputs(playback.now().insight);
  const Judgement alone = judge(session.policy(), session.spec(), ObservationBatch(session.spec(), 1, session.obs()));
  const std::vector<float>& there = choosing_outputs(alone.insight);
  bool same = here.size() == there.size();
  for (std::size_t k = 0; same && k < here.size(); ++k)
    same = std::fabs(here[k] - there[k]) <= 1e-4f * std::max(1.0f, std::fabs(here[k]));
  if (!same && !std::exchange(session.told_of_memory, true))
    std::cerr << "note: this agent remembers; it is explained as if the observation began an episode\n";
}

/// The observations of some episodes [steps + 1][numbers of the leaf], the last one of an episode too.
using Path = std::vector<std::vector<double>>;
std::vector<Path> play(Session& session, const Request& request, std::size_t leaf) {
  Playback& playback = *session.playback;
  std::vector<Path> paths;
  for (std::int64_t e = 0; e < request.episodes && !stop_requested; ++e) {
    playback.begin(static_cast<std::uint64_t>(request.seed + e));
    Path& path = paths.emplace_back();
    for (std::int64_t t = 0; t <= kMostEpisodeSteps && !stop_requested; ++t) {
      path.push_back(leaf_numbers(session.spec().observation, leaf, session.obs()));
      if (!playback.step()) break;
    }
  }
  return paths;
}

/// The methods that fit an environment, the one of choice first.
std::vector<std::string> fitting_methods(const EnvSpec& spec) {
  std::vector<std::string> methods;
  const auto image = image_leaf(spec.observation), plane = plane_leaf(spec.observation);
  if (image) methods.push_back("saliency");
  if (feature_leaf(spec.observation) && !image) methods.insert(methods.end(), {"integrated-gradients", "gradients"});
  if (spec.observation.kind == Space::Kind::kDiscrete || (plane && plane != image)) methods.push_back("map");
  if (plane && plane != image && spec.observation.leaves()[*plane].second->kind == Space::Kind::kBox)
    methods.push_back("portrait");
  return methods;
}

std::string choose_method(const Session& session, const std::string& asked) {
  const std::vector<std::string> methods = fitting_methods(session.spec());
  const std::string shape = session.env_id() + " shows " + session.spec().observation.to_string();
  if (methods.empty()) fail(ErrorKind::kUsage, "no method explains observations of this kind: ", shape);
  if (asked == "auto") return methods[0];
  if (std::find(methods.begin(), methods.end(), asked) != methods.end()) return asked;
  std::string list;
  for (const std::string& method : methods) list += (list.empty() ? "" : ", ") + method;
  fail(ErrorKind::kUsage, "--method ", asked, " does not fit: ", shape, "; what fits is ", list);
}

nlohmann::ordered_json json_numbers(std::span<const double> numbers) {
  auto list = nlohmann::ordered_json::array();
  for (double number : numbers) list.push_back(json_number(number));
  return list;
}

/// [rows, columns]
nlohmann::ordered_json json_table(std::span<const double> numbers, std::int64_t rows) {
  auto list = nlohmann::ordered_json::array();
  const std::size_t columns = rows == 0 ? 0 : numbers.size() / static_cast<std::size_t>(rows);
  for (std::size_t i = 0; columns > 0 && i < static_cast<std::size_t>(rows); ++i)
    list.push_back(json_numbers(numbers.subspan(i * columns, columns)));
  return list;
}

void write_picture(const fs::path& path, const std::function<void(Canvas&)>& draw) {
  if (path.extension() == ".svg") {
    SvgCanvas canvas(kPageWidth);
    draw(canvas);
    write_text_atomically(path, canvas.str());
  } else {
    Image image(kPngScale * static_cast<int>(kPageWidth), kPngScale * static_cast<int>(kPageHeight));
    RasterCanvas canvas(image);
    draw(canvas);
    write_png(path, image);
  }
}

/// What every method gives: a picture, numbers, and a line for the reader.
struct Explanation {
  std::function<void(Canvas&)> draw;
  nlohmann::ordered_json numbers;
  std::string line;
};

Explanation explain_saliency(Session& session, Scene& scene) {
  const Saliency result = saliency(session.policy(), session.spec(), session.obs());
  const std::string& family = env_registry().at(session.env_id()).family;
  scene.columns_first = family == "minigrid" || family == "babyai";
  const bool blur = result.perturbation == Perturbation::kBlur;
  const std::string how = blur ? "spots blurred" : "cells set to 0";
  scene.title += ": saliency, " + how;
  return {.draw = [&scene, result](Canvas& canvas) { draw_saliency(canvas, scene, result); },
          .numbers = {{"height", result.height},
                      {"width", result.width},
                      {"perturbation", blur ? "blur" : "remove"},
                      {"max_policy", json_number(result.max_policy)},
                      {"max_value", json_number(result.max_value)},
                      {"policy", json_table(result.policy, result.height)},
                      {"value", json_table(result.value, result.height)}},
          .line = "largest effect of one spot (" + how + "): on the policy " + short_number(result.max_policy) +
                  ", on the value " + short_number(result.max_value)};
}

std::vector<double> mean_observation(Session& session, const Request& request, std::size_t leaf) {
  std::vector<double> mean;
  double count = 0;
  for (const Path& path : play(session, request, leaf)) {
    for (const std::vector<double>& row : path) {
      mean.resize(row.size());
      ++count;
      for (std::size_t k = 0; k < row.size(); ++k) mean[k] += (row[k] - mean[k]) / count;
    }
  }
  return mean;
}

/// What integrated gradients compare with; the session is left at the step that is explained.
std::vector<double> baseline_of(Session& session, const Request& request, std::size_t leaf) {
  if (request.baseline == "zeros")
    return std::vector<double>(static_cast<std::size_t>(session.spec().observation.leaves()[leaf].second->size()), 0);
  std::vector<double> mean = mean_observation(session, request, leaf);
  go_to_step(session, request);
  return mean;
}

Explanation explain_features(Session& session, Scene& scene, const Request& request, const std::string& method) {
  const EnvSpec& spec = session.spec();
  std::vector<double> baseline;
  if (method != "gradients") baseline = baseline_of(session, request, feature_leaf(spec.observation).value());
  const Judgement judgement = judge(session.policy(), spec, ObservationBatch(spec, 1, session.obs()));
  Output output{.value = true};
  if (request.of == "action") output = chosen_output(spec, judgement, 0);
  const std::string name = describe(spec, judgement.insight, output);
  const double now = outputs(judgement, output)[0];
  nlohmann::ordered_json numbers = {{"target", name}, {"output", json_number(now)}};
  std::string line = name + " = " + short_number(now);
  std::vector<double> values;
  if (method == "gradients") {
    values = input_gradients(session.policy(), spec, session.obs(), 0, output);
    scene.title += ": gradient of " + line;
  } else {
    const auto result = integrated_gradients(session.policy(), spec, session.obs(), 0, output, baseline);
    values = result.features;
    numbers.update({{"baseline", request.baseline},
                    {"baseline_output", json_number(result.baseline_output)},
                    {"steps", result.steps},
                    {"gap", json_number(result.gap)}});
    line += ", " + short_number(result.baseline_output) + " at the baseline (" + request.baseline + ")";
    scene.title += ": integrated gradients of " + line;
  }
  if (std::all_of(values.begin(), values.end(), [](double value) { return std::fabs(value) < 1e-3; })) {
    std::cerr
        << "note: the output hardly changes here, as at a probability near 0 or 1; try another --step, --baseline mean "
           "or --of value\n";
  }
  const std::vector<std::string> names = feature_names(spec);
  for (std::size_t k = 0; k < names.size(); ++k) {
    numbers["features"][names[k]] = json_number(values[k]);
    line += "\n  " + names[k] + "  " + short_number(values[k]);
  }
  return {.draw = [&scene, names, values](Canvas& canvas) { draw_features(canvas, scene, names, values); },
          .numbers = numbers,
          .line = line};
}

Explanation explain_states(Session& session, Scene& scene) {
  const StateMap map = state_map(session.policy(), session.spec(), legal_actions(session.spec(), session.env->model()));
  if (const auto model = session.env->model()) scene.acted_in = acted_in_states(*model);
  scene.title += ": value and action of every state";
  const auto cells = cell_layout(*session.env);
  if (cells && cells->situations > 1) scene.title += " that differs from this one by the cell";
  return {.draw = [&scene, map](Canvas& canvas) { draw_state_map(canvas, scene, map); },
          .numbers = {{"states", map.num_states},
                      {"values", json_numbers(map.values)},
                      {"actions", json_table(map.actions, map.num_states)},
                      {"acted_in", scene.acted_in}},
          .line = "value and action of " + std::to_string(map.num_states) + " states"};
}

/// Names of the numbers that a map may have as axes.
std::vector<std::string> axis_names(const EnvSpec& spec, std::size_t size) {
  if (spec.observation_names.size() == size) return spec.observation_names;
  std::vector<std::string> names;
  for (std::size_t k = 0; k < size; ++k) names.push_back("feature " + std::to_string(k));
  return names;
}

/// The number of a name, of its only beginning or of a number; `other` when nothing is asked for.
std::int64_t find_axis(const std::string& option, const std::string& asked, const std::vector<std::string>& names,
                       std::int64_t other) {
  if (asked.empty()) return other;
  std::int64_t found = -1, count = 0;
  for (std::size_t k = 0; k < names.size(); ++k) {
    if (names[k] == asked || std::to_string(k) == asked) return static_cast<std::int64_t>(k);
    if (!names[k].starts_with(asked)) continue;
    found = static_cast<std::int64_t>(k);
    ++count;
  }
  if (count == 1) return found;
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "'" : ", '") + name + "'";
  fail(ErrorKind::kUsage, option, " '", asked, "' is ", count == 0 ? "no number" : "the beginning of several numbers",
       " of this observation: ", list);
}

/// From bound to bound, and where one is far away over what the episodes saw.
MapAxis axis_over(const Space& space, std::int64_t feature, const std::vector<Path>& paths) {
  const auto k = static_cast<std::size_t>(feature);
  if (space.kind == Space::Kind::kMultiDiscrete)
    return {.feature = feature, .low = 0, .high = static_cast<double>(space.nvec[k] - 1), .points = space.nvec[k]};
  if (space.low[k] > -kFarBound && space.high[k] < kFarBound)
    return {.feature = feature, .low = space.low[k], .high = space.high[k]};
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const Path& path : paths) {
    for (const std::vector<double>& row : path) {
      low = std::min(low, row[k]);
      high = std::max(high, row[k]);
    }
  }
  if (!(high > low))
    return {.feature = feature, .low = std::isfinite(low) ? low - 1 : -1, .high = std::isfinite(low) ? low + 1 : 1};
  return {.feature = feature, .low = low - 0.1 * (high - low), .high = high + 0.1 * (high - low)};
}

/// The paths in the two numbers of a map.
std::vector<std::vector<Point>> lines_of(const std::vector<Path>& paths, std::int64_t x, std::int64_t y) {
  std::vector<std::vector<Point>> lines;
  for (const Path& path : paths) {
    auto& line = lines.emplace_back();
    for (const std::vector<double>& row : path)
      line.push_back({row[static_cast<std::size_t>(x)], row[static_cast<std::size_t>(y)]});
  }
  return lines;
}

nlohmann::ordered_json json_plane(const PlaneMap& map, const std::string& x_name, const std::string& y_name,
                                  const std::vector<std::vector<Point>>& lines) {
  auto axis_json = [](const std::string& name, const MapAxis& axis) {
    return nlohmann::ordered_json{{"name", name}, {"low", axis.low}, {"high", axis.high}, {"points", axis.points}};
  };
  auto paths = nlohmann::ordered_json::array();
  for (const std::vector<Point>& line : lines) {
    auto& path = paths.emplace_back(nlohmann::ordered_json::array());
    for (Point p : line) path.push_back({json_number(p.x), json_number(p.y)});
  }
  return {{"x", axis_json(x_name, map.x)},
          {"y", axis_json(y_name, map.y)},
          {"values", json_table(map.values, map.y.points)},
          {"actions", json_table(map.actions, map.y.points)},
          {"paths", paths}};
}

Explanation explain_plane(Session& session, Scene& scene, const Request& request, bool with_paths) {
  const EnvSpec& spec = session.spec();
  const std::size_t leaf = plane_leaf(spec.observation).value();
  const Space& space = *spec.observation.leaves()[leaf].second;
  const std::vector<std::string> names = axis_names(spec, static_cast<std::size_t>(space.size()));
  const std::int64_t asked_y = find_axis("--y", request.y, names, -1);
  const std::int64_t x = find_axis("--x", request.x, names, asked_y == 0 ? 1 : 0);
  const std::int64_t y = asked_y >= 0 ? asked_y : x == 1 ? 0 : 1;
  const std::string x_name = names[static_cast<std::size_t>(x)], y_name = names[static_cast<std::size_t>(y)];
  if (x == y) fail(ErrorKind::kUsage, "--x and --y are both '", x_name, "'");

  const std::vector<Path> paths = play(session, request, leaf);
  go_to_step(session, request);
  const PlaneMap map =
      plane_map(session.policy(), spec, session.obs(), 0, axis_over(space, x, paths), axis_over(space, y, paths));
  std::vector<std::vector<Point>> lines;
  if (with_paths) lines = lines_of(paths, x, y);
  scene.title +=
      with_paths ? ": " + std::to_string(lines.size()) + " episodes, white start to red end" : ": value and action";
  if (names.size() > 2) scene.title += ", other numbers as at this step";
  return {.draw = [&scene, map, x_name, y_name,
                   lines](Canvas& canvas) { draw_plane(canvas, scene, map, x_name, y_name, lines); },
          .numbers = json_plane(map, x_name, y_name, lines),
          .line = "value and action over " + x_name + " and " + y_name};
}

Explanation explain(Session& session, Scene& scene, const Request& request, const std::string& method) {
  if (method == "saliency") return explain_saliency(session, scene);
  if (method == "portrait") return explain_plane(session, scene, request, true);
  if (method != "map") return explain_features(session, scene, request, method);
  if (session.spec().observation.kind == Space::Kind::kDiscrete) return explain_states(session, scene);
  return explain_plane(session, scene, request, false);
}

Fields fields(Request& r) {
  return {Field("method", &r.method, "how to explain; auto: the first that fits the observations")
              .one_of({"auto", "saliency", "gradients", "integrated-gradients", "map", "portrait"}),
          Field("of", &r.of, "gradients: what to explain").one_of({"action", "value"}),
          Field("baseline", &r.baseline,
                "integrated gradients: the observation to compare with; mean: of --episodes episodes")
              .one_of({"zeros", "mean"}),
          Field("x", &r.x, "map, portrait: name or place of the observation's number to the right"),
          Field("y", &r.y, "map, portrait: the one upwards"),
          Field("seed", &r.seed, "seed of the episode").at_least(0),
          Field("step", &r.step, "step of the episode that is explained").at_least(0),
          Field("episodes", &r.episodes, "episodes to draw, and to find ranges and the mean").between(1, 1000),
          Field("output", &r.output, "picture to write, .svg or .png; explain.svg without --json"),
          Field("device", &r.device, "where networks live: cpu, cuda, cuda:<number>, auto"),
          Field("json", &r.json, "end with one JSON line on standard output")};
}

int explain_command(const Command& command, const Arguments& arguments) {
  const std::vector<std::string> known = {"--env-set"};
  SettingSources sources = gather(arguments, known);
  Request request;
  CommandLine line(command);
  line.add("Options", fields(request)).add("Settings", source_fields(sources, known)).positional(1);
  if (!line.parse(sources.rest)) return 0;
  if (line.words().empty())
    fail(ErrorKind::kUsage,
         "corvid explain expects a run folder or checkpoint, for example runs/CartPole-v1/ppo/run-1-s0");

  const auto& envs = env_registry().entries();
  if (std::any_of(envs.begin(), envs.end(), [&](const EnvEntry& entry) { return entry.id == line.words()[0]; }))
    fail(ErrorKind::kUsage, "an environment alone has nothing to explain: train an agent on ", line.words()[0],
         " and name its run");
  if (request.output.empty() && !request.json) request.output = "explain.svg";
  if (!request.output.empty()) check_picture_output(request.output);
  Session session(line.words()[0], request, sources.env_options);
  const std::string& agent = session.loaded.setup.config.agent;
  const std::string method = choose_method(session, request.method);
  go_to_step(session, request);
  if (choosing(session.policy().insight()) == Choosing::kNothing && method != "map" && method != "portrait")
    fail(ErrorKind::kUsage, "agent ", agent, " tells nothing of what it thinks");
  const std::string title = agent + " on " + session.env_id() + ", step " + std::to_string(request.step);
  Scene scene{.env = session.env.get(), .obs = session.obs(), .title = title};
  const Explanation result = explain(session, scene, request, method);
  if (stop_requested) return kExitInterrupted;

  std::cout << agent << " on " << session.env_id() << " (" << session.loaded.checkpoint.string() << "), step "
            << request.step << " of the episode of seed " << request.seed << ", " << method << ": " << result.line
            << "\n";
  if (!request.output.empty()) {
    write_picture(request.output, result.draw);
    std::cout << "picture: " << request.output << "\n";
  }
  if (request.json) {
    nlohmann::ordered_json all = {{"method", method},
                                  {"agent", agent},
                                  {"env", session.env_id()},
                                  {"seed", request.seed},
                                  {"step", request.step}};
    all.update(result.numbers);
    print_json(all);
  }
  return 0;
}

CORVID_REGISTER_COMMAND(explain, {.id = "explain",
                                  .usage = "RUN|CHECKPOINT [--method METHOD] [--x NAME --y NAME] [--step 0] "
                                           "[--output FILE.svg|.png] [--json]",
                                  .summary = "Draw why a trained agent acts as it does: saliency, gradients, maps",
                                  .run = explain_command});

}  // namespace
}  // namespace corvid
