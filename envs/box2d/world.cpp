#include "envs/box2d/world.h"

#include <algorithm>
#include <cstring>

namespace corvid::box2d {
namespace {

/// The engine fills its tables when they are first needed; here once, so that no two threads do.
struct Tables : b2Contact {
  static bool fill() {
    const b2BlockAllocator sizes_of_blocks;
    InitializeRegisters();
    return s_initialized = true;
  }
};

std::unique_ptr<b2World> make_world(b2Vec2 gravity) {
  static const bool filled = Tables::fill();
  static_cast<void>(filled);
  return std::make_unique<b2World>(gravity);
}

/// Whether `places` are 0 .. n-1 in some order.
bool are_all_places(std::span<const std::int32_t> places) {
  std::vector<std::uint8_t> seen(places.size(), 0);
  for (std::int32_t place : places) {
    if (place < 0 || static_cast<std::size_t>(place) >= places.size() || seen[static_cast<std::size_t>(place)])
      return false;
    seen[static_cast<std::size_t>(place)] = 1;
  }
  return !places.empty();
}

/// Chains the places of an empty tree: `place(i)` is the one given out as number i.
template <class F>
void chain(b2DynamicTree& tree, F place) {
  tree.m_freeList = b2_nullNode;
  for (std::int32_t i = tree.m_nodeCapacity; i-- > 0;) {
    tree.m_nodes[place(i)].next = tree.m_freeList;
    tree.m_nodes[place(i)].height = -1;
    tree.m_freeList = place(i);
  }
}

}  // namespace

World::World(b2Vec2 gravity) : world_(make_world(gravity)) {}

b2DynamicTree& World::tree() const {
  // The engine shows its contact manager as constant; the world is ours.
  return const_cast<b2ContactManager&>(world_->GetContactManager()).m_broadPhase.m_tree;
}

void World::clear() {
  world_->SetContactListener(nullptr);
  while (b2Body* body = world_->GetBodyList()) world_->DestroyBody(body);
}

void World::renew() {
  // What else a world keeps is the length of its last step, which scales the impulses of that step: new bodies have none.
  // More places than a new tree has make no difference, as those that growth adds come last as well.
  CORVID_CHECK(tree().m_nodeCount == 0, "only a world without bodies can be made new");
  chain(tree(), [](std::int32_t i) { return i; });
}

std::vector<std::int32_t> World::free_places() const {
  const b2DynamicTree& tree = this->tree();
  CORVID_CHECK(tree.m_nodeCount == 0, "free places are known only of a world without bodies");
  std::vector<std::int32_t> places;
  places.reserve(static_cast<std::size_t>(tree.m_nodeCapacity));
  for (std::int32_t i = tree.m_freeList; i != b2_nullNode; i = tree.m_nodes[i].next) places.push_back(i);
  return places;
}

void World::set_free_places(std::span<const std::int32_t> places) {
  b2DynamicTree& tree = this->tree();
  CORVID_CHECK(tree.m_nodeCount == 0, "free places can be set only in a world without bodies");
  if (!are_all_places(places)) fail(ErrorKind::kBadFile, "the saved places of a collision tree are not 0 to n-1");
  const auto count = static_cast<std::int32_t>(places.size());
  if (count != tree.m_nodeCapacity) {
    b2Free(tree.m_nodes);
    tree.m_nodes = static_cast<b2TreeNode*>(b2Alloc(count * static_cast<std::int32_t>(sizeof(b2TreeNode))));
    std::memset(static_cast<void*>(tree.m_nodes), 0, places.size() * sizeof(b2TreeNode));
    tree.m_nodeCapacity = count;
  }
  chain(tree, [&](std::int32_t i) { return places[static_cast<std::size_t>(i)]; });
}

void EpisodeLog::begin(const Rng& rng, std::vector<std::int32_t> places) {
  begun_ = 1;
  rng_ = rng;
  places_ = std::move(places);
  actions_.clear();
  actions_.reserve(action_size_ * longest_);
}

void EpisodeLog::visit(Archive& archive) {
  archive("begun", begun_);
  archive("rng", rng_);
  archive("places", places_);
  archive("actions", actions_);
  if (!archive.loading()) return;
  auto legal = [&](float number) {
    return num_actions_ == 0 ? std::isfinite(number)
                             : number >= 0 && number < static_cast<float>(num_actions_) && number == std::floor(number);
  };
  if (actions_.size() % action_size_ != 0 || begun_ != 1 || !std::all_of(actions_.begin(), actions_.end(), legal)) {
    fail(ErrorKind::kBadFile, "the saved state holds no episode of this game");
  }
}

}  // namespace corvid::box2d
