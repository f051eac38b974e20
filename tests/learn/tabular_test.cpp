#include "core/learn/tabular.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/base/check.h"
#include "core/learn/learned_model.h"
#include "core/learn/returns.h"

namespace corvid {
namespace {

using Numbers = std::vector<double>;

Numbers policy(const Numbers& q, const std::uint8_t* legal, double epsilon) {
  Numbers probabilities(q.size());
  epsilon_greedy(q, legal, epsilon, probabilities);
  return probabilities;
}

TEST(StateIndex, CountsTheLastNumberFastest) {
  const StateIndex discrete(Space::discrete(5, 10), "test");
  EXPECT_EQ(discrete.num_states(), 5);
  const std::int64_t twelve = 12;
  EXPECT_EQ(discrete(&twelve), 2);

  const StateIndex blackjack(Space::multi_discrete({32, 11, 2}), "test");
  EXPECT_EQ(blackjack.num_states(), 32 * 11 * 2);
  EXPECT_EQ(blackjack.numbers(), 3);
  const std::int64_t hand[] = {20, 7, 1};
  EXPECT_EQ(blackjack(hand), (20 * 11 + 7) * 2 + 1);
}

TEST(StateIndex, RefusesWhatIsNoTable) {
  for (const Space& space : {Space::box(0, 1, {2}), Space::multi_discrete({100'000, 100'000})}) {
    try {
      StateIndex(space, "q_learning");
      ADD_FAILURE() << space.to_string() << " was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      EXPECT_NE(std::string(error.what()).find("q_learning keeps a table"), std::string::npos) << error.what();
    }
  }
}

TEST(GreedyAction, IsTheFirstOfTheBestLegalOnes) {
  const Numbers q = {1, 3, 3 + 1e-12, 2};  // rounding apart, actions 1 and 2 tie
  EXPECT_EQ(greedy_action(q, nullptr), 1);
  const std::uint8_t legal[] = {1, 0, 0, 1}, none[] = {0, 0, 0, 0};
  EXPECT_EQ(greedy_action(q, legal), 3);
  EXPECT_EQ(max_value(q, legal), 2);
  EXPECT_EQ(max_value(q, none), 0);
  EXPECT_TRUE(is_greedy(q, nullptr, 1));
  EXPECT_TRUE(is_greedy(q, nullptr, 2));
  EXPECT_FALSE(is_greedy(q, nullptr, 3));
  EXPECT_EQ(greedy_action(Numbers{-1000, -1000 + 1e-3}, nullptr), 1);
}

TEST(EpsilonGreedy, SharesEpsilonAmongLegalActionsAndTheRestAmongTheBest) {
  // 0.4 / 4 each; the best gets 0.6 more
  EXPECT_EQ(policy({0, 5, 1, 2}, nullptr, 0.4), (Numbers{0.1, 0.1 + 0.6, 0.1, 0.1}));
  EXPECT_EQ(policy({5, 5, 1, 2}, nullptr, 0.4), (Numbers{0.1 + 0.3, 0.1 + 0.3, 0.1, 0.1}));
  const std::uint8_t legal[] = {1, 0, 1, 0};  // 0.4 / 2 each
  EXPECT_EQ(policy({0, 5, 1, 2}, legal, 0.4), (Numbers{0.2, 0, 0.2 + 0.6, 0}));
  EXPECT_EQ(policy({7, 7}, nullptr, 0), (Numbers{0.5, 0.5}));
}

TEST(ExpectedValue, WeighsValuesByTheirProbabilities) {
  EXPECT_DOUBLE_EQ(expected_value(Numbers{4, 8, 100}, Numbers{0.25, 0.75, 0}), 7);
}

TEST(Targets, StopAtTerminations) {
  EXPECT_DOUBLE_EQ(one_step_target(1, 0.5, false, 8), 5);
  EXPECT_DOUBLE_EQ(one_step_target(1, 0.5, true, 8), 1);
  // 0.25 (2 + 0.5 * 4) + 0.75 * -1
  const std::vector<Transition> outcomes = {{0.25, 1, 2, false}, {0.75, 0, -1, true}};
  EXPECT_DOUBLE_EQ(expected_target(outcomes, 0.5, [](std::int64_t state) { return state == 1 ? 4.0 : 1000.0; }), 0.25);
}

TEST(EligibilityTraces, GrowOrAreReplacedAndDecay) {
  EligibilityTraces replacing(10), accumulating(10);
  for (EligibilityTraces* traces : {&replacing, &accumulating}) {
    const bool replace = traces == &replacing;
    traces->visit_pair(3, replace);
    traces->decay(0.5);
    traces->visit_pair(7, replace);
    traces->decay(0.5);
    traces->visit_pair(3, replace);  // its trace was 0.25
    EXPECT_EQ(Numbers(traces->traces().begin(), traces->traces().end()), (Numbers{replace ? 1 : 1.25, 0.5}));
    EXPECT_EQ(traces->pairs()[0], 3);
    EXPECT_EQ(traces->pairs()[1], 7);
  }
  replacing.decay(EligibilityTraces::kSmallest);  // 1e-8 stays, 0.5e-8 goes
  EXPECT_EQ(replacing.pairs().size(), 1u);
  replacing.decay(0);
  EXPECT_TRUE(replacing.pairs().empty());
}

TEST(DiscountedReturns, OfDoublesEndInTheLastValue) {
  const Numbers rewards = {1, 0, 2};
  Numbers returns(3);
  discounted_returns(rewards.data(), 3, 0.5, 8, returns.data());
  EXPECT_EQ(returns, (Numbers{2.5, 3, 6}));
}

LearnedModel counted() {
  LearnedModel model(4, 2);  // pair = 2 state + action
  model.add(0, 1, -1, false);
  model.add(0, 2, -1, false);
  model.add(0, 1, -1, false);
  model.add(0, 1, 5, false);  // the same state with another reward
  model.add(5, 2, 0, false);
  model.add(7, 2, 10, true);
  return model;
}

TEST(LearnedModel, GivesSharesOfCountedOutcomes) {
  LearnedModel model = counted();
  const auto outcomes = model.outcomes(0);
  ASSERT_EQ(outcomes.size(), 3u);
  EXPECT_EQ(outcomes[0].next_state, 1);
  EXPECT_EQ(outcomes[0].probability, 0.5);
  EXPECT_EQ(outcomes[1].next_state, 2);
  EXPECT_EQ(outcomes[1].probability, 0.25);
  EXPECT_EQ(outcomes[2].reward, 5);
  EXPECT_TRUE(model.outcomes(7)[0].terminated);
  EXPECT_TRUE(model.outcomes(1).empty());
  EXPECT_EQ(model.num_seen(), 3);
}

TEST(LearnedModel, KnowsWhichPairsLeadToAStateUnlessTheEpisodeEndsThere) {
  LearnedModel model = counted();
  const auto into = [&](std::int64_t state) {
    const auto pairs = model.predecessors(state);
    return std::vector<std::int64_t>(pairs.begin(), pairs.end());
  };
  EXPECT_EQ(into(1), (std::vector<std::int64_t>{0}));
  EXPECT_EQ(into(2), (std::vector<std::int64_t>{5, 0}));
  EXPECT_TRUE(into(3).empty());
}

TEST(LearnedModel, DrawsAsOftenAsItCounted) {
  const LearnedModel model = counted();
  Rng rng(1);
  constexpr int kDraws = 40'000;
  int pair_zero = 0, state_two = 0;
  for (int k = 0; k < kDraws; ++k) {
    pair_zero += model.draw_pair(rng) == 0;
    state_two += model.draw_outcome(0, rng).next_state == 2;
  }
  // within 4 standard errors
  EXPECT_NEAR(pair_zero, kDraws / 3.0, 4 * std::sqrt(kDraws * 2 / 9.0));
  EXPECT_NEAR(state_two, kDraws / 4.0, 4 * std::sqrt(kDraws * 3 / 16.0));
}

TEST(LearnedModel, IsSavedWhole) {
  LearnedModel model = counted(), loaded(4, 2), again(4, 2);
  BlobWriter writer;
  model.visit(writer);
  const std::vector<std::byte> bytes = writer.take();
  BlobReader reader(bytes);
  loaded.add(1, 1, 1, false);  // must be forgotten
  loaded.visit(reader);
  EXPECT_EQ(loaded.num_seen(), 3);
  EXPECT_TRUE(loaded.outcomes(1).empty());
  for (LearnedModel* each : {&model, &loaded}) each->add(5, 3, 0, false);
  Rng left(2), right(2);
  for (int k = 0; k < 100; ++k) {
    const std::int64_t pair = model.draw_pair(left);
    ASSERT_EQ(pair, loaded.draw_pair(right));
    ASSERT_EQ(model.draw_outcome(pair, left).next_state, loaded.draw_outcome(pair, right).next_state);
  }

  LearnedModel smaller(2, 2);
  BlobReader other(bytes);
  EXPECT_THROW(smaller.visit(other), Error);
}

}  // namespace
}  // namespace corvid
