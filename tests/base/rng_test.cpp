#include "core/base/rng.h"

#include <gtest/gtest.h>

namespace corvid {
namespace {

TEST(Rng, FirstDrawsEqualNumPy) {
  Rng rng(42);
  EXPECT_EQ(rng.random(), 0.7739560485559633);
}

}  // namespace
}  // namespace corvid
