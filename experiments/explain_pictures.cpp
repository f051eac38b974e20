#include "experiments/explain_pictures.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "core/nn/conv_body.h"
#include "render/placed_canvas.h"

namespace corvid {
namespace {

constexpr double kText = 15;  // height of letters
constexpr Color kSymbolColors[] = {palette::kBlue, palette::kWood,   palette::kGreen, palette::kYellow,
                                   palette::kInk,  palette::kPurple, palette::kWater, palette::kMuted};
constexpr Color kActionColors[] = {palette::kBlue,   palette::kOrange, palette::kGreen, palette::kRed,
                                   palette::kPurple, palette::kYellow, palette::kWood,  palette::kWater};

void begin_page(Canvas& canvas) { canvas.view({0, 0}, {kPageWidth, kPageHeight}); }

void draw_title(Canvas& canvas, const Scene& scene) {
  const double height = std::min(18.0, 1.9 * (kPageWidth - 40) / static_cast<double>(scene.title.size()));
  canvas.text_from({20, kPageHeight - 22}, height, scene.title, palette::kInk);
}

/// Draws the environment in the left part of the page; returns where the rest begins.
double draw_env(Canvas& canvas, const Scene& scene, double width) {
  PlacedCanvas place(canvas, {20, 40}, {20 + width, kPageHeight - 70});
  if (!scene.env->draw(0, place)) return 20;
  place.cover_around({0, 0}, {kPageWidth, kPageHeight});
  canvas.text({20 + 0.5 * width, 22}, kText, "the environment", palette::kInk);
  return 40 + width;
}

/// Greatest and least of the numbers that are not NaN; {0, 1} without any.
std::pair<double, double> range_of(std::span<const double> values) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (double value : values) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  if (low > high) return {0, 1};
  return {low, high};
}

/// The colour of one cell [C] of an observation: a pixel's own, or one that stands for its symbols.
Color cell_color(std::span<const double> channels, double high, bool photo) {
  if (photo) {
    std::uint32_t rgb = 0;
    for (std::size_t c = 0; c < 3; ++c) {
      const double share = std::clamp(channels[channels.size() == 3 ? c : 0] / high, 0.0, 1.0);
      rgb = rgb << 8 | static_cast<std::uint32_t>(std::lround(255 * share));
    }
    return {rgb};
  }
  std::size_t symbol = 0;  // of planes of 0 and 1 the last that is set, of codes the first channel
  for (std::size_t c = 0; c < channels.size(); ++c) {
    if (channels[c] != 0) symbol = high <= 1 ? c + 1 : static_cast<std::size_t>(channels[0]);
  }
  if (symbol == 0) return {palette::kGrid.rgb, 0.5};
  return {kSymbolColors[(symbol - 1) % std::size(kSymbolColors)].rgb, 0.45};  // pale, for the heat to stand out
}

/// The observation, and over it a heat [H, W].
void draw_heat(Canvas& canvas, const Frame& frame, const Scene& scene, const Saliency& saliency,
               std::span<const double> heat) {
  const Space& observation = scene.env->spec().observation;
  const std::size_t leaf = image_leaf(observation).value();
  const ImageShape shape = image_shape(*observation.leaves()[leaf].second).value();
  const std::vector<double> numbers = leaf_numbers(observation, leaf, scene.obs);
  const bool photo = saliency.perturbation == Perturbation::kBlur;
  const std::int64_t across = scene.columns_first ? shape.height : shape.width;
  const std::int64_t down = scene.columns_first ? shape.width : shape.height;
  const double cell = std::min(frame.width() / static_cast<double>(across), frame.height() / static_cast<double>(down));
  std::vector<double> channels(static_cast<std::size_t>(shape.channels));
  auto each_cell = [&](auto&& color_of) {
    std::vector<Color> colors;  // rows from the bottom on
    for (std::int64_t row = down - 1; row >= 0; --row) {
      for (std::int64_t column = 0; column < across; ++column)
        colors.push_back(scene.columns_first ? color_of(column, row) : color_of(row, column));
    }
    const Point low{frame.low.x, frame.high.y - cell * static_cast<double>(down)};
    draw_cells(canvas, {low, {low.x + cell * static_cast<double>(across), frame.high.y}}, down, across, colors);
  };
  each_cell([&](std::int64_t i, std::int64_t j) {
    for (std::int64_t c = 0; c < shape.channels; ++c) {
      const std::int64_t k =
          shape.channels_last ? (i * shape.width + j) * shape.channels + c : (c * shape.height + i) * shape.width + j;
      channels[static_cast<std::size_t>(c)] = numbers[static_cast<std::size_t>(k)];
    }
    return cell_color(channels, shape.high, photo);
  });
  each_cell([&](std::int64_t i, std::int64_t j) {
    return Color{0xe00020, 0.85 * heat[static_cast<std::size_t>(i * shape.width + j)]};
  });
}

/// The direction that an action's name speaks of; (0, 0): none.
Point direction(const std::string& name) {
  constexpr std::pair<std::string_view, Point> kWords[] = {{"left", {-1, 0}}, {"right", {1, 0}}, {"up", {0, 1}},
                                                           {"down", {0, -1}}, {"west", {-1, 0}}, {"east", {1, 0}},
                                                           {"north", {0, 1}}, {"south", {0, -1}}};
  for (const auto& [word, vector] : kWords) {
    if (name == word || name == "move " + std::string(word)) return vector;
  }
  return {0, 0};
}

/// An arrow where the action has a direction, its name where not.
void draw_action(Canvas& canvas, Point middle, double size, const EnvSpec& spec, double action) {
  const auto index = static_cast<std::size_t>(action) - static_cast<std::size_t>(spec.action.start);
  const std::string name = index < spec.action_names.size() ? spec.action_names[index] : std::to_string(index);
  const Point way = direction(name);
  if (way.x != 0 || way.y != 0)
    draw_arrow(canvas, middle, 0.55 * size, way.x, way.y, 0.07 * size, palette::kInk);
  else
    canvas.text(middle, std::min(0.4 * size, 1.6 * size / static_cast<double>(name.size())), name, palette::kInk);
}

bool acts_in(const Scene& scene, std::size_t state) { return scene.acted_in.empty() || scene.acted_in[state]; }

/// On the map that the environment draws.
void draw_on_cells(Canvas& canvas, const Scene& scene, const StateMap& map, const CellLayout& cells) {
  const EnvSpec& spec = scene.env->spec();
  const std::int64_t now = *scene.obs.as<std::int64_t>() - spec.observation.start;
  const auto state_of = [&](std::int64_t cell) {
    return static_cast<std::size_t>(cell * cells.situations + now % cells.situations);
  };
  std::vector<double> shown;
  for (std::int64_t cell = 0; cell < cells.rows * cells.columns && !map.values.empty(); ++cell) {
    if (acts_in(scene, state_of(cell))) shown.push_back(map.values[state_of(cell)]);
  }
  const auto [low, high] = range_of(shown);
  PlacedCanvas place(canvas, {40, 30}, {kPageWidth - 140, kPageHeight - 60});
  scene.env->draw(0, place);
  for (std::int64_t cell = 0; cell < cells.rows * cells.columns; ++cell) {
    const auto x = static_cast<double>(cell % cells.columns);
    const auto y = static_cast<double>(cells.rows - 1 - cell / cells.columns);
    const std::size_t state = state_of(cell);
    if (!acts_in(scene, state)) continue;
    if (!map.values.empty()) {
      Color color = sequential_color(high > low ? (map.values[state] - low) / (high - low) : 0.5);
      color.alpha = 0.55;
      place.rectangle({x + 0.02, y + 0.02}, {x + 0.98, y + 0.98}, color);
      place.text({x + 0.5, y + 0.12}, 0.15, short_number(map.values[state]), palette::kInk);
    }
    draw_action(place, {x + 0.5, y + 0.52}, 0.9, spec, map.actions[state]);
  }
  if (!map.values.empty())
    draw_color_bar(canvas, {{kPageWidth - 110, 60}, {kPageWidth - 90, kPageHeight - 90}}, low, high, kText);
}

void draw_table(Canvas& canvas, const Scene& scene, const StateMap& map) {
  const auto columns = static_cast<std::int64_t>(std::ceil(std::sqrt(2.1 * static_cast<double>(map.num_states))));
  const std::int64_t rows = (map.num_states + columns - 1) / columns;
  const double size =
      std::min((kPageWidth - 180) / static_cast<double>(columns), (kPageHeight - 90) / static_cast<double>(rows));
  const auto [low, high] = range_of(map.values);
  for (std::int64_t state = 0; state < map.num_states; ++state) {
    const auto index = static_cast<std::size_t>(state);
    if (!acts_in(scene, index)) continue;
    const Point corner{40 + size * static_cast<double>(state % columns),
                       kPageHeight - 60 - size * static_cast<double>(state / columns + 1)};
    Color color = palette::kGrid;
    if (!map.values.empty()) color = sequential_color(high > low ? (map.values[index] - low) / (high - low) : 0.5);
    canvas.rectangle(corner, {corner.x + 0.96 * size, corner.y + 0.96 * size}, {color.rgb, 0.7});
    if (size < 12) continue;
    canvas.text({corner.x + 0.5 * size, corner.y + 0.8 * size}, 0.2 * size, std::to_string(state), palette::kInk);
    draw_action(canvas, {corner.x + 0.48 * size, corner.y + 0.4 * size}, 0.7 * size, scene.env->spec(),
                map.actions[index]);
  }
  if (!map.values.empty())
    draw_color_bar(canvas, {{kPageWidth - 110, 60}, {kPageWidth - 90, kPageHeight - 90}}, low, high, kText);
}

void draw_caption(Canvas& canvas, const Frame& frame, const std::string& caption) {
  canvas.text({0.5 * (frame.low.x + frame.high.x), frame.high.y + 2.4 * kText}, 1.1 * kText, caption, palette::kInk);
}

/// Numbers [Y, X] with a colour bar.
void draw_numbers(Canvas& canvas, const Frame& frame, HeatMap map, std::span<const double> values,
                  const std::string& caption) {
  std::tie(map.low, map.high) = range_of(values);
  map.values = values;
  draw_heat_map(canvas, frame, map, kText);
  draw_color_bar(canvas, {{frame.high.x + 8, frame.low.y}, {frame.high.x + 22, frame.high.y}}, map.low, map.high,
                 0.8 * kText);
  draw_caption(canvas, frame, caption);
}

void draw_paths(Canvas& canvas, const Frame& frame, const HeatMap& axes, std::span<const std::vector<Point>> paths) {
  for (const std::vector<Point>& path : paths) {
    std::vector<Point> line;
    for (Point p : path) line.push_back(chart_point(frame, axes.x, axes.y, p.x, p.y));
    if (line.size() > 1) canvas.line(line, 1, {0xffffff, 0.7});
    if (!line.empty()) canvas.circle(line.front(), 3.5, {0xffffff});
    if (!line.empty()) canvas.circle(line.back(), 3.5, palette::kRed);
  }
}

/// Which discrete action, in colours with a legend.
void draw_actions(Canvas& canvas, const Frame& frame, const Scene& scene, const PlaneMap& map, HeatMap axes) {
  const EnvSpec& spec = scene.env->spec();
  axes.values = {};
  draw_heat_map(canvas, frame, axes, kText);
  std::vector<Color> colors;
  for (double action : map.actions) {
    const auto index = static_cast<std::size_t>(static_cast<std::int64_t>(action) - spec.action.start);
    colors.push_back(kActionColors[index % std::size(kActionColors)]);
  }
  draw_cells(canvas, frame, axes.rows, axes.columns, colors);
  draw_caption(canvas, frame, "action");
  for (std::int64_t a = 0; a < std::min<std::int64_t>(spec.action.n, 12); ++a) {
    const auto index = static_cast<std::size_t>(a);
    const Point at{frame.high.x + 12, frame.high.y - kText * (1 + 1.6 * static_cast<double>(a))};
    canvas.rectangle({at.x, at.y - 0.4 * kText}, {at.x + 0.8 * kText, at.y + 0.4 * kText},
                     kActionColors[index % std::size(kActionColors)]);
    const std::string name = index < spec.action_names.size() ? spec.action_names[index] : std::to_string(index);
    canvas.text_from({at.x + kText, at.y}, 0.8 * kText, name, palette::kInk);
  }
}

}  // namespace

std::optional<CellLayout> cell_layout(const VectorEnv& env) {
  const EnvSpec& spec = env.spec();
  if (spec.observation.kind != Space::Kind::kDiscrete || spec.observation_names.size() != 1) return std::nullopt;
  const std::string& name = spec.observation_names[0];
  ViewProbe canvas;
  if (name.find("row") == std::string::npos || name.find("column") == std::string::npos || !env.draw(0, canvas))
    return std::nullopt;
  // A margin around the cells is less than one.
  const CellLayout cells{.rows = static_cast<std::int64_t>(std::floor(canvas.high.y)),
                         .columns = static_cast<std::int64_t>(std::floor(canvas.high.x))};
  const bool from_corner = canvas.low.x > -1 && canvas.low.x <= 0 && canvas.low.y > -1 && canvas.low.y <= 0;
  if (!from_corner || cells.rows < 1 || cells.columns < 1) return std::nullopt;
  const std::int64_t count = cells.rows * cells.columns;
  if (spec.observation.n % count != 0) return std::nullopt;
  return CellLayout{cells.rows, cells.columns, spec.observation.n / count};
}

void draw_saliency(Canvas& canvas, const Scene& scene, const Saliency& saliency) {
  begin_page(canvas);
  double left = draw_env(canvas, scene, 300);
  const double side = 300;
  const std::pair<std::span<const double>, std::string> heats[] = {
      {saliency.policy, "policy, largest S " + short_number(saliency.max_policy)},
      {saliency.value, "value, largest S " + short_number(saliency.max_value)}};
  for (const auto& [heat, name] : heats) {
    if (heat.empty()) continue;
    draw_heat(canvas, {{left, 70}, {left + side, kPageHeight - 70}}, scene, saliency, heat);
    canvas.text({left + 0.5 * side, 22}, kText, name, palette::kInk);
    left += side + 20;
  }
  draw_title(canvas, scene);
}

void draw_features(Canvas& canvas, const Scene& scene, std::span<const std::string> names,
                   std::span<const double> values) {
  begin_page(canvas);
  const double left = draw_env(canvas, scene, 360);
  draw_bars(canvas, {{left, 30}, {kPageWidth - 20, kPageHeight - 70}}, names, values);
  draw_title(canvas, scene);
}

void draw_state_map(Canvas& canvas, const Scene& scene, const StateMap& map) {
  begin_page(canvas);
  if (const auto cells = cell_layout(*scene.env))
    draw_on_cells(canvas, scene, map, *cells);
  else
    draw_table(canvas, scene, map);
  draw_title(canvas, scene);
}

void draw_plane(Canvas& canvas, const Scene& scene, const PlaneMap& map, const std::string& x_name,
                const std::string& y_name, std::span<const std::vector<Point>> paths) {
  begin_page(canvas);
  const HeatMap axes{.rows = map.y.points,
                     .columns = map.x.points,
                     .x = {x_name, map.x.low, map.x.high},
                     .y = {y_name, map.y.low, map.y.high}};
  Frame frame{{80, 50}, {410, kPageHeight - 105}};
  if (!map.values.empty()) {
    draw_numbers(canvas, frame, axes, map.values, "value");
    draw_paths(canvas, frame, axes, paths);
    frame.low.x += 480;
    frame.high.x += 480;
  }
  const EnvSpec& spec = scene.env->spec();
  if (spec.action.kind == Space::Kind::kDiscrete) {
    draw_actions(canvas, frame, scene, map, axes);
  } else {
    std::vector<double> first;  // dimension of an action
    for (std::size_t k = 0; k < map.actions.size(); k += static_cast<std::size_t>(spec.action.size()))
      first.push_back(map.actions[k]);
    draw_numbers(canvas, frame, axes, first, spec.action_names.empty() ? "action" : spec.action_names[0]);
  }
  draw_title(canvas, scene);
}

}  // namespace corvid
