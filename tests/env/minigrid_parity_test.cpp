// Every level of MiniGrid against the official package, and every observation its wrappers make.
#include <set>

#include "tests/env/parity.h"

namespace corvid {
namespace {

using nlohmann::json;
using parity::Case;

const std::vector<std::string> kOurs = {"mission_tokens"};

std::vector<Case> every_level(const char* actions) {
  std::vector<Case> rows;
  for (const EnvEntry& entry : env_registry().entries()) {
    if (entry.family == "minigrid") rows.push_back({entry.id, {}, {{"actions", actions}}});
  }
  return rows;
}

json wrapped(const char* wrapper, const json& arguments = json::object()) {
  return {{"wrappers", json::array({json::array({wrapper, arguments})})}, {"actions", "walker"}};
}

/// One id with every observation.
void add_observations(std::vector<Case>& rows, const std::string& id) {
  rows.push_back({id, {{"observation", "full"}}, wrapped("FullyObsWrapper")});
  rows.push_back({id, {{"observation", "rgb"}}, wrapped("RGBImgObsWrapper")});
  rows.push_back({id, {{"observation", "rgb_partial"}}, wrapped("RGBImgPartialObsWrapper")});
  rows.push_back({id, {{"observation", "one_hot"}}, wrapped("OneHotPartialObsWrapper")});
  rows.push_back({id, {{"observation", "image"}}, wrapped("ImgObsWrapper")});
  rows.push_back({id, {{"observation", "flat"}}, wrapped("FlatObsWrapper")});
}

// 76, all but those of the wave function collapse.
TEST(MiniGridParity, HasEveryLevel) { EXPECT_EQ(every_level("uniform").size(), 76u); }

TEST(MiniGridParity, RandomEpisodesEqualTheOfficialPackage) {
  parity::expect_parity(every_level("uniform"), parity::extent({.seed = 100, .seeds = 3, .steps = 100}), kOurs);
}

TEST(MiniGridParity, SoDoEpisodesOfAPlayerThatUsesThings) {
  parity::expect_parity(every_level("walker"), parity::extent({.seed = 500, .seeds = 2, .steps = 150}), kOurs);
}

TEST(MiniGridParity, ObservationsEqualTheOfficialWrappers) {
  std::vector<Case> rows;
  for (const char* id : {"MiniGrid-ObstructedMaze-2Dlhb-v1", "MiniGrid-LavaGapS5-v0", "MiniGrid-Fetch-8x8-N3-v0",
                         "MiniGrid-Playground-v0", "MiniGrid-RedBlueDoors-6x6-v0"}) {
    add_observations(rows, id);
  }
  for (const char* size : {"1", "5", "32"}) {
    const json arguments = {{"tile_size", std::stoi(size)}};
    rows.push_back({"MiniGrid-LavaGapS5-v0",
                    {{"observation", "rgb"}, {"tile_size", size}},
                    wrapped("RGBImgObsWrapper", arguments)});
    rows.push_back({"MiniGrid-KeyCorridorS3R1-v0",
                    {{"observation", "rgb_partial"}, {"tile_size", size}},
                    wrapped("RGBImgPartialObsWrapper", arguments)});
  }
  parity::expect_parity(rows, {.seed = 20, .seeds = 2, .steps = 40}, kOurs);
}

TEST(MiniGridParity, OptionsEqualTheOfficialArguments) {
  std::vector<Case> rows;
  for (const char* size : {"3", "5", "9", "11"}) {
    for (const char* id : {"MiniGrid-MultiRoom-N6-v0", "MiniGrid-KeyCorridorS4R3-v0"}) {
      rows.push_back({id, {{"agent_view_size", size}}, {{"make", {{"agent_view_size", std::stoi(size)}}}}});
    }
    rows.push_back({"MiniGrid-LockedRoom-v0",
                    {{"agent_view_size", size}, {"observation", "rgb_partial"}, {"see_through_walls", "true"}},
                    {{"make", {{"agent_view_size", std::stoi(size)}, {"see_through_walls", true}}},
                     {"wrappers", json::array({json::array({"RGBImgPartialObsWrapper", json::object()})})}}});
  }
  rows.push_back({"MiniGrid-DoorKey-6x6-v0", {{"max_steps", "17"}}, {{"make", {{"max_steps", 17}}}}});
  rows.push_back({"MiniGrid-FourRooms-v0", {{"see_through_walls", "true"}}, {{"make", {{"see_through_walls", true}}}}});
  rows.push_back({"MiniGrid-DoorKey-16x16-v0", {{"size", "25"}}, {{"make", {{"size", 25}}}}});
  rows.push_back({"MiniGrid-Dynamic-Obstacles-6x6-v0",
                  {{"size", "9"}, {"n_obstacles", "40"}},
                  {{"make", {{"size", 9}, {"n_obstacles", 40}}}}});
  rows.push_back({"MiniGrid-Fetch-5x5-N2-v0", {{"num_objs", "8"}}, {{"make", {{"numObjs", 8}}}}});
  rows.push_back({"MiniGrid-SimpleCrossingS9N3-v0",
                  {{"size", "25"}, {"num_crossings", "100"}},
                  {{"make", {{"size", 25}, {"num_crossings", 100}}}}});
  rows.push_back({"MiniGrid-MultiRoom-N6-v0",
                  {{"min_num_rooms", "1"}, {"max_num_rooms", "5"}, {"max_room_size", "8"}},
                  {{"make", {{"minNumRooms", 1}, {"maxNumRooms", 5}, {"maxRoomSize", 8}}}}});
  rows.push_back({"MiniGrid-KeyCorridorS3R2-v0",
                  {{"obj_type", "box"}, {"room_size", "8"}},
                  {{"make", {{"obj_type", "box"}, {"room_size", 8}}}, {"actions", "walker"}}});
  rows.push_back({"MiniGrid-MemoryS7-v0", {{"size", "25"}}, {{"make", {{"size", 25}}}}});
  rows.push_back({"MiniGrid-PutNear-8x8-N3-v0", {{"num_objs", "4"}}, {{"make", {{"numObjs", 4}}}}});
  rows.push_back(
      {"MiniGrid-ObstructedMaze-Full-v1",
       {{"agent_row", "2"}, {"num_quarters", "3"}, {"blocked", "false"}},
       {{"make", {{"agent_room", {1, 2}}, {"num_quarters", 3}, {"blocked", false}}}, {"actions", "walker"}}});
  parity::expect_parity(rows, {.seed = 60, .seeds = 5, .steps = 200}, kOurs);
}

}  // namespace
}  // namespace corvid
