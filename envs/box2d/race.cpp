#include "envs/box2d/race.h"

namespace corvid::box2d {
namespace {

constexpr double kTimeStep = 1.0 / 50;  // s

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
  if (options_.domain_randomize) choose_colors(rng);
  track.generate(rng);
  create_tiles();
  const TrackPoint& start = track.points[0];
  car.create(world, start.beta, start.x, start.y);
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

void Race::choose_colors(Rng& rng) {
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
    fixture.userData = &tiles[i];
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
  const b2Fixture *road = contact.GetFixtureA(), *other = contact.GetFixtureB();
  if (road->GetUserData() == nullptr) std::swap(road, other);
  Tile& tile = *static_cast<Tile*>(road->GetUserData());
  tile.touched = true;
  for (Wheel& wheel : car.wheels) {
    if (wheel.body != other->GetBody()) continue;
    wheel.tiles_below += begins ? 1 : -1;
    if (begins && !tile.visited) visit(tile);
  }
}

void Race::visit(Tile& tile) {
  const auto count = static_cast<double>(track.size());
  tile.visited = true;
  total += 1000.0 / count;
  ++tiles_visited;
  if (&tile == tiles.data() && tiles_visited / count > options_.lap_complete_percent) lap_completed_ = true;
}

}  // namespace corvid::box2d
