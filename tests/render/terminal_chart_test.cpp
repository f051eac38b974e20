#include "render/terminal_chart.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <tuple>

namespace corvid {
namespace {

// A rising line with a band, and a level one.
Figure small_figure() {
  Chart chart{"CartPole-v1", "environment steps", "eval/mean_reward", {}};
  Series rising{"ppo (2 seeds)", {}, {}, {}, {}, series_color(0)};
  for (int k = 0; k <= 10; ++k) {
    rising.x.push_back(1000.0 * k);
    rising.y.push_back(10.0 * k);
    rising.low.push_back(10.0 * k - (k > 5 ? 25 : 0));
    rising.high.push_back(10.0 * k);
  }
  chart.series = {rising, {"a2c (1 seed)", {0, 10000}, {20, 20}, {}, {}, series_color(1)}};
  return {"", {chart}, "Line: mean of the runs. Band: from the lowest to the highest run."};
}

std::string drawn(const Figure& figure, bool unicode, bool color) {
  return "\n" + terminal_chart(figure, {.columns = 40, .rows = 8, .unicode = unicode, .color = color});
}

// Range -5 to 105 over 8 rows of 13.75: 0 stands in the lowest, 50 in the fifth, 100 in the last; 20 in the second.
TEST(TerminalChart, PlainText) {
  EXPECT_EQ(drawn(small_figure(), false, false), R"(
CartPole-v1
eval/mean_reward
 100+                                **
    |                         *******..
    |                      ***.........
  50+               *******.........
    |            ***..   .......
    |        ****..      ....
    |++++++++++++++++++++++++++++++++++
   0+**.
    ++----------------+---------------+
     0               5k              10k
                      environment steps

  * ppo (2 seeds)
  + a2c (1 seed)
Line: mean of the runs. Band: from the
lowest to the highest run.
)");
}

TEST(TerminalChart, OneCurveIsBraille) {
  Figure figure = small_figure();
  figure.charts[0].series.pop_back();
  EXPECT_EQ(drawn(figure, true, false), R"(
CartPole-v1
eval/mean_reward
 100┤                               ⣀⠤⠒
    │                          ⢀⣀⠤⠒⠉░░░
    │                      ⣀⠤⠔⠊⠁░░░░░░░
  50┤                ⢀⣀⠤⠔⠒⠉░░░░░░░░░
    │            ⣀⠤⠔⠊⠁   ░░░░░░░
    │       ⢀⡠⠔⠒⠉░░      ░░░░
    │  ⢀⣀⠤⠒⠉⠁░░
   0┤⠔⠊⠁
    └┬────────────────┬───────────────┬
     0               5k              10k
                      environment steps

  ━━ ppo (2 seeds)
Line: mean of the runs. Band: from the
lowest to the highest run.
)");
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(TerminalChart, SeveralCurvesAreToldApartByColoursOrElseByMarks) {
  const std::string marked = drawn(small_figure(), true, false);
  EXPECT_TRUE(has(marked, "│▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲\n   0┤●●░\n")) << marked;
  EXPECT_TRUE(has(marked, "  ● ppo (2 seeds)\n  ▲ a2c (1 seed)\n")) << marked;
  const std::string colored = drawn(small_figure(), true, true);
  EXPECT_FALSE(has(colored, "▲")) << colored;
  // 0x3b6ea5 is nearest to (1, 2, 3) of 0..5: 16 + 36 + 12 + 3.
  EXPECT_TRUE(has(colored, "  \033[38;5;67m━━\033[0m ppo (2 seeds)\n")) << colored;
  EXPECT_TRUE(has(colored, "   0┤\033[38;5;67m⠔⠊⠁\033[0m\n")) << colored;

  Figure banded = small_figure();
  banded.charts[0].series[1].low = banded.charts[0].series[1].high = {20, 20};
  const std::string without = drawn(banded, true, false);
  EXPECT_FALSE(has(without, "░")) << without;
  EXPECT_TRUE(has(without, "highest run.\nBands are left out: several need\ncolours.\n")) << without;
  EXPECT_TRUE(has(drawn(banded, true, true), "░"));
}

TEST(TerminalChart, LinesFitTheTerminal) {
  Figure figure = small_figure();
  figure.title = std::string(200, 't');
  figure.charts.push_back(figure.charts[0]);
  figure.charts[0].series[0].name = std::string(200, 'n') + "ö";
  figure.charts[1].title = "Größe";
  figure.note += " " + std::string(200, 'w');
  for (const int columns : {30, 47, 80, 200}) {
    const std::string text = terminal_chart(figure, {.columns = columns, .rows = 6, .unicode = false, .color = false});
    for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
      EXPECT_LE(text.find('\n', at) - at, static_cast<std::size_t>(columns)) << text.substr(at);
    EXPECT_TRUE(has(text, "\nGr??e\n")) << text;
    EXPECT_FALSE(has(text, "\xc3")) << text;
  }
}

TEST(TerminalChart, ControlCharactersOfNamesDoNotReachTheTerminal) {
  Figure figure = small_figure();
  figure.title = "a\033[2Jb\nc";
  EXPECT_TRUE(has(drawn(figure, true, false), "a [2Jb c\n")) << drawn(figure, true, false);
}

/// An environment variable for the time of a test.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    value ? ::setenv(name, value, 1) : ::unsetenv(name);
  }
  ~Variable() { old_ ? ::setenv(name_, old_->c_str(), 1) : ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> old_;
};

TEST(TerminalStyle, UnicodeNeedsAUtf8LocaleAndATerminalThatIsNotDumb) {
  const Variable all("LC_ALL", nullptr), type("LC_CTYPE", nullptr);
  for (const auto& [term, lang, unicode] : {std::tuple<const char*, const char*, bool>{"xterm", "C.UTF-8", true},
                                            {"xterm", "de_DE.utf8", true},
                                            {"xterm", "C", false},
                                            {"xterm", nullptr, false},
                                            {"dumb", "C.UTF-8", false}}) {
    const Variable terminal("TERM", term), language("LANG", lang);
    EXPECT_EQ(style_of_standard_output().unicode, unicode) << term << " " << (lang ? lang : "none");
  }
  const Variable language("LANG", "C.UTF-8"), first("LC_ALL", "C"), terminal("TERM", "xterm");
  EXPECT_FALSE(style_of_standard_output().unicode);
}

}  // namespace
}  // namespace corvid
