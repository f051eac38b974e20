#include "core/base/fields.h"

#include <gtest/gtest.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "core/base/check.h"

namespace corvid {
namespace {

struct Config {
  bool flag = false;
  std::int64_t steps = 128;
  double gamma = 0.99;
  std::string kind = "relu";
  Schedule rate = 0.001;
  std::vector<std::int64_t> layers = {64, 64};
};

Fields fields(Config& config) {
  return {Field("flag", &config.flag, "a switch"),
          Field("n_steps", &config.steps, "steps an update").at_least(1).alias("num_steps"),
          Field("gamma", &config.gamma, "discount").between(0, 1),
          Field("activation_fn", &config.kind, "activation").one_of({"relu", "tanh"}),
          Field("learning_rate", &config.rate, "step size").more_than(0),
          Field("net_arch", &config.layers, "hidden layers").at_least(1)};
}

void set(Config& config, const char* name, const char* value) {
  Fields list = fields(config);
  set_field(list, name, value, "agent ppo", "--set");
}

std::string message_of(const char* name, const char* value) {
  Config config;
  try {
    set(config, name, value);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_EQ(error.exit_code(), 2);
    return error.what();
  }
  ADD_FAILURE() << name << " = " << value << " was taken";
  return {};
}

TEST(Fields, ReadEveryType) {
  Config config;
  set(config, "flag", "true");
  set(config, "n_steps", "2048");
  set(config, "gamma", "0.5");
  set(config, "activation_fn", "tanh");
  set(config, "learning_rate", "lin_0.0003");
  set(config, "net_arch", "[256, 128]");
  EXPECT_TRUE(config.flag);
  EXPECT_EQ(config.steps, 2048);
  EXPECT_EQ(config.gamma, 0.5);
  EXPECT_EQ(config.kind, "tanh");
  EXPECT_EQ(config.rate, Schedule::lin(0.0003));
  EXPECT_EQ(config.layers, (std::vector<std::int64_t>{256, 128}));
}

TEST(Fields, IntegersMayBeWrittenInSeveralWays) {
  for (const char* text : {"1000000", "1_000_000", "1e6", " 1000000 "}) {
    Config config;
    set(config, "n_steps", text);
    EXPECT_EQ(config.steps, 1000000) << text;
  }
}

TEST(Fields, ListsMayBeWrittenWithoutBracketsAndBeEmpty) {
  Config config;
  set(config, "net_arch", "32,16,8");
  EXPECT_EQ(config.layers, (std::vector<std::int64_t>{32, 16, 8}));
  set(config, "net_arch", "[]");
  EXPECT_TRUE(config.layers.empty());
}

TEST(Fields, DashesAndAliasesNameTheSameField) {
  for (const char* name : {"n_steps", "n-steps", "num_steps", "num-steps"}) {
    Config config;
    set(config, name, "7");
    EXPECT_EQ(config.steps, 7) << name;
  }
}

TEST(Fields, WrongTypesSayWhatWasExpected) {
  EXPECT_EQ(message_of("flag", "maybe"), "--set: flag expects true/false, got 'maybe'");
  EXPECT_EQ(message_of("n_steps", "1.5"), "--set: n_steps expects integer, got '1.5'");
  EXPECT_EQ(message_of("gamma", "much"), "--set: gamma expects number, got 'much'");
  EXPECT_EQ(message_of("learning_rate", "cos_1"), "--set: learning_rate expects number or lin_<number>, got 'cos_1'");
  EXPECT_EQ(message_of("net_arch", "64,x"), "--set: net_arch expects list of integers, got '64,x'");
  for (const char* name : {"flag", "n_steps", "gamma", "learning_rate"}) message_of(name, "");
}

TEST(Fields, ValuesOutOfRangeAreRefusedAndLeaveTheConfigAlone) {
  EXPECT_EQ(message_of("n_steps", "0"), "--set: n_steps = 0 is out of range; expected at least 1");
  EXPECT_EQ(message_of("gamma", "1.01"), "--set: gamma = 1.01 is out of range; expected in [0, 1]");
  EXPECT_EQ(message_of("learning_rate", "lin_0"), "--set: learning_rate = 0 is out of range; expected more than 0");
  for (const char* value : {"nan", "-0.1", "inf"}) message_of("gamma", value);
  message_of("net_arch", "64,0");
  Config config;
  EXPECT_THROW(set(config, "net_arch", "8,0"), Error);
  EXPECT_EQ(config.layers, (std::vector<std::int64_t>{64, 64}));
}

TEST(Fields, UnknownChoicesAndNamesOfferTheNearest) {
  EXPECT_EQ(message_of("activation_fn", "rely"), "--set: activation_fn = 'rely' is unknown; did you mean 'relu'?");
  EXPECT_EQ(message_of("gama", "1"), "--set: agent ppo has no setting 'gama'; did you mean 'gamma'?");
  EXPECT_EQ(message_of("learning", "1"), "--set: agent ppo has no setting 'learning'; did you mean 'learning_rate'?");
  EXPECT_EQ(
      message_of("xyz", "1"),
      "--set: agent ppo has no setting 'xyz'; known are: flag, n_steps, gamma, activation_fn, learning_rate, net_arch");
}

TEST(Fields, ValuesReadBackAsThemselves) {
  Config config;
  config.gamma = 1.0 / 3;
  config.rate = Schedule::lin(1e-5);
  config.layers = {1, 2, 3};
  for (const Field& field : fields(config)) {
    Config other;
    std::string text = field.value();
    if (text.starts_with('"')) text = text.substr(1, text.size() - 2);
    set(other, field.name().c_str(), text.c_str());
    Fields copies = fields(other);
    for (const Field& copy : copies) {
      if (copy.name() != field.name()) continue;
      EXPECT_EQ(copy.value(), field.value());
    }
  }
}

TEST(Fields, TextIsQuotedForToml) {
  std::string text = "a \"b\" \\ c\nd";
  EXPECT_EQ(Field("text", &text, "").value(), R"("a \"b\" \\ c\nd")");
}

TEST(Fields, RangesReadAsSentences) {
  Config config;
  const Fields list = fields(config);
  EXPECT_EQ(list[0].range(), "");
  EXPECT_EQ(list[1].range(), "at least 1");
  EXPECT_EQ(list[2].range(), "in [0, 1]");
  EXPECT_EQ(list[3].range(), "one of: relu, tanh");
  EXPECT_EQ(list[4].range(), "more than 0");
}

TEST(NumberText, ReadsBackAsTheSameDouble) {
  const double largest = std::numeric_limits<double>::max(), smallest = std::numeric_limits<double>::denorm_min();
  for (double value :
       {0.1, 1.0 / 3, 1e-300, 6.02214076e23, largest, smallest, -0.0, 123456789.0, 0.30000000000000004}) {
    const std::string text = number_text(value);
    double back = 1;
    std::from_chars(text.data(), text.data() + text.size(), back);
    EXPECT_EQ(back, value) << text;
    EXPECT_EQ(std::signbit(back), std::signbit(value)) << text;
  }
  EXPECT_EQ(number_text(3), "3.0");
  EXPECT_EQ(number_text(-2), "-2.0");
  EXPECT_EQ(number_text(0.1), "0.1");
}

TEST(EditDistance, CountsInsertionsDeletionsReplacementsAndSwaps) {
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("gamam", "gamma"), 1u);
  EXPECT_EQ(edit_distance("CartPole", "cartpole"), 0u);
  EXPECT_EQ(edit_distance("flaw", "lawn"), 2u);
}

TEST(Suggestion, NamesAtMostThreeNearestFirst) {
  EXPECT_EQ(suggestion("Taxi-v3", {"Taxi-v4", "Tax-v3", "Taxi-v3x", "Taxi-v5", "Go"}),
            "; did you mean 'Taxi-v3x' or 'Tax-v3' or 'Taxi-v4'?");
}

}  // namespace
}  // namespace corvid
