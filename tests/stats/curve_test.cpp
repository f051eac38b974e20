#include "core/stats/curve.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace corvid {
namespace {

using Values = std::vector<double>;

TEST(Curve, InterpolatesBetweenNeighboursAndNowhereElse) {
  const Curve curve{{0, 10, 30}, {1, 2, 6}};
  EXPECT_EQ(interpolate(curve, 0), 1);
  EXPECT_EQ(interpolate(curve, 30), 6);
  EXPECT_DOUBLE_EQ(interpolate(curve, 5), 1.5);
  EXPECT_DOUBLE_EQ(interpolate(curve, 25), 5);
  for (const double outside : {-0.1, 30.1, std::nan("")}) EXPECT_TRUE(std::isnan(interpolate(curve, outside)));
  EXPECT_TRUE(std::isnan(interpolate({}, 1)));
}

TEST(Curve, SmoothsOverTheLastValues) {
  EXPECT_EQ(smooth({{1, 2, 3, 4}, {4, 2, 6, 1}}, 3).y, (Values{4, 3, 4, 3}));
  EXPECT_EQ(smooth({{1, 2, 3, 4}, {4, 2, 6, 1}}, 1).y, (Values{4, 2, 6, 1}));
  EXPECT_EQ(smooth({{1, 2}, {4, 2}}, 100).y, (Values{4, 3}));
}

TEST(MeanCurve, OfFewRunsHasTheRangeAsBandWhereAllHaveData) {
  const Curve runs[] = {{{0, 10, 20, 30}, {0, 1, 2, 3}}, {{5, 20, 25}, {3, 6, 0}}};
  const MeanCurve curve = mean_curve(runs);
  EXPECT_EQ(curve.band, Band::kRange);
  EXPECT_EQ(curve.x, (Values{5, 10, 20, 25}));
  EXPECT_EQ(curve.low, (Values{0.5, 1, 2, 0}));
  EXPECT_EQ(curve.high, (Values{3, 4, 6, 2.5}));
  EXPECT_EQ(curve.mean, (Values{1.75, 2.5, 4, 1.25}));
}

TEST(MeanCurve, OfOneRunIsTheRunWithoutABand) {
  const Curve run{{0, 10}, {3, 4}};
  const MeanCurve curve = mean_curve({&run, 1});
  EXPECT_EQ(curve.band, Band::kNone);
  EXPECT_EQ(curve.x, run.x);
  EXPECT_EQ(curve.mean, run.y);
  EXPECT_TRUE(curve.low.empty() && curve.high.empty());
}

TEST(MeanCurve, IsEmptyWithoutACommonStretch) {
  const Curve runs[] = {{{0, 10}, {0, 1}}, {{11, 20}, {3, 6}}};
  EXPECT_TRUE(mean_curve(runs).x.empty());
  const Curve one_without[] = {{{0, 10}, {0, 1}}, {}};
  EXPECT_TRUE(mean_curve(one_without).x.empty());
  EXPECT_TRUE(mean_curve({}).x.empty());
}

TEST(MeanCurve, HasNoMorePointsThanAskedFor) {
  Curve run;
  for (int k = 0; k <= 5000; ++k) {
    run.x.push_back(k);
    run.y.push_back(2.0 * k);
  }
  const MeanCurve curve = mean_curve({&run, 1}, 101);
  ASSERT_EQ(curve.x.size(), 101U);
  EXPECT_EQ(curve.x[1], 50);
  EXPECT_EQ(curve.x.back(), 5000);
  EXPECT_EQ(curve.mean[1], 100);
  EXPECT_EQ(curve.mean.back(), 10000);
}

// Of five runs all 5^5 draws can be counted; 2,000 random ones come near their percentiles.
TEST(MeanCurve, OfFiveRunsHasTheBootstrapIntervalOfTheMean) {
  std::vector<Curve> runs;
  for (const double value : {0.0, 1.0, 2.0, 3.0, 10.0}) runs.push_back({{0, 1}, {value, 7}});
  Values means;
  for (int draw = 0; draw < 3125; ++draw) {
    double sum = 0;
    for (int rest = draw, i = 0; i < 5; ++i, rest /= 5) sum += runs[static_cast<std::size_t>(rest % 5)].y[0];
    means.push_back(sum / 5);
  }
  std::sort(means.begin(), means.end());

  const MeanCurve curve = mean_curve(runs);
  EXPECT_EQ(curve.band, Band::kBootstrap);
  EXPECT_DOUBLE_EQ(curve.mean[0], 3.2);
  EXPECT_NEAR(curve.low[0], means[78], 0.21);
  EXPECT_NEAR(curve.high[0], means[3046], 0.41);
  EXPECT_LT(curve.high[0], 8);  // not the range
  EXPECT_NEAR(curve.low[1], 7, 1e-12);
  EXPECT_NEAR(curve.high[1], 7, 1e-12);
  EXPECT_EQ(mean_curve(runs).low, curve.low) << "the same every time";
}

}  // namespace
}  // namespace corvid
