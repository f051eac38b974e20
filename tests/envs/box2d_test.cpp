// What parity with the official package cannot see of the games on Box2D: worlds that are used again, worlds side by side,
// saved episodes, options that are refused.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <numeric>

#include "envs/box2d/world.h"
#include "tests/env/env_testing.h"

namespace corvid {
namespace {

using env_testing::append_obs;
using env_testing::append_step;
using env_testing::Bytes;
using env_testing::make;
using env_testing::RandomActions;
using env_testing::same;

constexpr const char* kIds[] = {"LunarLander-v3", "LunarLanderContinuous-v3", "BipedalWalker-v3",
                                "BipedalWalkerHardcore-v3"};

/// A game that is played on and on with random actions, from a reset with `seed`.
struct Player {
  Player(std::unique_ptr<VectorEnv> made, std::uint64_t seed)
      : env(std::move(made)),
        buffer(env->spec(), env->num_envs()),
        actions(env->spec().action, env->num_envs(), 1000 + seed) {
    env->reset(seed, buffer.view().obs);
  }

  /// One step; what environment `i` shows of it.
  Bytes step(int i = 0) {
    actions.next_all();
    env->step(actions.view(), buffer.view());
    Bytes bytes;
    append_step(bytes, env->spec().observation, buffer.view(), i);
    return bytes;
  }
  Bytes steps(int count) {
    Bytes bytes;
    for (int t = 0; t < count; ++t) bytes += step();
    return bytes;
  }
  bool ended(int i = 0) const { return buffer.view().terminated[i] || buffer.view().truncated[i]; }

  std::unique_ptr<VectorEnv> env;
  StepBuffer buffer;
  RandomActions actions;
};

class Box2d : public ::testing::TestWithParam<const char*> {};

// 8 worlds at once, and the rest: 21 leave 5.
TEST_P(Box2d, WorldsSideBySideEqualSingleOnes) {
  constexpr int kEnvs = 21, kSteps = 700;
  Player all(make(GetParam(), kEnvs), 40);
  std::vector<Bytes> got(kEnvs), expected(kEnvs);
  for (int t = 0; t < kSteps; ++t) {
    all.step();
    for (int i = 0; i < kEnvs; ++i)
      append_step(got[static_cast<std::size_t>(i)], all.env->spec().observation, all.buffer.view(), i);
  }
  for (int i = 0; i < kEnvs; ++i) {
    Player one(make(GetParam(), 1), 40 + static_cast<std::uint64_t>(i));
    EXPECT_TRUE(same(got[static_cast<std::size_t>(i)], one.steps(kSteps))) << "environment " << i;
  }
}

// A state saved at the beginning of an episode holds random numbers and free places only; in a world that is new, or was
// left by quite another episode, it goes on as in the world that was used.
TEST_P(Box2d, EpisodesBeginAlikeInNewAndUsedWorlds) {
  constexpr int kLimit = 130;  // landers have reached the ground by then
  Player used(make(GetParam(), 1, AutoReset::kSameStep, kLimit), 7);
  for (int episodes = 0; episodes < 4; episodes += used.ended()) used.step();
  const std::vector<std::byte> state = used.env->save();
  Player fresh(make(GetParam(), 1, AutoReset::kSameStep, kLimit), 9);
  fresh.env->restore(state);
  fresh.actions = used.actions;
  Player other(make(GetParam(), 1, AutoReset::kSameStep, kLimit), 11);
  other.steps(333);
  other.env->restore(state);
  other.actions = used.actions;
  const Bytes expected = used.steps(400);
  EXPECT_TRUE(same(fresh.steps(400), expected));
  EXPECT_TRUE(same(other.steps(400), expected));
}

TEST_P(Box2d, RestoresInTheMiddleOfAnyEpisode) {
  Player player(make(GetParam(), 2, AutoReset::kSameStep, 150), 3), other(make(GetParam(), 2), 5);
  other.env = make(GetParam(), 2, AutoReset::kSameStep, 150);
  for (int part = 0; part < 6; ++part) {
    player.steps(83);
    const std::vector<std::byte> state = player.env->save();
    other.env->restore(state);
    other.actions = player.actions;
    EXPECT_EQ(other.env->save(), state) << "part " << part;
    player.env->restore(state);  // also where it is already
    EXPECT_TRUE(same(other.steps(100), player.steps(100))) << "part " << part;
  }
}

/// Bytes behind the actions in the state of one environment: Rng, steps taken, whether it has ended.
constexpr std::size_t kBehindActions = 5 * 8 + 4 + 1;

void expect_refused(VectorEnv& env, const std::vector<std::byte>& state) {
  try {
    env.restore(state);
    FAIL() << "a damaged state was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadFile) << error.what();
  }
}

TEST_P(Box2d, RefusesActionsThatAreNone) {
  Player player(make(GetParam(), 1), 3);
  player.steps(5);
  const std::vector<std::byte> state = player.env->save();
  const bool discrete = player.env->spec().action.kind == Space::Kind::kDiscrete;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (float wrong : discrete ? std::vector<float>{nan, 4, -1, 1.5F} : std::vector<float>{nan, INFINITY}) {
    std::vector<std::byte> damaged = state;
    std::memcpy(&damaged[state.size() - kBehindActions - 4], &wrong, 4);
    expect_refused(*player.env, damaged);
  }
  player.env->restore(state);
}

// Whatever a file holds, it is refused or taken, and the game goes on in order.
TEST_P(Box2d, DamagedStatesDoNoHarm) {
  Player player(make(GetParam(), 1, AutoReset::kSameStep, 40), 3);
  player.steps(55);
  const std::vector<std::byte> state = player.env->save();
  Rng rng(8);
  for (int round = 0; round < 150; ++round) {
    std::vector<std::byte> damaged = state;
    const auto place = static_cast<std::size_t>(rng.integers(0, static_cast<std::int64_t>(state.size())));
    damaged[place] = static_cast<std::byte>(rng.integers(0, 256));
    try {
      player.env->restore(damaged);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadFile) << error.what();
    }
    player.env->reset(5, player.buffer.view().obs);
    player.steps(2);
  }
}

/// Bodies that stand still, one edge each.
void build(box2d::World& world, int count) {
  for (int i = 0; i < count; ++i) {
    b2BodyDef body;
    body.position.Set(static_cast<float>(i), 0);
    b2EdgeShape edge;
    edge.Set({0, 0}, {1, 0});
    world->CreateBody(&body)->CreateFixture(&edge, 0);
  }
}

std::vector<std::int32_t> ascending(std::size_t count) {
  std::vector<std::int32_t> places(count);
  std::iota(places.begin(), places.end(), 0);
  return places;
}

TEST(World, RenewedHasItsPlacesInTheOrderOfANewOne) {
  box2d::World world({0, -10});
  EXPECT_EQ(world.free_places(), ascending(16));
  build(world, 20);                                                // 39 nodes of the collision tree
  world->DestroyBody(world->GetBodyList()->GetNext()->GetNext());  // out of order
  world.clear();
  EXPECT_EQ(world->GetBodyCount(), 0);
  const auto used = world.free_places();
  EXPECT_NE(used, ascending(64));
  EXPECT_TRUE(std::is_permutation(used.begin(), used.end(), ascending(64).begin()));
  world.renew();
  EXPECT_EQ(world.free_places(), ascending(64));
}

TEST(World, TakesThePlacesOfAnother) {
  box2d::World world({0, -10}), other({0, -10});
  build(world, 20);
  world.clear();
  other.set_free_places(world.free_places());
  EXPECT_EQ(other.free_places(), world.free_places());
  // They fill and free their places alike, beyond 64 as well.
  for (box2d::World* w : {&world, &other}) {
    build(*w, 50);
    w->clear();
  }
  EXPECT_EQ(world.free_places().size(), 128u);
  EXPECT_EQ(other.free_places(), world.free_places());
}

TEST(World, RefusesPlacesThatAreNone) {
  box2d::World world({0, -10});
  for (const std::vector<std::int32_t>& wrong : {std::vector<std::int32_t>{}, {0, 1, 1}, {0, 1, 3}, {-1, 0, 1}}) {
    try {
      world.set_free_places(wrong);
      FAIL() << "wrong places were taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadFile);
    }
  }
  EXPECT_EQ(world.free_places(), ascending(16));
}

// Whoever looks for moving bodies stops at the first that does not move.
TEST(World, BodiesThatStandStillComeLast) {
  box2d::World world({0, -10});
  b2BodyDef moving;
  moving.type = b2_dynamicBody;
  build(world, 1);
  b2Body* first = world->CreateBody(&moving);
  build(world, 2);
  b2Body* second = world->CreateBody(&moving);
  std::vector<b2Body*> order;
  for (b2Body* body = world->GetBodyList(); body != nullptr; body = body->GetNext()) order.push_back(body);
  ASSERT_EQ(order.size(), 5u);
  EXPECT_EQ(order[0], second);
  EXPECT_EQ(order[1], first);
  world->DestroyBody(order[2]);
  world->DestroyBody(second);
  EXPECT_EQ(world->GetBodyList(), first);
  EXPECT_EQ(world->GetBodyCount(), 3);
}

INSTANTIATE_TEST_SUITE_P(Every, Box2d, ::testing::ValuesIn(kIds),
                         [](const auto& info) { return env_testing::safe_name(info.param); });

TEST(LunarLander, RefusesOptionsOutOfRange) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"gravity", "0"},     {"gravity", "-12"},        {"gravity", "nan"},         {"wind_power", "-1"},
      {"wind_power", "21"}, {"turbulence_power", "3"}, {"turbulence_power", "-1"},
  };
  for (const auto& option : wrong) {
    try {
      make_env("LunarLander-v3", {}, {option});
      FAIL() << option.first << " = " << option.second << " was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      EXPECT_NE(std::string(error.what()).find(option.first), std::string::npos) << error.what();
    }
  }
}

/// What ten steps without engines show; wind is the only thing random in them after the reset.
Bytes fall(const EnvOptions& options) {
  const auto env = make_env("LunarLander-v3", {.num_envs = 1}, options);
  StepBuffer buffer(env->spec(), 1);
  Bytes bytes;
  const std::int64_t nothing = 0;
  env->reset(4, buffer.view().obs);
  append_obs(bytes, env->spec().observation, buffer.view().obs, 0);
  for (int t = 0; t < 10; ++t) {
    env->step(&nothing, buffer.view());
    append_step(bytes, env->spec().observation, buffer.view(), 0);
  }
  return bytes;
}

TEST(LunarLander, WindWithoutPowerIsCalm) {
  const Bytes calm = fall({});
  EXPECT_TRUE(same(fall({{"enable_wind", "true"}, {"wind_power", "0"}, {"turbulence_power", "0"}}), calm));
  EXPECT_NE(fall({{"enable_wind", "true"}, {"wind_power", "1"}, {"turbulence_power", "0"}}), calm);
  EXPECT_NE(fall({{"enable_wind", "true"}, {"wind_power", "0"}, {"turbulence_power", "1"}}), calm);
  EXPECT_TRUE(same(fall({{"wind_power", "1"}}), calm)) << "wind is off";
}

}  // namespace
}  // namespace corvid
