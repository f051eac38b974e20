#include "experiments/show.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>

#include "core/explain/attribution.h"
#include "experiments/explain_pictures.h"
#include "experiments/settings.h"
#include "render/view_probe.h"

namespace corvid {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostNumbers = 64;  // of an observation that is shown as numbers

std::vector<Hud::Number> describe_observation(const EnvSpec& spec, const ObsView& obs) {
  std::vector<Hud::Number> result;
  const auto leaves = spec.observation.leaves();
  for (std::size_t leaf = 0; leaf < leaves.size(); ++leaf) {
    const auto& [name, space] = leaves[leaf];
    if (space->kind == Space::Kind::kText) {
      const std::string text(static_cast<const char*>(obs.leaf[leaf]), space->bytes());
      result.push_back({text.substr(0, text.find('\0')), ""});
      continue;
    }
    if (static_cast<std::size_t>(space->size()) > kMostNumbers) {
      std::string shape;
      for (std::int64_t side : space->shape) shape += (shape.empty() ? "" : " x ") + std::to_string(side);
      result.push_back({name.empty() ? "array" : name, shape});
      continue;
    }
    const std::vector<double> values = leaf_numbers(spec.observation, leaf, obs);
    if (leaves.size() > 1 && values.size() > 4) {  // a list of a dictionary
      std::string list;
      for (double value : values) list += (list.empty() ? "" : " ") + short_number(value);
      result.push_back({name + " " + list, ""});
      continue;
    }
    const bool named = leaves.size() == 1 && spec.observation_names.size() == values.size();
    for (std::size_t i = 0; i < values.size(); ++i) {
      std::string label = named ? spec.observation_names[i] : name.empty() ? "observation" : name;
      if (!named && values.size() > 1) label += " " + std::to_string(i);
      result.push_back({label, short_number(values[i])});
    }
  }
  return result;
}

std::string name_of(const std::vector<std::string>& names, std::size_t i) {
  return i < names.size() ? names[i] : "action " + std::to_string(i);
}

void describe_discrete(const Player& player, Hud& hud) {
  const EnvSpec& spec = player.env->spec();
  const Insight& insight = player.playback->now().insight;
  const bool values = !insight.action_values.empty();
  const std::vector<float>& numbers = values ? insight.action_values : insight.probabilities;
  if (numbers.empty()) return;
  hud.bars_title = values ? "action values Q(s, a)" : "action probabilities";
  const auto [low, high] = std::minmax_element(numbers.begin(), numbers.end());
  std::int64_t action = -1;
  if (spec.action.kind == Space::Kind::kDiscrete && !player.playback->action().empty())
    std::memcpy(&action, player.playback->action().data(), sizeof action);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    hud.bars.push_back({.name = name_of(spec.action_names, i),
                        .value = static_cast<double>(numbers[i]),
                        .low = values ? std::min(0.0, static_cast<double>(*low)) : 0,
                        .high = values ? std::max(0.0, static_cast<double>(*high)) : 1,
                        .chosen = action - spec.action.start == static_cast<std::int64_t>(i)});
  }
}

void describe_continuous(const Player& player, Hud& hud) {
  const EnvSpec& spec = player.env->spec();
  const auto bytes = player.playback->action();
  if (bytes.empty()) return;
  std::vector<float> action(static_cast<std::size_t>(spec.action.size()));
  std::memcpy(action.data(), bytes.data(), bytes.size());
  const std::vector<float>& stds = player.playback->now().insight.stds;
  hud.bars_title = "actions";
  for (std::size_t i = 0; i < action.size(); ++i) {
    const double low = spec.action.low[i], high = spec.action.high[i];
    hud.bars.push_back({.name = name_of(spec.action_names, i),
                        .value = std::clamp(static_cast<double>(action[i]), low, high),
                        .low = std::isfinite(low) ? low : -1,
                        .high = std::isfinite(high) ? high : 1,
                        .spread = i < stds.size() ? static_cast<double>(stds[i]) : 0,
                        .chosen = true});
  }
}

/// Areas of a grid of `count` pictures, row by row, in whole pixels so that neighbours share none.
std::vector<Area> cells(std::size_t count, const Image& image) {
  // The number of columns with the largest pictures; they are a little wider than high.
  std::size_t columns = 1;
  double best = 0;
  for (std::size_t k = 1; k <= count; ++k) {
    const std::size_t rows = (count + k - 1) / k;
    const double side =
        std::min(1.0 * image.width / static_cast<double>(k), 1.4 * image.height / static_cast<double>(rows));
    if (side > best) columns = k, best = side;
  }
  const std::size_t rows = (count + columns - 1) / columns;
  auto edge = [](int length, std::size_t k, std::size_t parts) {
    return std::floor(1.0 * length * static_cast<double>(k) / static_cast<double>(parts));
  };
  std::vector<Area> result;
  for (std::size_t i = 0; i < count; ++i) {
    const double x = edge(image.width, i % columns, columns), y = edge(image.height, i / columns, rows);
    result.push_back(
        {x, y, edge(image.width, i % columns + 1, columns) - x, edge(image.height, i / columns + 1, rows) - y});
  }
  return result;
}

void clear(Image& image) { std::fill(image.pixels.begin(), image.pixels.end(), palette::kBackground.rgb); }

}  // namespace

Fields fields(ShowOptions& options) {
  return {Field("seed", &options.seed, "seed of the first episode").at_least(0),
          Field("stochastic", &options.stochastic, "sample actions instead of taking the most likely"),
          Field("max_episode_steps", &options.max_episode_steps,
                "step limit of an episode; 0: none, -1: as trained, or as registered")
              .at_least(-1),
          Field("device", &options.device, "where networks live: cpu, cuda, cuda:<number>, auto")};
}

Player make_player(const std::string& what, const ShowOptions& options, std::uint64_t seed) {
  Player player;
  std::optional<LoadedAgent> loaded;
  RunConfig config;
  EnvOptions env_options;
  if (fs::exists(what)) {
    loaded = load_agent(what, options.device);
    config = loaded->setup.config;
    env_options = loaded->setup.env_options;
    player.config_toml = loaded->setup.to_toml();
  } else {
    if (what.ends_with(".h5") || what.starts_with("runs/") || what.starts_with("/") || what.starts_with("."))
      fail(ErrorKind::kUsage, "there is no run or checkpoint ", what);
    config.env = env_registry().at(what).id;
    config.agent = options.human ? "you" : "random";
  }
  env_options.insert(env_options.end(), options.env_options.begin(), options.env_options.end());
  VectorOptions vector = vector_options(config, AutoReset::kDisabled, 1);
  if (options.max_episode_steps >= 0) vector.max_episode_steps = static_cast<int>(options.max_episode_steps);
  player.env = make_env(config.env, vector, env_options);
  player.env_options = env_options;
  if (loaded) {
    check_same_spaces(player.env->spec(), *loaded);
    player.agent = std::move(loaded->agent);
  } else if (!options.human) {
    AgentContext context = agent_context(config, *player.env);
    context.learning = false;
    player.agent = agent_registry().at("random").maker()->make(context);
  }
  player.name = config.agent + " on " + config.env;
  player.playback = std::make_unique<Playback>(*player.env, player.agent ? &player.agent->policy() : nullptr, seed,
                                               !options.stochastic);
  height_for(*player.env, 1);
  return player;
}

int height_for(const VectorEnv& env, int width) {
  ViewProbe view;
  if (!env.draw(0, view)) fail(ErrorKind::kUsage, env.id(), " does not draw itself: there is nothing to see");
  const double shape = (view.high.y - view.low.y) / (view.high.x - view.low.x);
  return std::clamp(static_cast<int>(std::lround(width * shape)), 16, 8192);
}

std::string file_stem(const VectorEnv& env) {
  std::string stem = env.id();
  std::replace(stem.begin(), stem.end(), '/', '-');
  return stem;
}

double natural_rate(const VectorEnv& env) {
  static const std::map<std::string, double> rates = {{"toy_text", 4}, {"tabular", 4}, {"bandit", 4},
                                                      {"minigrid", 8}, {"babyai", 8},  {"minatar", 15}};
  const EnvEntry& entry = env_registry().at(env.id());
  if (entry.id.starts_with("Acrobot")) return 15;
  if (entry.id.starts_with("MountainCar") || entry.id.starts_with("Pendulum")) return 30;
  const auto found = rates.find(entry.family);
  return found == rates.end() ? 50 : found->second;
}

Hud describe(const Player& player) {
  const Playback& playback = *player.playback;
  const Playback::Moment& now = playback.now();
  Hud hud;
  hud.title = player.name;
  hud.episode = {{"seed", std::to_string(playback.seed())},
                 {"step", std::to_string(playback.time())},
                 {"return", short_number(now.return_before)},
                 {"last reward", playback.time() > 0 ? short_number(playback.at(playback.time() - 1).reward) : "–"}};
  if (now.ended) hud.episode.push_back({now.terminated ? "episode terminated" : "episode truncated", ""});
  for (std::int64_t t = 0; t <= playback.time(); ++t) {
    const std::vector<float>& values = playback.at(t).insight.values;
    if (values.empty() && !playback.at(t).ended) break;
    hud.curve.push_back(values.empty() ? NAN : static_cast<double>(values[0]));
  }
  hud.curve_title = "value estimate V(s)";
  if (player.env->spec().action.dtype == DType::kFloat32)
    describe_continuous(player, hud);
  else
    describe_discrete(player, hud);
  hud.observation = describe_observation(player.env->spec(), playback.obs());
  return hud;
}

void draw_explanation(Player& player, Image& image) {
  Playback& playback = *player.playback;
  const VectorEnv& env = *player.env;
  const EnvSpec& spec = env.spec();
  const std::string& family = env_registry().at(env.id()).family;
  if (!player.agent) fail(ErrorKind::kUsage, "only what a policy does can be explained");
  if (family == "bandit")
    fail(ErrorKind::kUsage, "a bandit's policy learns anew in every episode: nothing can be explained");
  Policy& policy = player.agent->policy();
  Scene scene{.env = &env,
              .obs = playback.obs(),
              .title = player.name + ", step " + std::to_string(playback.time()),
              .columns_first = family == "minigrid" || family == "babyai"};
  playback.policy_acted_elsewhere();
  RasterCanvas canvas(image);
  canvas.view({0, 0}, {kPageWidth, kPageHeight});
  if (image_leaf(spec.observation)) {
    const Saliency found = saliency(policy, spec, scene.obs);
    scene.title += ": saliency";
    draw_saliency(canvas, scene, found);
  } else if (spec.observation.kind == Space::Kind::kDiscrete) {
    const std::optional<TabularModel> model = env.model();
    if (model) scene.acted_in = acted_in_states(*model);
    scene.title += ": value and action of every state";
    draw_state_map(canvas, scene, state_map(policy, spec, legal_actions(spec, model)));
  } else {
    const Judgement judgement = judge(policy, spec, ObservationBatch(spec, 1, scene.obs));
    const Output output = chosen_output(spec, judgement, 0);
    const std::vector<std::string> names = feature_names(spec);
    const std::vector<double> zeros(names.size(), 0);
    const auto found = integrated_gradients(policy, spec, scene.obs, 0, output, zeros);
    scene.title +=
        ": integrated gradients of " + describe(spec, judgement.insight, output) + " = " + short_number(found.output);
    draw_features(canvas, scene, names, found.features);
  }
}

void draw_lists(const std::vector<DisplayList>& lists, Image& image) {
  clear(image);
  const std::vector<Area> areas = cells(lists.size(), image);
  for (std::size_t i = 0; i < lists.size(); ++i) {
    RasterCanvas canvas(image, areas[i]);
    lists[i].play(canvas);
  }
}

void draw_players(const std::vector<Player>& players, bool overlays, const std::vector<std::string>& footer,
                  Image& image, double density) {
  clear(image);
  const std::vector<Area> areas = cells(players.size(), image);
  for (std::size_t i = 0; i < players.size(); ++i) {
    const Player& player = players[i];
    Area area = areas[i], panel = areas[i];
    const bool has_panel = overlays && players.size() <= 2 && area.width > 300 * density;
    if (has_panel) {
      panel.width = std::floor(std::clamp(area.width * 0.36, 190 * density, 300 * density));
      panel.x = area.x + area.width - panel.width;
      area.width -= panel.width;
    }
    RasterCanvas canvas(image, area);
    player.env->draw(0, canvas);
    if (has_panel) {
      Hud hud = describe(player);
      hud.footer = footer;
      draw_hud(hud, image, panel, density);
    } else if (overlays) {
      draw_note((players.size() > 1 ? "" : player.name + "  ") + "seed " + std::to_string(player.playback->seed()) +
                    "  step " + std::to_string(player.playback->time()) + "  return " +
                    short_number(player.episode_return()) + (player.playback->now().ended ? "  over" : ""),
                image, area, density);
    }
  }
}

}  // namespace corvid
