// Rules of the MinAtar games that uniform actions, and so the comparison with the package, never or hardly show.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "core/base/random_state.h"
#include "tests/env/env_testing.h"

namespace corvid {
namespace {

constexpr int kSide = 10;
enum Action : std::int64_t { kNoOp, kLeft, kUp, kRight, kDown, kFire };  // of -v0

/// One game.
struct Game {
  explicit Game(const std::string& id, std::uint64_t seed, const EnvOptions& options = {},
                AutoReset mode = AutoReset::kDisabled)
      : env(make_env(id, {.num_envs = 1, .auto_reset = mode}, options)),
        buffer(env->spec(), 1),
        view(buffer.view()),
        channels(static_cast<int>(env->spec().observation.shape[2])) {
    env->reset(seed, view.obs);
  }

  void step(std::int64_t action) { env->step(&action, view); }
  void begin() { env->reset_where(std::vector<std::uint8_t>{1}, {}, view.obs); }
  bool ended() const { return view.terminated[0] == 1; }
  bool at(int x, int y, int channel) const {
    return view.obs.as<std::uint8_t>()[(y * kSide + x) * channels + channel] == 1;
  }

  /// Cells that show the channel, and the first of them by rows.
  int count(int channel, int low = 0, int high = kSide) const {
    int sum = 0;
    for (int y = low; y < high; ++y) {
      for (int x = 0; x < kSide; ++x) sum += at(x, y, channel);
    }
    return sum;
  }
  std::pair<int, int> find(int channel) const {
    for (int k = 0; k < kSide * kSide; ++k) {
      if (at(k % kSide, k / kSide, channel)) return {k % kSide, k / kSide};
    }
    return {-1, -1};
  }

  std::unique_ptr<VectorEnv> env;
  StepBuffer buffer;
  const StepView& view;
  int channels;
};

/// Plays `steps` uniform actions of every game and calls check(game) after each.
template <class Check>
void play(const std::string& id, int steps, Check&& check) {
  Game game(id, 3);
  Rng rng(4);
  for (int t = 0; t < steps && !testing::Test::HasFailure(); ++t) {
    check(game);
    game.step(rng.integers(0, 6));
    check(game);
    if (game.ended()) game.begin();
  }
}

// The paddle tells which key was pressed: the random numbers are one for the ball's side an episode and then one pair a
// step that decides whether the last key sticks.
TEST(MinAtar, LastKeyStaysOverTheEndOfAnEpisodeAndSticksWithTheProbabilityGiven) {
  constexpr double kProbability = 0.6;
  Game game("MinAtar/Breakout-v0", 21, {{"sticky_action_prob", "0.6"}});
  RandomState random(21);
  Rng rng(1);
  random.randint(2);
  std::int64_t last = kNoOp;
  int paddle = 4, first_sticks = 0;
  bool first = false;
  for (int t = 0; t < 2000; ++t) {
    const std::int64_t wanted = rng.integers(0, 6);
    const bool sticks = random.random() < kProbability;
    first_sticks += first && sticks && last == kRight;  // the key is one of the episode before
    if (!sticks) last = wanted;
    paddle = std::clamp(paddle + (last == kRight) - (last == kLeft), 0, kSide - 1);
    game.step(wanted);
    ASSERT_TRUE(game.at(paddle, kSide - 1, 0)) << "step " << t;
    first = game.ended();
    if (first) {
      game.begin();
      random.randint(2);
      paddle = 4;
    }
  }
  EXPECT_GT(first_sticks, 10);
}

TEST(MinAtar, AKeyThatAlwaysSticksIsTheFirstOne) {
  for (const std::string name : {"Asterix", "Breakout", "Freeway", "Seaquest", "SpaceInvaders"}) {
    Game stuck("MinAtar/" + name + "-v0", 5, {{"sticky_action_prob", "1"}}),
        idle("MinAtar/" + name + "-v0", 5, {{"sticky_action_prob", "0"}});
    Rng rng(2);
    for (int t = 0; t < 300; ++t) {
      stuck.step(rng.integers(0, 6));
      idle.step(kNoOp);
      ASSERT_EQ(env_testing::obs_bytes(stuck.env->spec().observation, stuck.view.obs, 0),
                env_testing::obs_bytes(idle.env->spec().observation, idle.view.obs, 0));
      if (stuck.ended()) stuck.begin(), idle.begin();
    }
  }
}

TEST(MinAtar, ProbabilitiesOutsideZeroToOneAreRefused) {
  for (const char* value : {"-0.01", "1.01", "nan"})
    EXPECT_THROW(make_env("MinAtar/Freeway-v1", {}, {{"sticky_action_prob", value}}), Error) << value;
  for (const char* value : {"0", "1"}) make_env("MinAtar/Freeway-v1", {}, {{"sticky_action_prob", value}});
}

TEST(MinAtar, MinimalActionsAreTheSameKeysByOtherNumbers) {
  for (const std::string name : {"Asterix", "Breakout", "Freeway", "Seaquest", "SpaceInvaders"}) {
    Game all("MinAtar/" + name + "-v0", 8), few("MinAtar/" + name + "-v1", 8);
    const auto& names = all.env->spec().action_names;
    Rng rng(6);
    for (int t = 0; t < 500; ++t) {
      const std::int64_t action = rng.integers(0, few.env->spec().action.n);
      const auto same =
          std::find(names.begin(), names.end(), few.env->spec().action_names[static_cast<std::size_t>(action)]);
      ASSERT_NE(same, names.end());
      few.step(action);
      all.step(same - names.begin());
      ASSERT_EQ(few.view.reward[0], all.view.reward[0]);
      ASSERT_EQ(env_testing::obs_bytes(few.env->spec().observation, few.view.obs, 0),
                env_testing::obs_bytes(all.env->spec().observation, all.view.obs, 0));
      if (all.ended()) all.begin(), few.begin();
    }
  }
}

TEST(MinAtarBreakout, ShowsOneBallOneTrailAndBricksInThreeRows) {
  play("MinAtar/Breakout-v0", 2000, [](const Game& game) {
    for (int channel : {0, 1, 2}) ASSERT_EQ(game.count(channel), 1);
    ASSERT_EQ(game.count(0, 9, 10), 1);
    ASSERT_EQ(game.count(3), game.count(3, 1, 4));
  });
}

TEST(MinAtarAsterix, ShowsAtMostOneThingARowAndItsTrailBeside) {
  play("MinAtar/Asterix-v0", 2000, [](const Game& game) {
    ASSERT_EQ(game.count(0), 1);
    ASSERT_EQ(game.count(1) + game.count(3), game.count(1, 1, 9) + game.count(3, 1, 9));
    for (int y = 1; y < 9; ++y) {
      const int things = game.count(1, y, y + 1) + game.count(3, y, y + 1), trails = game.count(2, y, y + 1);
      ASSERT_LE(things, 1);
      ASSERT_LE(trails, things);
    }
  });
}

TEST(MinAtarSpaceInvaders, AliensAllGoOneWayAndBulletsAreFew) {
  play("MinAtar/SpaceInvaders-v0", 2000, [](const Game& game) {
    ASSERT_EQ(game.count(0, 9, 10), 1);
    const int aliens = game.count(1), left = game.count(2), right = game.count(3);
    ASSERT_TRUE((left == aliens && right == 0) || (right == aliens && left == 0));
    ASSERT_GE(aliens, 1) << "a new wave comes at once";
    ASSERT_LE(aliens, 24);
    ASSERT_LE(game.count(4), 2);
    ASSERT_LE(game.count(5), 1);
  });
}

TEST(MinAtarFreeway, EndsAfter2501StepsWithOneCarAndOneTrailALane) {
  Game game("MinAtar/Freeway-v0", 2);
  double crossings = 0;
  for (int t = 1; t <= 2501; ++t) {
    game.step(kUp);
    crossings += game.view.reward[0];
    for (int y = 1; y < 9; ++y) {
      int trails = 0;
      for (int channel = 2; channel < 7; ++channel) trails += game.count(channel, y, y + 1);
      ASSERT_EQ(trails, 1);
      ASSERT_EQ(game.count(1, y, y + 1), 1);
    }
    ASSERT_EQ(game.ended(), t == 2501);
    ASSERT_EQ(game.view.truncated[0], 0);
  }
  EXPECT_GT(crossings, 10);
}

/// Plays Seaquest for divers: a way to one is taken unless it soon ends the game by all of some random futures.
class Diver {
 public:
  explicit Diver(std::uint64_t seed) : game("MinAtar/Seaquest-v0", seed, {{"sticky_action_prob", "0"}}), rng_(seed) {}

  int on_board() const { return game.count(8); }  // divers, 0 for less than none
  int oxygen() const { return game.count(7); }    // tenths
  int depth() const { return game.find(0).second; }

  void step(std::int64_t wish) {
    std::int64_t action = wish;
    for (int tries = 0; tries < 12 && !survives(action); ++tries) action = rng_.integers(0, 6);
    game.step(action);
  }

  std::int64_t way_to_a_diver() {
    const auto [x, y] = game.find(0);
    std::int64_t action = rng_.integers(0, 6);
    int nearest = 100;
    for (int k = 0; k < kSide * kSide; ++k) {
      const int to_right = k % kSide - x, down = k / kSide - y, distance = std::abs(to_right) + std::abs(down);
      if (!game.at(k % kSide, k / kSide, 9) || distance >= nearest) continue;
      nearest = distance;
      action = down > 0 ? kDown : down < 0 ? kUp : to_right > 0 ? kRight : kLeft;
    }
    // Up at the surface means to surface.
    return y <= 1 && action == kUp ? std::int64_t{kNoOp} : action;
  }

  Game game;

 private:
  bool survives(std::int64_t action) {
    const std::vector<std::byte> state = game.env->save();
    bool alive = false;
    for (int future = 0; future < 6 && !alive; ++future) {
      game.step(action);
      for (int t = 0; t < 5 && !game.ended(); ++t) game.step(rng_.integers(0, 6));
      alive = !game.ended();
      game.env->restore(state);
      game.env->observe(game.view.obs);
    }
    return alive;
  }

  Rng rng_;
};

// Whoever surfaces with one to five divers has one less and full oxygen. Six divers pay the tenths of oxygen and leave a
// debt of one, so that surfacing is not deadly any more.
TEST(MinAtarSeaquest, DiversPayForSurfacing) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Diver diver(seed);
    int surfaced = 0;
    for (int t = 0; t < 3000 && !diver.game.ended(); ++t) {
      const int before = diver.on_board(), tenths = diver.oxygen();
      const bool up = before == 6 || (tenths <= 4 && before > 0) || (before == 3 && surfaced == 0);
      diver.step(up ? std::int64_t{kUp} : diver.way_to_a_diver());
      if (diver.depth() > 0 || diver.game.ended() || tenths == 10 || diver.oxygen() < 10) continue;
      ++surfaced;
      if (before < 6) {
        ASSERT_EQ(diver.game.view.reward[0], 0);
        ASSERT_EQ(diver.on_board(), before - 1);
        continue;
      }
      ASSERT_EQ(diver.game.view.reward[0], tenths);
      ASSERT_EQ(diver.on_board(), 0);
      for (int k = 0; k < 4; ++k) {  // down and up again
        diver.game.step(k % 2 == 0 ? kDown : kUp);
        ASSERT_FALSE(diver.game.ended());
        ASSERT_EQ(diver.game.view.reward[0], 0);
      }
      ASSERT_GE(surfaced, 2);
      return;
    }
  }
  FAIL() << "no game got six divers to the surface";
}

TEST(MinAtarSeaquest, SurfacingWithoutADiverEndsTheGame) {
  Game game("MinAtar/Seaquest-v0", 1, {{"sticky_action_prob", "0"}});
  game.step(kUp);  // at the surface from the start, which is no surfacing
  ASSERT_FALSE(game.ended());
  game.step(kDown);
  ASSERT_FALSE(game.ended());
  game.step(kUp);
  EXPECT_TRUE(game.ended());
}

}  // namespace
}  // namespace corvid
