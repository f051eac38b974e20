// Every level of BabyAI against the official package: same seed, same actions, same bytes.
#include "tests/env/parity.h"

namespace corvid {
namespace {

using parity::Case;

const std::vector<std::string> kOurs = {"mission_tokens"};

/// A row for every id, with actions of that player.
std::vector<Case> rows(const std::string& player) {
  std::vector<Case> result;
  for (const EnvEntry& entry : env_registry().entries()) {
    if (entry.family != "babyai") continue;
    // The bot does not know what to do in these levels.
    const bool lost = entry.id.find("Carrying") != std::string::npos || entry.id == "BabyAI-KeyInBox-v0";
    result.push_back({entry.id, {}, {{"actions", player == "bot" && lost ? "walker" : player}}});
  }
  return result;
}

TEST(BabyAiParity, EpisodesOfRandomActionsEqualTheOfficialPackage) {
  parity::expect_parity(rows("uniform"), parity::extent({.seed = 4294967296ULL - 1, .seeds = 2, .steps = 300}), kOurs);
}

// The official bot carries the missions out, which random actions rarely do.
TEST(BabyAiParity, SoDoThoseOfTheOfficialBot) {
  const parity::Extent usual{.seed = 40, .seeds = 3, .steps = 150}, full{.seed = 500, .seeds = 20, .steps = 400};
  const bool asked_for_full = parity::extent(usual).seeds > usual.seeds;  // the bot is slow
  parity::expect_parity(rows("bot"), asked_for_full ? full : usual, kOurs);
}

TEST(BabyAiParity, SoDoEpisodesWithOptions) {
  using nlohmann::json;
  const json full = json::array({json::array({"FullyObsWrapper", json::object()})});
  const json rgb = json::array({json::array({"RGBImgObsWrapper", {{"tile_size", 8}}})});
  const std::vector<Case> table = {
      {"BabyAI-GoToLocal-v0", {{"max_steps", "17"}}, {{"make", {{"max_steps", 17}}}}},
      {"BabyAI-GoToLocal-v0",
       {{"room_size", "9"}, {"num_dists", "3"}},
       {{"make", {{"room_size", 9}, {"num_dists", 3}}}}},
      {"BabyAI-GoToSeq-v0", {{"num_rows", "1"}, {"num_cols", "2"}}, {{"make", {{"num_rows", 1}, {"num_cols", 2}}}}},
      {"BabyAI-PickupLoc-v0", {{"agent_view_size", "5"}}, {{"make", {{"agent_view_size", 5}}}}},
      {"BabyAI-BossLevel-v0", {{"observation", "full"}}, {{"wrappers", full}, {"actions", "bot"}}},
      {"BabyAI-MiniBossLevel-v0", {{"observation", "rgb"}}, {{"wrappers", rgb}, {"actions", "bot"}}},
      {"BabyAI-KeyCorridor-v0", {{"obj_type", "box"}}, {{"make", {{"obj_type", "box"}}}, {"actions", "bot"}}},
      {"BabyAI-OpenTwoDoors-v0",
       {{"first_color", "green"}, {"strict", "true"}},
       {{"make", {{"first_color", "green"}, {"strict", true}}}}},
  };
  parity::expect_parity(table, parity::extent({.seed = 7, .seeds = 2, .steps = 200}), kOurs);
}

}  // namespace
}  // namespace corvid
