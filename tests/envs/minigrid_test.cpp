// What a comparison with the official package does not show of MiniGrid's levels.
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "envs/minigrid/minigrid_env.h"
#include "render/svg_canvas.h"

namespace corvid::minigrid {
namespace {

/// A level where everything can be worked out by hand. The agent looks right in the left upper corner:
///
///   > . K . D G     K yellow key, D locked yellow door, G goal, B red box with a blue ball
///   B . . . # .
///   . . . . # .
struct Bench : World {
  using Options = LevelOptions;
  explicit Bench(const Options& options) : World(options, 8, 5, 50) {}
  static std::string_view longest_mission() { return "use the yellow key, then go to the goal"; }

  void generate(Rng&) {
    grid.walls_around(everywhere());
    grid.column({5, 1}, 3);
    set_agent({1, 1}, 0);
    put(make(Kind::kKey, Hue::kYellow), {3, 1});
    put(make(Kind::kDoor, Hue::kYellow, kLocked), {5, 1});
    grid.set({6, 1}, kGoal);
    put(make_box(Hue::kRed, make(Kind::kBall, Hue::kBlue)), {1, 2});
    mission.say("use the").say(Hue::kYellow).say(Kind::kKey).say(", then go to the goal");
  }
};

using BenchEnv = MiniGridEnv<Bench>;

BenchEnv begin(const LevelOptions& options = {}) {
  BenchEnv env(options);
  Rng rng(0);
  env.reset(rng);
  return env;
}

StepResult play(BenchEnv& env, std::initializer_list<int> actions) {
  Rng rng(0);
  StepResult last;
  for (int action : actions) {
    EXPECT_FALSE(last.terminated);
    last = env.step(action, rng);
  }
  return last;
}

std::string refusal(const std::string& id, const EnvOptions& options) {
  try {
    make_env(id, {}, options);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.what();
  }
  return "taken";
}

TEST(MiniGrid, KeyOpensDoorAndGoalPaysByTime) {
  BenchEnv env = begin();
  const StepResult end = play(env, {kForward, kPickUp, kForward, kForward, kToggle, kForward, kForward});
  EXPECT_TRUE(end.terminated);
  EXPECT_FALSE(end.truncated);
  EXPECT_EQ(end.reward, 1 - 0.9 * (7.0 / 50.0));
  EXPECT_EQ(env.level.agent, (Position{6, 1}));
}

TEST(MiniGrid, LockedDoorStaysClosedWithoutItsKeyAndClosesAgain) {
  BenchEnv env = begin();
  const Position door{5, 1};
  // Past the key: it blocks the way, so around it.
  play(env, {kForward, kRight, kForward, kLeft, kForward, kForward, kLeft, kForward, kRight, kToggle, kForward});
  EXPECT_EQ(env.level.agent, (Position{4, 1}));
  EXPECT_EQ(env.level.grid.at(door).state, kLocked);

  play(env, {kLeft, kLeft, kPickUp, kLeft, kLeft, kToggle});
  EXPECT_EQ(env.level.grid.at(door).state, kOpen);
  EXPECT_EQ(env.level.grid.at(door).opaque, 0);
  play(env, {kToggle});
  EXPECT_EQ(env.level.grid.at(door).state, kClosed);
  EXPECT_EQ(env.level.grid.at(door).opaque, 1);
  play(env, {kLeft, kDrop, kRight, kToggle});  // no key is needed any more; the wall above takes no key
  EXPECT_EQ(env.level.grid.at(door).state, kOpen);
  EXPECT_EQ(env.level.carried.kind, Kind::kKey);
}

TEST(MiniGrid, BoxGivesItsContentsOnceAndObjectsKeepTheirNumbers) {
  BenchEnv env = begin();
  const Cell box = env.level.grid.at({1, 2}), ball = env.level.object(box).contents;
  EXPECT_EQ(ball.kind, Kind::kBall);
  play(env, {kRight, kToggle});
  EXPECT_EQ(env.level.grid.at({1, 2}), ball);
  EXPECT_EQ(env.level.object(ball).now, (Position{1, 2}));
  play(env, {kPickUp});
  EXPECT_TRUE(env.level.carries(ball));
  EXPECT_FALSE(env.level.carries(box));
  EXPECT_EQ(env.level.object(ball).now, Position{});
  EXPECT_TRUE(env.level.grid.at({1, 2}).empty());
  play(env, {kLeft, kDrop});
  EXPECT_EQ(env.level.object(ball).now, (Position{2, 1}));
  EXPECT_TRUE(env.level.carried.empty());
}

TEST(MiniGrid, EpisodeIsCutOffAtTheLevelsLimitOrTheOption) {
  for (const auto& [limit, expected] : std::vector<std::pair<int, int>>{{0, 50}, {3, 3}}) {
    LevelOptions options;
    options.max_steps = limit;
    BenchEnv env = begin(options);
    EXPECT_EQ(BenchEnv::spec(options).max_steps, expected);
    for (int t = 1; t < expected; ++t) EXPECT_FALSE(play(env, {kLeft}).truncated) << t;
    EXPECT_TRUE(play(env, {kLeft}).truncated);
  }
}

TEST(MiniGrid, SavedStateKeepsWhatIsCarriedAndWhatIsHidden) {
  BenchEnv env = begin();
  play(env, {kForward, kPickUp});
  BlobWriter writer;
  env.visit(writer);
  const std::vector<std::byte> saved = writer.take();

  BenchEnv other = begin();
  BlobReader reader(saved);
  other.visit(reader);
  EXPECT_EQ(other.level.carried.kind, Kind::kKey);
  EXPECT_EQ(other.level.mission.text(), "use the yellow key, then go to the goal");
  EXPECT_EQ(other.level.object(other.level.grid.at({1, 2})).contents.kind, Kind::kBall);
  EXPECT_TRUE(play(other, {kForward, kForward, kToggle, kForward, kForward}).terminated);
}

TEST(MiniGrid, StateOfAnotherShapeIsRefused) {
  LevelOptions wide;
  wide.agent_view_size = 9;
  BenchEnv env = begin(), other = begin(wide);
  BlobWriter writer;
  env.visit(writer);
  const std::vector<std::byte> saved = writer.take();
  BlobReader reader(saved);
  EXPECT_THROW(other.visit(reader), Error);
  EXPECT_EQ(other.level.view_size, 9);
}

TEST(MiniGrid, DamagedStateIsRefused) {
  auto refused = [](auto damage) {
    BenchEnv env = begin(), other = begin();
    damage(env.level);
    BlobWriter writer;
    try {
      env.visit(writer);
      const std::vector<std::byte> saved = writer.take();
      BlobReader reader(saved);
      other.visit(reader);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadFile) << error.what();
      return true;
    }
    return false;
  };
  EXPECT_FALSE(refused([](Bench&) {}));
  EXPECT_TRUE(refused([](Bench& level) { level.agent = {8, 1}; }));
  EXPECT_TRUE(refused([](Bench& level) { level.direction = 4; }));
  EXPECT_TRUE(refused([](Bench& level) { level.steps = -1; }));
  EXPECT_TRUE(refused([](Bench& level) { level.carried = kWall; }));
  EXPECT_TRUE(refused([](Bench& level) { level.objects[1].now = {-1, 3}; }));
  EXPECT_TRUE(refused([](Bench& level) { level.objects[1].contents.state = 3; }));
  EXPECT_TRUE(refused([](Bench& level) { level.grid.set({2, 2}, {.kind = Kind::kAgent}); }));
  EXPECT_TRUE(refused([](Bench& level) { level.grid.set({2, 2}, {.kind = Kind::kBall, .object = 9}); }));
  EXPECT_TRUE(refused([](Bench& level) { level.grid.set({2, 2}, {.kind = Kind::kWall}); })) << "a wall is opaque";
  EXPECT_TRUE(refused([](Bench& level) { level.mission.say("go to the goal"); })) << "longer than the observation";
}

/// A level that no random numbers make.
struct Never : Bench {
  using Bench::Bench;
  static bool generate(Rng&) { return false; }
};

TEST(MiniGrid, GivesUpOnALevelThatCannotBe) {
  MiniGridEnv<Never> env({});
  Rng rng(0);
  try {
    env.reset(rng);
    FAIL() << "there is no such level";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_NE(std::string(error.what()).find("fewer objects or larger rooms"), std::string::npos) << error.what();
  }
}

TEST(MiniGrid, OptionsOutsideTheirRangeAreRefusedWithTheReason) {
  EXPECT_NE(refusal("MiniGrid-DoorKey-8x8-v0", {{"agent_view_size", "8"}}).find("must be odd, got 8"),
            std::string::npos);
  EXPECT_NE(refusal("MiniGrid-DoorKey-8x8-v0", {{"agent_view_size", "13"}}).find("[3, 11]"), std::string::npos);
  EXPECT_NE(refusal("MiniGrid-DoorKey-8x8-v0", {{"observation", "symbolic"}}).find("rgb_partial"), std::string::npos);
  EXPECT_NE(refusal("MiniGrid-LavaCrossingS9N1-v0", {{"size", "10"}}).find("size must be odd, got 10"),
            std::string::npos);
  EXPECT_NE(refusal("MiniGrid-MemoryS7-v0", {{"size", "8"}}).find("size must be odd"), std::string::npos);
  EXPECT_NE(refusal("MiniGrid-PutNear-6x6-N2-v0", {{"num_objs", "3"}}).find("no room for num_objs = 3"),
            std::string::npos);
  EXPECT_NE(refusal("MiniGrid-MultiRoom-N6-v0", {{"max_num_rooms", "5"}}).find("min_num_rooms (6) must not exceed"),
            std::string::npos);
  EXPECT_NE(refusal("MiniGrid-ObstructedMaze-1Dl-v0", {{"agent_row", "1"}}).find("does not have: 0, 1"),
            std::string::npos);
}

TEST(MiniGrid, FlatObservationRefusesLongMissions) {
  LevelOptions options;
  options.observation = "flat";
  EXPECT_NO_THROW(Observer(options, std::string(96, 'a')));
  EXPECT_THROW(Observer(options, std::string(97, 'a')), Error);
}

// ---- missions ----

TEST(MiniGridMission, VocabularyHasEachWordOnce) {
  const std::set<std::string_view> words(kVocabulary.begin(), kVocabulary.end());
  EXPECT_EQ(words.size(), kVocabulary.size());
  EXPECT_EQ(kVocabulary[0], "");
}

TEST(MiniGridMission, CommasAreWordsWithoutASpaceBefore) {
  Mission mission;
  mission.say("open the").say(Hue::kRed).say("door, then").say("go to a").say(Kind::kBall);
  EXPECT_EQ(mission.text(), "open the red door, then go to a ball");
  EXPECT_EQ(mission.num_words(), 10);
  EXPECT_EQ(count_words(mission.text()), 10);
  EXPECT_EQ(mission.words()[4], word(","));
  EXPECT_EQ(mission.words()[10], 0);
}

/// The numbers of words, spelled out.
std::string spell(const std::int64_t* words, std::int64_t count) {
  std::string text;
  for (std::int64_t i = 0; i < count && words[i] != 0; ++i) {
    const std::string_view next = kVocabulary.at(static_cast<std::size_t>(words[i]));
    text += (text.empty() || next == "," ? "" : " ") + std::string(next);
  }
  return text;
}

TEST(MiniGridMission, WordsSpellTheTextOfEveryLevel) {
  constexpr int kEnvs = 40, kImage = 0, kText = 2, kWords = 3;
  int levels = 0;
  for (const EnvEntry& entry : env_registry().entries()) {
    if (entry.family != "minigrid") continue;
    const auto env = make_env(entry.id, {.num_envs = kEnvs});
    const auto leaves = env->spec().observation.leaves();
    ASSERT_EQ(leaves[kImage].first, "image");
    ASSERT_EQ(leaves[kWords].first, "mission_tokens");
    const std::int64_t letters = leaves[kText].second->size(), words = leaves[kWords].second->size();
    StepBuffer buffer(env->spec(), kEnvs);
    env->reset(0, buffer.view().obs);
    std::size_t most = 0;
    for (int i = 0; i < kEnvs; ++i) {
      const char* start = buffer.view().obs.as<char>(kText) + i * letters;
      const std::string text(start, std::find(start, start + letters, '\0'));
      most = std::max(most, static_cast<std::size_t>(count_words(text)));
      EXPECT_EQ(spell(buffer.view().obs.as<std::int64_t>(kWords) + i * words, words), text) << entry.id;
    }
    EXPECT_EQ(std::max<std::size_t>(most, 1), static_cast<std::size_t>(words)) << entry.id;
    ++levels;
  }
  EXPECT_EQ(levels, 76);
}

// ---- views ----

/// The rule of the official package as it is told: twice over each row, from the agent's row on.
template <int V>
std::array<bool, V * V> told_visibility(const std::array<bool, V * V>& opaque) {
  std::array<bool, V * V> seen{};
  auto at = [](int column, int row) { return column * V + row; };
  seen[at(V / 2, V - 1)] = true;
  for (int row = V - 1; row >= 0; --row) {
    for (int way : {1, -1}) {
      for (int column = way > 0 ? 0 : V - 1; column + way >= 0 && column + way < V; column += way) {
        if (!seen[at(column, row)] || opaque[at(column, row)]) continue;
        seen[at(column + way, row)] = true;
        if (row > 0) seen[at(column + way, row - 1)] = seen[at(column, row - 1)] = true;
      }
    }
  }
  return seen;
}

template <int V>
void expect_visibility_as_told() {
  Rng rng(V);
  LevelOptions options;
  options.agent_view_size = V;
  World world(options, Grid::kMaxSide, Grid::kMaxSide, 1);
  for (int trial = 0; trial < 300; ++trial) {
    world.begin();
    const double share = rng.uniform(0, 0.7);
    for (int y = 0; y < Grid::kMaxSide; ++y) {
      for (int x = 0; x < Grid::kMaxSide; ++x) {
        if (rng.random() < share) world.grid.set({x, y}, kWall);
      }
    }
    world.set_agent({draw(rng, 0, Grid::kMaxSide), draw(rng, 0, Grid::kMaxSide)}, draw(rng, 0, 4));
    world.grid.set(world.agent, kNothing);
    const View<V> view(world);
    std::array<bool, V * V> opaque{};
    for (int cell = 0; cell < V * V; ++cell) {
      const Position at = View<V>::locate(world, cell);
      opaque[cell] = !world.grid.contains(at) || world.grid.at(at).kind == Kind::kWall;
      EXPECT_EQ(view.at(cell).kind, opaque[cell] ? Kind::kWall : Kind::kEmpty);
    }
    const auto expected = told_visibility<V>(opaque);
    for (int cell = 0; cell < V * V; ++cell)
      ASSERT_EQ(view.sees(cell), expected[cell]) << "view " << V << " cell " << cell;
  }
}

TEST(MiniGridView, VisibilityIsAsToldForEverySize) {
  expect_visibility_as_told<3>();
  expect_visibility_as_told<5>();
  expect_visibility_as_told<7>();
  expect_visibility_as_told<9>();
  expect_visibility_as_told<11>();
}

// ---- pictures ----

int count(const std::string& text, const std::string& what) {
  int found = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

std::string drawn(const BenchEnv& env) {
  SvgCanvas canvas;
  env.draw(canvas);
  return canvas.str();
}

TEST(MiniGridPicture, ShowsMissionAgentAndWhatIsCarried) {
  const BenchEnv start = begin();
  EXPECT_EQ(count(drawn(start), "use the yellow key, then go to the goal"), 1);
  BenchEnv turned = start, laden = start;
  turned.level.direction = 1;
  EXPECT_NE(drawn(turned), drawn(start));
  laden.level.carried = {.kind = Kind::kBall, .hue = Hue::kPurple};
  EXPECT_NE(drawn(laden), drawn(start));
}

TEST(MiniGridPicture, LongMissionsAreBrokenIntoLines) {
  BenchEnv env = begin();
  env.level.mission.clear();
  for (int i = 0; i < 6; ++i) env.level.mission.say("put the yellow ball next to");
  SvgCanvas canvas;
  env.draw(canvas);
  EXPECT_EQ(count(canvas.str(), "<text"), 3);  // 6 * 27 + 5 letters in lines of at most 64
  EXPECT_EQ(count(canvas.str(), "yellow"), 6);
}

TEST(MiniGridPicture, TilesAreMadeOncePerSize) {
  const TileSet& tiles = TileSet::of_size(4);
  EXPECT_EQ(&tiles, &TileSet::of_size(4));
  EXPECT_NE(&tiles, &TileSet::of_size(5));
  const std::uint8_t* wall = tiles.picture(kWall, TileSet::kNoAgent, false);
  EXPECT_TRUE(std::all_of(wall, wall + 4 * 4 * 3, [](int value) { return value == 100; }));
  const std::uint8_t* lit = tiles.picture(kWall, TileSet::kNoAgent, true);
  EXPECT_EQ(lit[0], 146);  // 100 + 0.3 * 155, rounded down
}

}  // namespace
}  // namespace corvid::minigrid
