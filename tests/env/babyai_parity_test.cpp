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
    // The bot gives up in these levels.
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
  const std::vector<Case> table = rows("bot");
  std::vector<parity::Outcome> outcomes;
  parity::expect_parity(table, asked_for_full ? full : usual, kOurs, &outcomes);
  for (std::size_t k = 0; k < outcomes.size(); ++k) {
    if (table[k].official["actions"] == "bot") {
      EXPECT_GT(outcomes[k].solved, 0) << table[k].id << ": the bot gave up in " << outcomes[k].gave_up << " episodes";
    }
  }
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
      {"BabyAI-Open-v0",
       {{"room_size", "6"}, {"num_rows", "2"}, {"num_cols", "2"}},
       {{"make", {{"room_size", 6}, {"num_rows", 2}, {"num_cols", 2}}}, {"actions", "bot"}}},
      {"BabyAI-Unlock-v0",
       {{"room_size", "7"}, {"num_rows", "1"}, {"num_cols", "2"}},
       {{"make", {{"room_size", 7}, {"num_rows", 1}, {"num_cols", 2}}}, {"actions", "bot"}}},
      {"BabyAI-GoToImpUnlock-v0",
       {{"room_size", "9"}, {"num_rows", "2"}},
       {{"make", {{"room_size", 9}, {"num_rows", 2}}}, {"actions", "walker"}}},
      {"BabyAI-Pickup-v0",
       {{"room_size", "9"}, {"num_cols", "1"}},
       {{"make", {{"room_size", 9}, {"num_cols", 1}}}, {"actions", "bot"}}},
      {"BabyAI-UnblockPickup-v0",
       {{"room_size", "7"}, {"num_rows", "2"}},
       {{"make", {{"room_size", 7}, {"num_rows", 2}}}, {"actions", "walker"}}},
      {"BabyAI-OpenDoor-v0", {{"room_size", "5"}}, {{"make", {{"room_size", 5}}}, {"actions", "bot"}}},
      {"BabyAI-UnlockLocalDist-v0", {{"room_size", "6"}}, {{"make", {{"room_size", 6}}}, {"actions", "walker"}}},
      {"BabyAI-KeyInBox-v0", {{"room_size", "5"}}, {{"make", {{"room_size", 5}}}, {"actions", "walker"}}},
      {"BabyAI-KeyCorridor-v0", {{"obj_type", "box"}}, {{"make", {{"obj_type", "box"}}}, {"actions", "bot"}}},
      {"BabyAI-OpenTwoDoors-v0",
       {{"first_color", "green"}, {"strict", "true"}},
       {{"make", {{"first_color", "green"}, {"strict", true}}}}},
  };
  parity::expect_parity(table, parity::extent({.seed = 7, .seeds = 2, .steps = 200}), kOurs);
}

}  // namespace
}  // namespace corvid
