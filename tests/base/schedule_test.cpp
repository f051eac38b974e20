#include "core/base/schedule.h"

#include <gtest/gtest.h>

#include "core/base/check.h"

namespace corvid {
namespace {

TEST(Schedule, ConstantStaysAndLinearFallsToZero) {
  const Schedule constant = 0.5, falling = Schedule::lin(0.5);
  EXPECT_EQ(constant.at(0), 0.5);
  EXPECT_EQ(constant.at(1), 0.5);
  EXPECT_EQ(falling.at(0), 0.5);
  EXPECT_EQ(falling.at(0.25), 0.375);
  EXPECT_EQ(falling.at(1), 0);
}

TEST(Schedule, ReadsWhatItWrites) {
  for (const char* text : {"0.001", "lin_0.001", "3.0", "lin_2.5e-04"}) {
    const Schedule schedule = Schedule::parse(text);
    EXPECT_EQ(Schedule::parse(schedule.to_string()), schedule) << text;
  }
  EXPECT_EQ(Schedule::parse("lin_0.001"), Schedule::lin(0.001));
  EXPECT_EQ(Schedule::parse("7e-4"), Schedule(0.0007));
  EXPECT_EQ(Schedule::lin(0.2).to_string(), "lin_0.2");
  EXPECT_EQ(Schedule(1).to_string(), "1.0");
}

TEST(Schedule, RefusesOtherText) {
  for (const char* text : {"", "lin_", "lin", "cos_0.1", "0.1x", "lin_0.1 0.2", "LIN_0.1"}) {
    EXPECT_THROW(Schedule::parse(text), Error) << text;
  }
}

}  // namespace
}  // namespace corvid
