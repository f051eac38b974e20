#include "envs/box2d/track.h"

#include <cmath>
#include <numbers>

namespace corvid::box2d {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr int kCheckpoints = 12;
constexpr double kStartAlpha = 2 * kPi * -0.5 / kCheckpoints;
constexpr double kTurnRate = 0.31;  // rad a step, at most
constexpr int kKerbTiles = 4;       // a turn as long as this has a kerb

struct Checkpoint {
  double alpha, x, y;
};

std::array<Checkpoint, kCheckpoints> draw_checkpoints(Rng& rng) {
  std::array<Checkpoint, kCheckpoints> checkpoints;
  for (int c = 0; c < kCheckpoints; ++c) {
    const double sector = 2 * kPi * c / kCheckpoints;
    double alpha = sector + rng.uniform(0, 2 * kPi / kCheckpoints);
    double radius = rng.uniform(kTrackRadius / 3, kTrackRadius);
    if (c == 0 || c == kCheckpoints - 1) {  // the straight at the start
      alpha = sector;
      radius = 1.5 * kTrackRadius;
    }
    checkpoints[static_cast<std::size_t>(c)] = {alpha, radius * std::cos(alpha), radius * std::sin(alpha)};
  }
  return checkpoints;
}

/// The next checkpoint at or behind `alpha`, which loses a turn where there is none left in this one.
const Checkpoint& next_checkpoint(const std::array<Checkpoint, kCheckpoints>& checkpoints, double& alpha,
                                  std::size_t& next) {
  while (true) {
    do {
      const Checkpoint& candidate = checkpoints[next % kCheckpoints];
      if (alpha <= candidate.alpha) return candidate;
    } while (++next % kCheckpoints != 0);
    alpha -= 2 * kPi;
  }
}

double sign(double x) { return (x > 0) - (x < 0); }

/// Where the line across the road at `point` is `distance` to the right of the middle.
Point across(const TrackPoint& point, double distance) {
  return {point.x + distance * std::cos(point.beta), point.y + distance * std::sin(point.beta)};
}

}  // namespace

void Track::generate(Rng& rng) {
  while (!try_generate(rng)) {
  }
  find_kerbs();
}

/// Drives from checkpoint to checkpoint for some laps.
void Track::walk(Rng& rng) {
  constexpr int kMostPoints = 2500, kLaps = 4;
  const auto checkpoints = draw_checkpoints(rng);
  points.clear();
  points.reserve(kMostPoints);
  double x = 1.5 * kTrackRadius, y = 0, beta = 0;
  std::size_t next = 0;
  int laps = 0;
  bool visited_other_side = false;
  while (laps <= kLaps && points.size() < kMostPoints) {
    double alpha = std::atan2(y, x);
    if (visited_other_side && alpha > 0) {
      ++laps;
      visited_other_side = false;
    }
    if (alpha < 0) {
      visited_other_side = true;
      alpha += 2 * kPi;
    }
    const Checkpoint& target = next_checkpoint(checkpoints, alpha, next);
    const double across_x = std::cos(beta), across_y = std::sin(beta);
    const double right = (across_x * (target.x - x) + across_y * (target.y - y)) * kTrackScale;
    while (beta - alpha > 1.5 * kPi) beta -= 2 * kPi;
    while (beta - alpha < -1.5 * kPi) beta += 2 * kPi;
    const double beta_before = beta;
    const double turn = std::min(kTurnRate, std::fabs(0.001 * right));
    if (right > 0.3) beta -= turn;
    if (right < -0.3) beta += turn;
    x += -across_y * kTrackStep;
    y += across_x * kTrackStep;
    points.push_back({alpha, beta_before * 0.5 + beta * 0.5, x, y});
  }
}

/// Walks, and keeps the last whole lap; false where there is none or its ends do not meet.
bool Track::try_generate(Rng& rng) {
  walk(rng);
  std::size_t last = 0, first = 0;
  for (std::size_t i = points.size() - 1; i > 0 && first == 0; --i) {
    if (points[i].alpha <= kStartAlpha || points[i - 1].alpha > kStartAlpha) continue;
    (last == 0 ? last : first) = i;
  }
  if (first == 0) return false;
  points.erase(points.begin() + static_cast<std::ptrdiff_t>(last) - 1, points.end());
  points.erase(points.begin(), points.begin() + static_cast<std::ptrdiff_t>(first));
  const TrackPoint &head = points.front(), &tail = points.back();
  const double gap_x = std::cos(head.beta) * (head.x - tail.x), gap_y = std::sin(head.beta) * (head.y - tail.y);
  return std::sqrt(gap_x * gap_x + gap_y * gap_y) <= kTrackStep;
}

void Track::find_kerbs() {
  const std::size_t n = points.size();
  kerbs.assign(n, 0);
  for (std::size_t i = 0; i < n; ++i) {
    bool hard = true;
    double one_side = 0;
    for (std::size_t k = 0; k < kKerbTiles; ++k) {
      const double turn = points[(i + n - k) % n].beta - points[(i + n - k - 1) % n].beta;
      hard &= std::fabs(turn) > kTurnRate * 0.2;
      one_side += sign(turn);
    }
    kerbs[i] = hard && std::fabs(one_side) == kKerbTiles;
  }
  // A kerb begins some tiles before the turn; at the start of the list that reaches round to its end.
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < kKerbTiles; ++k) kerbs[(i + n - k) % n] |= kerbs[i];
  }
}

Quad Track::tile(std::size_t i) const {
  const TrackPoint &here = points[i], &there = before(i);
  return {across(here, -kTrackWidth), across(here, kTrackWidth), across(there, kTrackWidth),
          across(there, -kTrackWidth)};
}

Quad Track::kerb(std::size_t i) const {
  const TrackPoint &here = points[i], &there = before(i);
  const double side = sign(there.beta - here.beta), inner = side * kTrackWidth,
               outer = side * (kTrackWidth + kKerbWidth);
  return {across(here, inner), across(here, outer), across(there, outer), across(there, inner)};
}

}  // namespace corvid::box2d
