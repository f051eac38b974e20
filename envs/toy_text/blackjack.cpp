// Blackjack: draw cards to come closer to 21 than the dealer, without going over it; the deck is infinite.
// Source: Sutton and Barto 2018, example 5.1; Gymnasium 1.4 `BlackjackEnv`.
// Deviation: the observation is one array of three numbers where Gymnasium has a tuple.
#include <array>

#include "core/env/env_registry.h"

namespace corvid {
namespace {

// 1 is an ace; the last three are jack, queen and king.
constexpr int kDeck[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10, 10};

struct Hand {
  static constexpr int kMaxCards = 22;  // 21 aces and the card that busts

  void add(int card) {
    if (count == kMaxCards) return;  // only when stepped on after the end
    cards[static_cast<std::size_t>(count++)] = static_cast<std::int8_t>(card);
    total += card;
    has_ace |= card == 1;
  }
  bool usable_ace() const { return has_ace && total + 10 <= 21; }  // counts 11
  int sum() const { return usable_ace() ? total + 10 : total; }
  int score() const { return sum() > 21 ? 0 : sum(); }
  bool natural() const { return count == 2 && sum() == 21; }

  void visit(Archive& archive) {
    std::int32_t saved = count;
    archive.between("count", saved, 2, kMaxCards);
    if (archive.loading()) *this = {};
    for (int k = 0; k < saved; ++k) {
      std::int8_t card = cards[static_cast<std::size_t>(k)];
      archive.between("card", card, 1, 10);
      if (archive.loading()) add(card);
    }
    archive.between("total", total, 2, 31);  // 21 and the card that busts
  }

  std::int32_t count = 0;
  std::int32_t total = 0;  // aces count 1
  bool has_ace = false;
  std::array<std::int8_t, kMaxCards> cards{};
};

struct Blackjack {
  struct Options {
    bool natural = false;
    bool sab = false;
  };
  using Obs = std::int64_t;
  using Action = std::int64_t;

  explicit Blackjack(const Options& options) : natural(options.natural), sab(options.sab) {}

  static EnvSpec spec(const Options&) {
    return {.observation = Space::multi_discrete({32, 11, 2}),
            .action = Space::discrete(2),
            .observation_names = {"player's sum", "dealer's open card (1: ace)", "usable ace"},
            .action_names = {"stick", "hit"}};
  }

  void reset(Rng& rng) {
    dealer = player = {};
    for (Hand* hand : {&dealer, &player}) {
      for (int card = 0; card < 2; ++card) hand->add(draw_card(rng));
    }
    // Gymnasium draws the picture on the dealer's open card here too.
    rng.integers(0, 4);
    if (dealer.cards[0] == 10) rng.integers(0, 3);
  }

  StepResult step(Action action, Rng& rng) {
    if (action == 1) {
      player.add(draw_card(rng));
      const bool bust = player.sum() > 21;
      return {bust ? -1.0 : 0.0, bust};
    }
    while (dealer.sum() < 17) dealer.add(draw_card(rng));
    const double reward = (player.score() > dealer.score()) - (player.score() < dealer.score());
    if (sab && player.natural() && !dealer.natural()) return {1.0, true};
    if (!sab && natural && player.natural() && reward == 1.0) return {1.5, true};
    return {reward, true};
  }

  void observe(Obs* out) const {
    out[0] = player.sum();
    out[1] = dealer.cards[0];
    out[2] = player.usable_ace();
  }

  void visit(Archive& archive) {
    archive("dealer", dealer);
    archive("player", player);
  }

  void draw(Canvas& canvas) const {
    canvas.view({0, 0}, {7, 5.2}, palette::kGreen);
    auto hand = [&](const Hand& shown, double y, const char* label, bool hide_second) {
      canvas.text({1, y + 0.8}, 0.3, label, palette::kBackground);
      const double gap = std::min(1.05, 4.0 / std::max(1, shown.count - 1));
      for (int i = 0; i < shown.count; ++i) {
        const Point low{2 + i * gap, y}, high{2.9 + i * gap, y + 1.4};
        const bool hidden = hide_second && i == 1;
        canvas.rectangle({low.x - 0.03, low.y - 0.03}, {high.x + 0.03, high.y + 0.03}, palette::kInk);
        canvas.rectangle(low, high, hidden ? palette::kBlue : palette::kBackground);
        const int card = shown.cards[static_cast<std::size_t>(i)];
        const std::string text = hidden ? "?" : card == 1 ? "A" : std::to_string(card);
        canvas.text({low.x + 0.45, y + 0.7}, 0.5, text, hidden ? palette::kBackground : palette::kInk);
      }
    };
    hand(dealer, 3.1, "dealer", dealer.count == 2);
    hand(player, 0.9, "player", false);
    canvas.text({1, 1.3}, 0.3, std::to_string(player.sum()), palette::kYellow);
  }

  Hand dealer, player;
  bool natural, sab;

 private:
  static int draw_card(Rng& rng) { return kDeck[rng.integers(0, std::ssize(kDeck))]; }
};

Fields fields(Blackjack::Options& options) {
  return {Field("natural", &options.natural, "1.5 for winning with an ace and a ten at once; ignored with sab"),
          Field("sab", &options.sab, "the rules of Sutton and Barto: an ace and a ten at once beats all but the same")};
}

CORVID_REGISTER_ENV(Blackjack,
                    {.id = "Blackjack-v1",
                     .family = "toy_text",
                     .summary = "Come closer to 21 than the dealer without going over it",
                     .source = "Sutton and Barto 2018, example 5.1; Gymnasium BlackjackEnv",
                     .reward = "1 for a win, -1 for a loss, 0 for a draw; 1.5 for a natural where that is on",
                     .options = {{"sab", "true"}, {"natural", "false"}}});

}  // namespace
}  // namespace corvid
