// The pictures of `corvid explain`, on any canvas.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/env/vector_env.h"
#include "core/explain/maps.h"
#include "core/explain/saliency.h"
#include "render/heat_map.h"
#include "render/numbers.h"
#include "render/view_probe.h"

namespace corvid {

inline constexpr double kPageWidth = 1000, kPageHeight = 480;

/// What is explained: one environment at the step that is looked at.
struct Scene {
  const VectorEnv* env = nullptr;
  ObsView obs;
  std::string title;
  bool columns_first = false;          // pictures of MiniGrid: [column, row, channel]
  std::vector<std::uint8_t> acted_in;  // [S] 1 for states that a map shows; empty: all
};

/// The environment's picture beside its observation under two heats, the policy's and the value's.
void draw_saliency(Canvas& canvas, const Scene& scene, const Saliency& saliency);

/// The environment's picture beside one bar a feature.
void draw_features(Canvas& canvas, const Scene& scene, std::span<const std::string> names,
                   std::span<const double> values);

/// Values as colours and actions as arrows, on the environment's own map where it draws one, as a table otherwise.
void draw_state_map(Canvas& canvas, const Scene& scene, const StateMap& map);

/// Value, and beside it the action, over two numbers of an observation; over the value the paths of episodes, each a
/// list of points. `names` of the two numbers.
void draw_plane(Canvas& canvas, const Scene& scene, const PlaneMap& map, const std::string& x_name,
                const std::string& y_name, std::span<const std::vector<Point>> paths);

/// Rows and columns of the map that an environment of discrete observations draws, one unit a cell, where its
/// observation is said to count by row and column. `situations` states share a cell, numbered fastest.
struct CellLayout {
  std::int64_t rows = 0, columns = 0, situations = 1;
};
std::optional<CellLayout> cell_layout(const VectorEnv& env);

}  // namespace corvid
