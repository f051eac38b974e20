// BabyAI's instructions: their words, and when they are carried out.
#include <gtest/gtest.h>

#include "envs/babyai/level.h"

namespace corvid::minigrid::babyai {
namespace {

/// One room of 8 x 8 cells; the agent stands at (3, 3) and looks right.
struct Playground : BabyLevel {
  Playground() : BabyLevel(LevelOptions{}, 8, 1, 1, {.most_navigations = 8}) {
    begin_rooms(rng);
    set_agent({3, 3}, 0);
  }

  Cell add(Kind kind, Hue hue, Position at, std::uint8_t state = DoorState::kClosed) {
    const Cell cell = make(kind, hue, kind == Kind::kDoor ? state : std::uint8_t{0});
    put(cell, at);
    return cell;
  }

  std::string text(const Instruction& given) {
    mission.clear();
    EXPECT_TRUE(assign(given));
    return std::string(mission.text());
  }

  /// Turns on the spot, which no instruction minds.
  void look(int looking) { direction = looking; }

  StepResult play(std::int64_t action) { return step(action, rng); }

  Rng rng{1};
};

constexpr Description kBall{.kind = Kind::kBall}, kRedBall{.kind = Kind::kBall, .hue = Hue::kRed};
constexpr Description kBlueBall{.kind = Kind::kBall, .hue = Hue::kBlue}, kKey{.kind = Kind::kKey};
constexpr Description kDoor{.kind = Kind::kDoor}, kBox{.kind = Kind::kBox};
constexpr int kGoesOn = 0, kSucceeds = 1, kFails = 2;

int outcome(const StepResult& result) { return !result.terminated ? kGoesOn : result.reward > 0 ? kSucceeds : kFails; }

TEST(BabyAiWords, NameWhatIsToBeDone) {
  Playground world;
  world.add(Kind::kBall, Hue::kRed, {5, 5});
  world.add(Kind::kKey, Hue::kYellow, {1, 1});
  world.add(Kind::kDoor, Hue::kPurple, {7, 3});
  EXPECT_EQ(world.text(go_to(kRedBall)), "go to the red ball");
  EXPECT_EQ(world.text(pick_up({.hue = Hue::kYellow})), "pick up the yellow object");
  EXPECT_EQ(world.text(open(kDoor)), "open the door");
  EXPECT_EQ(world.text(put_next(kKey, kRedBall)), "put the key next to the red ball");
}

TEST(BabyAiWords, SayAWhereSeveralThingsFit) {
  Playground world;
  world.add(Kind::kBall, Hue::kRed, {5, 5});
  world.add(Kind::kBall, Hue::kBlue, {5, 1});
  world.add(Kind::kKey, Hue::kGrey, {1, 1});
  EXPECT_EQ(world.text(go_to(kBall)), "go to a ball");
  EXPECT_EQ(world.text(go_to(kBlueBall)), "go to the blue ball");
  EXPECT_EQ(world.text(pick_up({.kind = Kind::kKey, .hue = Hue::kGrey})), "pick up the grey key");
  // Walls are grey.
  EXPECT_EQ(world.text(pick_up({.hue = Hue::kGrey})), "pick up a grey object");
}

TEST(BabyAiWords, TellWhereThingsAreFromTheAgent) {
  Playground world;
  world.add(Kind::kBall, Hue::kRed, {5, 2});   // ahead and left
  world.add(Kind::kBall, Hue::kBlue, {1, 4});  // behind and right
  auto text = [&](Where where) { return world.text(go_to({.kind = Kind::kBall, .where = where})); };
  EXPECT_EQ(text(Where::kLeft), "go to the ball on your left");
  EXPECT_EQ(text(Where::kRight), "go to the ball on your right");
  EXPECT_EQ(text(Where::kInFront), "go to the ball in front of you");
  EXPECT_EQ(text(Where::kBehind), "go to the ball behind you");
  // What lies exactly beside the agent is neither before nor behind it.
  Description beside{.kind = Kind::kKey, .where = Where::kInFront};
  world.add(Kind::kKey, Hue::kRed, {3, 6});
  beside.resolve(world);
  EXPECT_EQ(beside.objects, 0u);
  beside.where = Where::kRight;
  beside.resolve(world);
  EXPECT_NE(beside.objects, 0u);
}

TEST(BabyAiWords, JoinClauses) {
  Playground world;
  world.add(Kind::kBall, Hue::kRed, {5, 5});
  world.add(Kind::kKey, Hue::kGreen, {1, 1});
  world.add(Kind::kBox, Hue::kBlue, {1, 5});
  EXPECT_EQ(world.text(Part(go_to(kBall), pick_up(kKey))), "go to the ball and pick up the key");
  EXPECT_EQ(world.text({go_to(kBall), Instruction::kThen, pick_up(kKey)}), "go to the ball, then pick up the key");
  EXPECT_EQ(world.text({go_to(kBall), Instruction::kAfter, pick_up(kKey)}), "go to the ball after you pick up the key");
  EXPECT_EQ(world.text({Part(go_to(kBall), go_to(kBox)), Instruction::kAfter, Part(pick_up(kKey), go_to(kKey))}),
            "go to the ball and go to the box after you pick up the key and go to the key");
  EXPECT_EQ(world.mission.num_words(), 20);
}

TEST(BabyAiSteps, GrowWithTheWaysToGo) {
  Playground world;
  world.add(Kind::kBall, Hue::kRed, {5, 5});
  world.add(Kind::kKey, Hue::kGreen, {1, 1});
  EXPECT_EQ(world.max_steps, 8 * 64);  // before the first instruction the most it can be
  world.text(go_to(kBall));
  EXPECT_EQ(world.max_steps, 64);
  world.text(put_next(kBall, kKey));
  EXPECT_EQ(world.max_steps, 2 * 64);
  world.text({Part(go_to(kBall), put_next(kKey, kBall)), Instruction::kThen, go_to(kKey)});
  EXPECT_EQ(world.max_steps, 4 * 64);
}

TEST(BabyAiGoTo, NeedsTheAgentToFaceTheObject) {
  Playground world;
  world.add(Kind::kBall, Hue::kRed, {3, 4});  // next to the agent, on its right
  world.text(go_to(kBall));
  EXPECT_EQ(outcome(world.play(kLeft)), kGoesOn);
  world.look(0);
  const StepResult result = world.play(kRight);
  EXPECT_EQ(outcome(result), kSucceeds);
  EXPECT_EQ(result.reward, 1 - 0.9 * (2.0 / 64));
}

// The official verifier looks where things are when something is dropped, and else remembers.
TEST(BabyAiGoTo, AcceptsTheOldPlaceOfAnObjectUntilSomethingIsDropped) {
  Playground world;
  world.add(Kind::kBall, Hue::kRed, {3, 4});
  world.text({go_to({.kind = Kind::kBall}), Instruction::kAfter, pick_up(kBall)});
  world.look(1);
  // The ball is taken, and the place where it was is still the ball's.
  EXPECT_EQ(outcome(world.play(kPickUp)), kSucceeds);
  Playground other;
  other.add(Kind::kBall, Hue::kRed, {3, 4});
  other.add(Kind::kKey, Hue::kRed, {2, 3});
  other.text({go_to({.kind = Kind::kBall}), Instruction::kAfter, pick_up(kKey)});
  other.look(1);
  EXPECT_EQ(outcome(other.play(kPickUp)), kGoesOn);
  other.look(0);
  EXPECT_EQ(outcome(other.play(kDrop)), kGoesOn);  // the ball is at (4, 3) now
  other.look(2);
  EXPECT_EQ(outcome(other.play(kPickUp)), kGoesOn);
  EXPECT_EQ(outcome(other.play(kLeft)), kGoesOn);  // looks at (3, 4)
  EXPECT_EQ(outcome(other.play(kLeft)), kSucceeds);
}

TEST(BabyAiPickUp, FailsWithAnotherObjectOnlyWhenStrict) {
  for (const bool strict : {false, true}) {
    Playground world;
    world.add(Kind::kBall, Hue::kRed, {4, 3});
    world.add(Kind::kKey, Hue::kRed, {1, 1});
    world.text(pick_up(kKey, strict));
    EXPECT_EQ(outcome(world.play(kPickUp)), strict ? kFails : kGoesOn);
  }
}

TEST(BabyAiPickUp, OneStepMayCarryOutBothParts) {
  Playground world;
  world.add(Kind::kBall, Hue::kRed, {4, 3});
  world.text({pick_up(kBall), Instruction::kThen, pick_up(kRedBall)});
  EXPECT_EQ(outcome(world.play(kPickUp)), kSucceeds);
}

TEST(BabyAiOpen, NeedsTheDoorToOpen) {
  Playground world;
  world.add(Kind::kDoor, Hue::kRed, {4, 3}, DoorState::kOpen);
  world.text(open(kDoor));
  EXPECT_EQ(outcome(world.play(kDone)), kGoesOn);
  EXPECT_EQ(outcome(world.play(kToggle)), kGoesOn);  // closes it
  EXPECT_EQ(outcome(world.play(kToggle)), kSucceeds);
}

TEST(BabyAiOpen, StrictForbidsOtherDoorsAndClosing) {
  auto start = [](Playground& world, bool strict, std::uint8_t state) {
    world.add(Kind::kDoor, Hue::kRed, {4, 3}, state);
    world.add(Kind::kDoor, Hue::kBlue, {3, 4}, state);
    world.add(Kind::kBox, Hue::kBlue, {2, 3});
    world.text(open({.kind = Kind::kDoor, .hue = Hue::kRed}, strict));
  };
  for (const bool strict : {false, true}) {
    Playground world;
    start(world, strict, DoorState::kClosed);
    world.look(2);
    EXPECT_EQ(outcome(world.play(kToggle)), kGoesOn) << "a box is no door";
    world.look(1);
    EXPECT_EQ(outcome(world.play(kToggle)), strict ? kFails : kGoesOn) << "the wrong door";
    Playground other;
    start(other, strict, DoorState::kOpen);
    EXPECT_EQ(outcome(other.play(kToggle)), strict ? kFails : kGoesOn) << "closes the right door";
  }
}

// As in the official package: the step that opens the first door is a wrong one for the second clause.
TEST(BabyAiOpen, TwoStrictDoorsCannotBothBeOpened) {
  Playground world;
  world.add(Kind::kDoor, Hue::kRed, {4, 3});
  world.add(Kind::kDoor, Hue::kBlue, {3, 4});
  world.text({open({.kind = Kind::kDoor, .hue = Hue::kRed}, true), Instruction::kThen,
              open({.kind = Kind::kDoor, .hue = Hue::kBlue}, true)});
  EXPECT_EQ(outcome(world.play(kToggle)), kFails);
}

TEST(BabyAiPutNext, NeedsADropNextToTheOther) {
  Playground world;
  world.add(Kind::kBall, Hue::kRed, {4, 3});
  world.add(Kind::kBox, Hue::kBlue, {3, 5});
  world.text(put_next(kBall, kBox));
  EXPECT_EQ(outcome(world.play(kPickUp)), kGoesOn);
  EXPECT_EQ(outcome(world.play(kDrop)), kGoesOn);
  EXPECT_EQ(outcome(world.play(kPickUp)), kGoesOn);
  EXPECT_EQ(outcome(world.play(kRight)), kGoesOn);
  EXPECT_EQ(outcome(world.play(kDrop)), kSucceeds);  // at (3, 4)
}

TEST(BabyAiPutNext, IsRefusedWhereItIsDoneAlreadyOrTheTwoMayBeOne) {
  Playground world;
  world.add(Kind::kBall, Hue::kRed, {4, 3});
  world.add(Kind::kBox, Hue::kBlue, {5, 3});
  world.add(Kind::kBall, Hue::kBlue, {1, 1});
  EXPECT_FALSE(world.assign(put_next(kRedBall, kBox)));
  EXPECT_FALSE(world.assign(put_next(kBall, kRedBall)));
  EXPECT_TRUE(world.assign(put_next(kBlueBall, kBox)));
}

// The object is in the agent's hands from the first step on, and must have been there at the step before it is dropped.
TEST(BabyAiPutNext, DoesNotCountADropInTheFirstStep) {
  Playground world;
  world.add(Kind::kBall, Hue::kRed, {6, 6});
  world.add(Kind::kBox, Hue::kBlue, {5, 3});
  world.text(put_next(kBall, kBox));
  const Cell ball = world.grid.at({6, 6});
  world.grid.set({6, 6}, kNothing);
  world.object(ball).now = {};
  world.carried = ball;
  EXPECT_EQ(outcome(world.play(kDrop)), kGoesOn);
  EXPECT_TRUE(world.grid.at({4, 3}).looks_like(Kind::kBall, Hue::kRed));
  EXPECT_EQ(outcome(world.play(kPickUp)), kGoesOn);
  EXPECT_EQ(outcome(world.play(kDrop)), kSucceeds);
}

TEST(BabyAiOrder, AndTakesEither) {
  for (const bool ball_first : {false, true}) {
    Playground world;
    world.add(Kind::kBall, Hue::kRed, {4, 3});
    world.add(Kind::kKey, Hue::kRed, {3, 4});
    world.text(Part(go_to(kBall), go_to(kKey)));
    world.look(ball_first ? 0 : 1);
    EXPECT_EQ(outcome(world.play(kDone)), kGoesOn);
    EXPECT_EQ(outcome(world.play(ball_first ? kRight : kLeft)), kSucceeds);
  }
}

TEST(BabyAiOrder, ThenAndAfterTakeOneOnly) {
  for (const auto order : {Instruction::kThen, Instruction::kAfter}) {
    for (const bool ball_first : {false, true}) {
      Playground world;
      world.add(Kind::kBall, Hue::kRed, {4, 3});
      world.add(Kind::kKey, Hue::kRed, {3, 4});
      world.text({go_to(kBall), order, go_to(kKey)});
      world.look(ball_first ? 0 : 1);
      EXPECT_EQ(outcome(world.play(kDone)), kGoesOn);
      const bool right = ball_first == (order == Instruction::kThen);
      EXPECT_EQ(outcome(world.play(ball_first ? kRight : kLeft)), right ? kSucceeds : kGoesOn);
    }
  }
}

TEST(BabyAiLevels, AreDrawnOnceMoreWhereTheOfficialPackageNeverEnds) {
  // The agent finds only a place in the middle of objects, and must not face any.
  Playground world;
  const Position only{4, 4}, beside{5, 4};
  for (int y = 1; y <= 6; ++y) {
    for (int x = 1; x <= 6; ++x) {
      if (Position{x, y} != only) world.add(Kind::kBall, Hue::kRed, {x, y});
    }
  }
  EXPECT_FALSE(world.place_agent(world.rng));
  world.grid.set(beside, kNothing);
  EXPECT_TRUE(world.place_agent(world.rng));
  EXPECT_TRUE(world.agent == only || world.agent == beside);
  EXPECT_TRUE(world.grid.at(world.in_front()).empty());

  // A level where that happens.
  const auto env = make_env("BabyAI-SynthS5R2-v0");
  StepBuffer buffer(env->spec(), 1);
  env->reset(1741, buffer.view().obs);
}

TEST(BabyAiLevels, AreFoundInTheFullestRoom) {
  const auto env = make_env("BabyAI-GoToRedBall-v0", {}, {{"num_dists", "17"}});
  StepBuffer buffer(env->spec(), 1);
  env->reset(2, buffer.view().obs);  // after some 19,000 tries
  const std::uint8_t* image = buffer.view().obs.as<std::uint8_t>();
  EXPECT_GT(std::count(image, image + 7 * 7 * 3, static_cast<int>(Kind::kWall)), 0);
}

TEST(BabyAiLevels, RefuseOptionsThatLeaveNoRoom) {
  for (const char* id : {"BabyAI-MiniBossLevel-v0", "BabyAI-Open-v0", "BabyAI-Unlock-v0", "BabyAI-GoToImpUnlock-v0"})
    EXPECT_THROW(make_env(id, {}, {{"num_rows", "1"}, {"num_cols", "1"}}), Error) << id;
}

TEST(BabyAiLevels, KnowTheLongestEpisode) {
  auto most = [](const std::string& id) { return make_env(id)->spec().max_steps; };
  EXPECT_EQ(most("BabyAI-GoToLocal-v0"), 64);
  EXPECT_EQ(most("BabyAI-PutNextLocal-v0"), 2 * 64);
  EXPECT_EQ(most("BabyAI-OpenDoorsOrderN4-v0"), 20 * 36);
  EXPECT_EQ(most("BabyAI-GoToSeq-v0"), 4 * 9 * 64);
  EXPECT_EQ(most("BabyAI-BossLevel-v0"), 8 * 9 * 64);
  EXPECT_EQ(most("BabyAI-UnlockPickup-v0"), 2 * 36);  // which forgets the limit that it means to have
}

}  // namespace
}  // namespace corvid::minigrid::babyai
