// What `corvid play` and `corvid record` show: environments, who plays them, and the picture of both.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/run/playback.h"
#include "core/run/run.h"
#include "render/display_list.h"
#include "render/hud.h"

namespace corvid {

struct ShowOptions {
  std::string device = "cpu";
  EnvOptions env_options;
  std::int64_t seed = 1'000'000;  // of the first episode
  bool stochastic = false;
  std::int64_t max_episode_steps = -1;  // -1: as trained, or as registered
  bool human = false;                   // a person plays
};

/// The options that both commands have.
Fields fields(ShowOptions& options);

/// An environment on its own, and who plays it.
struct Player {
  std::string name;                // "ppo on CartPole-v1", or of `--compare` its run
  EnvOptions env_options;          // of its environment
  std::string config_toml;         // settings of the run it comes from; empty: none
  std::unique_ptr<Agent> agent;    // null where a person plays
  std::unique_ptr<VectorEnv> env;  // one, that does not reset itself
  std::unique_ptr<Playback> playback;

  double episode_return() const { return playback->now().return_before; }
};

/// `what` is a run folder or a checkpoint, or an environment, which random actions play unless a person does.
Player make_player(const std::string& what, const ShowOptions& options, std::uint64_t seed);

/// Pixels of a picture of that width in the shape of the environment's view, 16 to 8192. Throws Error where it does not
/// draw itself.
int height_for(const VectorEnv& env, int width);

/// The id as part of a file's name.
std::string file_stem(const VectorEnv& env);

/// Steps a second at which an environment looks natural: that of its physics, or slower where somebody must think.
double natural_rate(const VectorEnv& env);

/// The numbers and curves beside a player's picture.
Hud describe(const Player& player);

/// Why the player's policy acts as it does at this step: saliency, a map of all states or integrated gradients, whichever
/// the observations allow. Throws Error where it cannot be told.
void draw_explanation(Player& player, Image& image);

/// Pictures of environments in a grid.
void draw_lists(const std::vector<DisplayList>& lists, Image& image);

/// All players in a grid; with `overlays` each one's numbers beside or over its picture. `footer` goes to the end of the
/// panels. `density` is pixels a point.
void draw_players(const std::vector<Player>& players, bool overlays, const std::vector<std::string>& footer,
                  Image& image, double density);

}  // namespace corvid
