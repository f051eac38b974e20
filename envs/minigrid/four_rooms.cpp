// FourRooms: find the goal in a house of four rooms that are joined by gaps.
// Source: Sutton, Precup and Singh 1999; Chevalier-Boisvert et al. 2023; MiniGrid 3.2 `FourRoomsEnv`.
// Deviation: the official arguments agent_pos and goal_pos are left out.
#include "envs/minigrid/minigrid_env.h"

namespace corvid::minigrid {
namespace {

struct FourRooms : World {
  using Options = LevelOptions;
  static constexpr int kSize = 19, kRoom = kSize / 2;

  explicit FourRooms(const Options& options) : World(options, kSize, kSize, 100) {}

  static std::string_view longest_mission() { return "reach the goal"; }

  void generate(Rng& rng) {
    grid.walls_around(everywhere());
    for (int y : {0, kRoom}) {
      for (int x : {0, kRoom}) {
        if (x == 0) {
          grid.column({kRoom, y}, kRoom);
          grid.set({kRoom, draw(rng, y + 1, y + kRoom)}, kNothing);
        }
        if (y == 0) {
          grid.row({x, kRoom}, kRoom);
          grid.set({draw(rng, x + 1, x + kRoom), kRoom}, kNothing);
        }
      }
    }
    place_agent(rng);
    place(rng, kGoal);
    mission.say("reach the goal");
  }
};

CORVID_REGISTER_ENV(MiniGridEnv<FourRooms>,
                    minigrid_entry("FourRooms-v0", "Find the goal in one of four rooms joined by gaps",
                                   "FourRoomsEnv"));

}  // namespace
}  // namespace corvid::minigrid
