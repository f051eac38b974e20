#include "envs/box2d/race.h"

namespace corvid::box2d {
namespace {

constexpr double kTimeStep = 1.0 / 50;  // s

/// What a fixture carries: 0 the hull, -1 - k wheel k, i + 1 tile i. Numbers, as the race itself may be moved.
void* tag(std::intptr_t number) { return reinterpret_cast<void*>(number); }
std::intptr_t number_of(const b2Fixture& fixture) { return reinterpret_cast<std::intptr_t>(fixture.GetUserData()); }

}  // namespace

Fields fields(RaceOptions& options) {
  return {Field("lap_complete_percent", &options.lap_complete_percent,
                "share of the tiles that must be visited before the first one ends the lap")
              .between(0, 1),
          Field("domain_randomize", &options.domain_randomize, "draw the colours anew for every episode")};
}

struct Race::Listener : b2ContactListener {
  explicit Listener(Race& race) : race(race) {}
  void BeginContact(b2Contact* contact) override { race.touch(*contact, true); }
  void EndContact(b2Contact* contact) override { race.touch(*contact, false); }
  Race& race;
};

void Race::begin(Rng& rng) {
  if (options_.domain_randomize) draw_colors(rng);
  track.draw(rng);
  create_tiles();
  const TrackPoint& start = track.points[0];
  car.create(world, start.beta, start.x, start.y, {tag(-1), tag(-2), tag(-3), tag(-4)});
  total = total_before_ = time = 0;
  tiles_visited = 0;
  lap_completed_ = false;
  move();
}

StepResult Race::advance() {
  move();
  total -= 0.1;
  StepResult result{.reward = total - total_before_,
                    .terminated = lap_completed_ || static_cast<std::size_t>(tiles_visited) == track.size()};
  total_before_ = total;
  const b2Vec2 at = car.hull->GetPosition();
  if (std::fabs(at.x) > kPlayfield || std::fabs(at.y) > kPlayfield) result = {-100, true};
  return result;
}

void Race::end() {
  for (const Tile& tile : tiles) road_->DestroyFixture(tile.fixture);
  if (road_) world->DestroyBody(road_);
  road_ = nullptr;
  tiles.clear();
  car.destroy(world);
}

void Race::clear() {
  world.clear();
  road_ = nullptr;
  tiles.clear();
  car = {};
}

void Race::draw_colors(Rng& rng) {
  for (double& c : road_color) c = rng.uniform(0, 210);
  for (double& c : background) c = rng.uniform(0, 210);
  grass_color = background;
  grass_color[static_cast<std::size_t>(rng.integers(0, 3))] += 20;
}

void Race::create_tiles() {
  tiles.assign(track.size(), {});
  const b2BodyDef still;
  road_ = world->CreateBody(&still);
  b2PolygonShape shape;
  b2FixtureDef fixture;
  fixture.shape = &shape;
  fixture.isSensor = true;
  for (std::size_t i = 0; i < tiles.size(); ++i) {
    std::array<b2Vec2, 4> vertices;
    const Quad corners = track.tile(i);
    for (std::size_t k = 0; k < corners.size(); ++k)
      vertices[k] = {static_cast<float>(corners[k].x), static_cast<float>(corners[k].y)};
    shape.Set(vertices.data(), static_cast<std::int32_t>(vertices.size()));
    fixture.userData = tag(static_cast<std::intptr_t>(i) + 1);
    tiles[i].fixture = road_->CreateFixture(&fixture);
  }
}

void Race::move() {
  car.step(kTimeStep);
  Listener listener(*this);
  world->SetContactListener(&listener);
  world->Step(static_cast<float>(kTimeStep), 180, 60);
  world->SetContactListener(nullptr);
  time += kTimeStep;
}

/// Something begins or ceases to touch a tile: nothing else in this world touches.
void Race::touch(b2Contact& contact, bool begins) {
  std::intptr_t tile = number_of(*contact.GetFixtureA()), other = number_of(*contact.GetFixtureB());
  if (tile <= 0) std::swap(tile, other);
  Tile& road = tiles[static_cast<std::size_t>(tile - 1)];
  road.touched = true;
  if (other == 0) return;
  car.wheels[static_cast<std::size_t>(-1 - other)].tiles_below += begins ? 1 : -1;
  if (!begins || road.visited) return;
  road.visited = true;
  const auto count = static_cast<double>(track.size());
  total += 1000.0 / count;
  ++tiles_visited;
  if (tile == 1 && tiles_visited / count > options_.lap_complete_percent) lap_completed_ = true;
}

}  // namespace corvid::box2d
