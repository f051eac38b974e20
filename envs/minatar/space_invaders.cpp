// MinAtar SpaceInvaders: shoot a block of aliens that march sideways and down, and dodge their bullets.
// Source: Young and Tian 2019, arXiv:1903.03176; MinAtar 1.0.15.
// Deviation: none.
// Channels: the cannon, aliens, aliens again while they go left, or right, bullets of the cannon, bullets of the aliens.
#include "core/env/env_registry.h"
#include "envs/minatar/minatar.h"

namespace corvid::minatar {
namespace {

enum Layer { kCannon, kAlien, kAlienLeft, kAlienRight, kFriendlyBullet, kEnemyBullet, kNumLayers };

constexpr int kReload = 5;                                // steps between shots of the cannon
constexpr int kAlienReload = 10;                          // and of the aliens
constexpr int kMarchInterval = 12, kFastestInterval = 6;  // steps between moves of a large wave: the first, the last
constexpr int kGround = kSide - 1;                        // the cannon's row

constexpr Cells row(int y) { return Cells{0x3ff} << (kSide * y); }
constexpr Cells kWave = (row(0) | row(1) | row(2) | row(3)) & ~(column(0) | column(1) | column(8) | column(9));
constexpr Cells kLeftEdge = column(0), kRightEdge = column(kSide - 1), kBottom = row(kGround);
constexpr FiveCells kMarching[] = {five_cells<kNumLayers>({kAlien, kAlienLeft}),
                                   five_cells<kNumLayers>({kAlien, kAlienRight})};

int count_cells(Cells cells) {
  return std::popcount(static_cast<std::uint64_t>(cells)) + std::popcount(static_cast<std::uint64_t>(cells >> 64));
}

/// The highest bit; of a set that is not empty.
int last_cell(Cells cells) {
  const auto high = static_cast<std::uint64_t>(cells >> 64);
  return high ? 127 - std::countl_zero(high) : 63 - std::countl_zero(static_cast<std::uint64_t>(cells));
}

/// The alien that shoots at x: the lowest one of the nearest column that has any, the left one of two such columns.
Cells shooter(Cells aliens, int x) {
  Cells folded = 0;
  for (int y = 0; y < kSide; ++y) folded |= aliens >> (kSide * y);
  const auto columns = static_cast<std::uint32_t>(folded) & 0x3ff;
  const std::uint32_t to_left = columns & ((2u << x) - 1), to_right = columns >> x << x;
  const int left = 31 - std::countl_zero(to_left), right = std::countr_zero(to_right);  // -1, 32 where there is none
  const bool goes_left = to_left != 0 && x - left <= right - x;
  return Cells{1} << last_cell(aliens & (kLeftEdge << (goes_left ? left : right)));
}

struct SpaceInvaders {
  static constexpr std::array kLayers = {"cannon",         "alien",           "alien to left",
                                         "alien to right", "friendly bullet", "enemy bullet"};
  static constexpr std::array kKeys = {kNoOp, kLeft, kRight, kFire};

  explicit SpaceInvaders(const Options& options) : ramping(options.difficulty_ramping) {}

  void reset(RandomState&) {
    x = 5;
    bullets = alien_bullet = 0;
    aliens = kWave;
    going_right = false;
    march_interval = march_wait = kMarchInterval;
    alien_reload = kAlienReload;
    reload = 0;
  }

  StepResult step(Key key, RandomState&) {
    const bool fires = key == kFire && reload == 0;
    reload = fires ? kReload : reload;
    x = std::clamp(x + (key == kRight) - (key == kLeft), 0, kSide - 1);
    bullets = (bullets | (fires ? cell(x, kGround) : 0)) >> kSide;
    alien_bullet = alien_bullet << kSide & kAllCells;

    const Cells cannon = cell(x, kGround);
    bool lost = ((alien_bullet | aliens) & cannon) != 0;
    if (march_wait == 0) {
      march_wait = std::min(count_cells(aliens), march_interval);
      lost |= march();
      lost |= (aliens & cannon) != 0;
    }
    if (alien_reload == 0) {
      alien_reload = kAlienReload;
      alien_bullet |= shooter(aliens, x);
    }
    const Cells killed = aliens & bullets;
    aliens ^= killed;
    bullets ^= killed;

    reload -= reload > 0;
    --march_wait;
    --alien_reload;
    if (aliens == 0) [[unlikely]] {
      march_interval -= ramping && march_interval > kFastestInterval;
      aliens = kWave;
    }
    return {static_cast<double>(count_cells(killed)), lost};
  }

  void show(Picture<kNumLayers> picture) const {
    constexpr std::uint64_t kHalf = (std::uint64_t{1} << 50) - 1;
    picture.fill<10>(0, static_cast<std::uint64_t>(aliens) & kHalf, kMarching[going_right]);
    picture.fill<10>(50, static_cast<std::uint64_t>(aliens >> 50), kMarching[going_right]);
    picture.set(x, kGround, kCannon);
    // There are never more than two bullets of the cannon and one of the aliens: the next is fired when they are gone.
    picture.set(first_cell(bullets | cell(0, kGround)), kFriendlyBullet, bullets != 0);
    if (bullets != 0) picture.set(last_cell(bullets), kFriendlyBullet);
    if (alien_bullet != 0) picture.set(first_cell(alien_bullet), kEnemyBullet);
  }

  void visit(Archive& archive) {
    for (Cells* cells : {&aliens, &bullets, &alien_bullet}) visit_cells(archive, "cells", *cells, kAllCells);
    if (aliens == 0) fail(ErrorKind::kBadFile, "the saved state is damaged: there are no aliens");
    archive.between("x", x, 0, kSide - 1);
    archive.between("reload", reload, 0, kReload);
    archive.between("alien_reload", alien_reload, 0, kAlienReload);
    archive.between("march_interval", march_interval, kFastestInterval, kMarchInterval);
    archive.between("march_wait", march_wait, 0, kMarchInterval);
    archive("going_right", going_right);
  }

  Cells aliens = 0, bullets = 0, alien_bullet = 0;
  int x = 0;                                                             // the cannon's column
  int reload = 0, alien_reload = 0, march_interval = 0, march_wait = 0;  // steps
  bool going_right = false;
  bool ramping;

 private:
  /// One move of all aliens; true where it goes beyond the ground, which puts the lowest row on top.
  bool march() {
    if ((aliens & (going_right ? kRightEdge : kLeftEdge)) == 0) {
      aliens = going_right ? aliens << 1 : aliens >> 1;
      return false;
    }
    going_right = !going_right;
    const Cells landed = aliens & kBottom;
    aliens = (aliens << kSide & kAllCells) | landed >> (kSide * kGround);
    return landed != 0;
  }
};

using SpaceInvadersEnv = MinAtar<SpaceInvaders>;

CORVID_REGISTER_ENV(SpaceInvadersEnv, {.id = "MinAtar/SpaceInvaders-v0",
                                       .family = "minatar",
                                       .summary = "Shoot a block of marching aliens and dodge their bullets",
                                       .source = "Young and Tian 2019; MinAtar",
                                       .reward = "1 an alien"});
CORVID_REGISTER_ENV(SpaceInvadersEnv, {.id = "MinAtar/SpaceInvaders-v1",
                                       .family = "minatar",
                                       .summary = "MinAtar/SpaceInvaders-v0 with the four actions that do something",
                                       .source = "Young and Tian 2019; MinAtar",
                                       .reward = "1 an alien",
                                       .options = {{"use_minimal_action_set", "true"}}});

}  // namespace
}  // namespace corvid::minatar
