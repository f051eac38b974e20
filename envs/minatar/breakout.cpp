// MinAtar Breakout: bounce a ball off a paddle to break three rows of bricks, which return once all are gone.
// Source: Young and Tian 2019, arXiv:1903.03176; MinAtar 1.0.15.
// Deviation: none.
// Channels: the paddle, the ball, where it was a step before, bricks.
#include "core/env/env_registry.h"
#include "envs/minatar/minatar.h"

namespace corvid::minatar {
namespace {

enum Layer { kPaddle, kBall, kTrail, kBrick, kNumLayers };

constexpr std::uint64_t kWall = (std::uint64_t{1} << 40) - (1 << 10);  // bricks in rows 1 to 3; bit 10 * y + x
constexpr FiveCells kBricks = five_cells<kNumLayers>({kBrick});

struct Breakout {
  static constexpr std::array kLayers = {"paddle", "ball", "trail", "brick"};
  static constexpr std::array kKeys = {kNoOp, kLeft, kRight};

  explicit Breakout(const Options&) {}

  void reset(RandomState& random) {
    const bool right = random.randint(2) == 1;
    x = last_x = right ? kSide - 1 : 0;
    y = last_y = 3;
    dx = right ? -1 : 1;
    dy = 1;
    paddle = 4;
    bricks = kWall;
    inside = false;
  }

  // Without branches: which way the ball goes is nothing that a processor could foresee.
  StepResult step(Key key, RandomState&) {
    paddle = std::clamp(paddle + (key == kRight) - (key == kLeft), 0, kSide - 1);
    last_x = x;
    last_y = y;
    int next_x = x + dx, next_y = std::min(y + dy, kSide - 1);  // it was there before only when stepped after the end
    dx = on_screen(next_x) ? dx : -dx;
    next_x = std::clamp(next_x, 0, kSide - 1);

    const bool ceiling = next_y < 0;
    const int place = std::clamp(kSide * next_y + next_x, 0, 63);  // bits 0 to 9, and from 40 on, are never set
    const bool brick = bricks >> place & 1;
    const bool broken = brick && !inside;
    const bool low = next_y == kSide - 1;
    const bool front = low && x == paddle;                  // the ball came down onto the paddle
    const bool corner = low && !front && next_x == paddle;  // it comes from the side and goes back there
    bricks &= ~(std::uint64_t{broken} << place);
    bricks = low && bricks == 0 ? kWall : bricks;

    const bool bounced = ceiling || broken || front || corner;
    inside = brick;
    x = next_x;
    y = bounced ? y : next_y;
    dx = corner ? -dx : dx;
    dy = bounced ? -dy : dy;
    return {static_cast<double>(broken), low && !bounced};
  }

  void show(Picture<kNumLayers> picture) const {
    picture.clear();
    picture.fill<6>(kSide, bricks >> kSide, kBricks);
    picture.set(paddle, kSide - 1, kPaddle);
    picture.set(x, y, kBall);
    picture.set(last_x, last_y, kTrail);
  }

  void visit(Archive& archive) {
    archive("bricks", bricks);
    if ((bricks & ~kWall) != 0) fail(ErrorKind::kBadFile, "the saved state is damaged: a brick is not in the wall");
    for (int* place : {&x, &y, &last_x, &last_y, &paddle}) archive.between("place", *place, 0, kSide - 1);
    for (int* way : {&dx, &dy}) archive.between("way", *way, -1, 1);
    archive("inside", inside);
  }

  std::uint64_t bricks = kWall;
  int x = 0, y = 0, dx = 0, dy = 0;  // the ball and its direction, -1 or 1
  int last_x = 0, last_y = 0, paddle = 0;
  bool inside = false;  // the ball is where a brick is, and breaks no other before it has left
};

using BreakoutEnv = MinAtar<Breakout>;

CORVID_REGISTER_ENV(BreakoutEnv, {.id = "MinAtar/Breakout-v0",
                                  .family = "minatar",
                                  .summary = "Bounce a ball off a paddle to break bricks",
                                  .source = "Young and Tian 2019; MinAtar",
                                  .reward = "1 a brick"});
CORVID_REGISTER_ENV(BreakoutEnv, {.id = "MinAtar/Breakout-v1",
                                  .family = "minatar",
                                  .summary = "MinAtar/Breakout-v0 with the three actions that do something",
                                  .source = "Young and Tian 2019; MinAtar",
                                  .reward = "1 a brick",
                                  .options = {{"use_minimal_action_set", "true"}}});

}  // namespace
}  // namespace corvid::minatar
