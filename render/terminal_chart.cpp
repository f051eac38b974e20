#include "render/terminal_chart.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace corvid {
namespace {

constexpr const char* kMarks[] = {"●", "▲", "■", "◆", "○", "△", "□", "◇"};
constexpr const char* kPlainMarks[] = {"*", "+", "o", "x", "#", "@", "%", "&"};
constexpr int kMinColumns = 30;

std::size_t letters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

// The beginning of a text, as many letters as there is room for; what a plain terminal cannot show becomes '?'.
std::string fitted(std::string_view text, int room, bool unicode) {
  std::string result;
  int count = 0;
  for (const char c : text) {
    if ((c & 0xc0) == 0x80) {
      if (unicode) result += c;
      continue;
    }
    if (++count > room) break;
    const auto code = static_cast<unsigned char>(c);
    result += code < 0x20 || code == 0x7f ? ' ' : code >= 0x80 && !unicode ? '?' : c;
  }
  return result;
}

std::string spaces(std::size_t count) { return std::string(count, ' '); }

// Nearest of the 6 x 6 x 6 colours that nearly every terminal knows.
std::string painted(const std::string& text, Color color) {
  int code = 16;
  for (const auto& [shift, weight] : {std::pair{16, 36}, {8, 6}, {0, 1}})
    code += weight * static_cast<int>(std::lround((color.rgb >> shift & 0xff) / 255.0 * 5));
  return "\033[38;5;" + std::to_string(code) + "m" + text + "\033[0m";
}

struct Cell {
  std::uint8_t dots = 0;     // braille
  int line = -1, band = -1;  // number of the series in the legend
};

// One chart's plot. Dots are counted from the lower left corner.
class Plot {
 public:
  Plot(int columns, int rows, const Ranges& ranges, bool braille)
      : columns_(columns),
        rows_(rows),
        ranges_(ranges),
        across_(braille ? 2 : 1),
        up_(braille ? 4 : 1),
        cells_(static_cast<std::size_t>(columns) * rows) {}

  const Cell& at(int column, int row) const { return cells_[static_cast<std::size_t>(row) * columns_ + column]; }

  int column_of(double x) const { return place(x, ranges_.x_low, ranges_.x_high, columns_); }
  int row_of(double y) const { return place(y, ranges_.y_low, ranges_.y_high, rows_); }

  void band(const Series& series, int number) {
    if (series.low.empty() || series.x.empty()) return;
    std::size_t k = 0;
    for (int column = column_of(series.x.front()); column <= column_of(series.x.back()); ++column) {
      const double x = ranges_.x_low + (column + 0.5) / columns_ * (ranges_.x_high - ranges_.x_low);
      while (k + 1 < series.x.size() && series.x[k + 1] <= x) ++k;
      for (int row = row_of(series.low[k]); row <= row_of(series.high[k]); ++row) {
        Cell& one = cell(column, row);
        if (one.band < 0) one.band = number;
      }
    }
  }

  void line(const Series& series, int number) {
    int x0 = 0, y0 = 0;
    for (std::size_t k = 0; k < series.x.size(); ++k) {
      const int x1 = place(series.x[k], ranges_.x_low, ranges_.x_high, columns_ * across_);
      const int y1 = place(series.y[k], ranges_.y_low, ranges_.y_high, rows_ * up_);
      if (k == 0) {
        x0 = x1;
        y0 = y1;
      }
      const int steps = std::max({1, std::abs(x1 - x0), std::abs(y1 - y0)});
      for (int i = 0; i <= steps; ++i) {
        const double share = static_cast<double>(i) / steps;
        dot(static_cast<int>(std::lround(x0 + share * (x1 - x0))),
            static_cast<int>(std::lround(y0 + share * (y1 - y0))), number);
      }
      x0 = x1;
      y0 = y1;
    }
  }

 private:
  static int place(double value, double low, double high, int count) {
    return std::clamp(static_cast<int>((value - low) / (high - low) * count), 0, count - 1);
  }

  Cell& cell(int column, int row) { return cells_[static_cast<std::size_t>(row) * columns_ + column]; }

  void dot(int x, int y, int number) {
    // Bits of a braille character, by column and from its lowest row up.
    constexpr std::uint8_t kBits[2][4] = {{0x40, 0x04, 0x02, 0x01}, {0x80, 0x20, 0x10, 0x08}};
    Cell& one = cell(x / across_, y / up_);
    one.dots |= kBits[x % across_][y % up_];
    one.line = number;
  }

  int columns_, rows_;
  Ranges ranges_;
  int across_, up_;  // dots a cell
  std::vector<Cell> cells_;
};

class Writer {
 public:
  Writer(const Figure& figure, const TerminalStyle& style)
      : style_(style),
        columns_(std::max(kMinColumns, style.columns)),
        legend_(legend_of(figure)),
        braille_(style.unicode && (style.color || legend_.size() <= 1)) {
    const auto banded =
        std::count_if(legend_.begin(), legend_.end(), [](const Series* one) { return !one->low.empty(); });
    bands_ = style.color || banded <= 1;
  }

  std::string text_of(const Figure& figure) {
    if (!figure.title.empty()) put(figure.title, "\n\n");
    for (const Chart& chart : figure.charts) write_chart(chart);
    for (std::size_t k = 0; k < legend_.size(); ++k) {
      const int number = static_cast<int>(k);
      text_ += "  " + in_color(braille_ ? "━━" : mark(number), number) + " " +
               fitted(legend_[k]->name, columns_ - 6, style_.unicode) + "\n";
    }
    write_note(figure.note);
    if (!bands_) write_note("Bands are left out: several need colours.");
    return text_;
  }

 private:
  void put(const std::string& line, const char* end = "\n") { text_ += fitted(line, columns_, style_.unicode) + end; }

  int number_of(const Series& series) const {
    const auto place =
        std::find_if(legend_.begin(), legend_.end(), [&](const Series* one) { return one->name == series.name; });
    return static_cast<int>(place - legend_.begin());
  }

  std::string in_color(const std::string& text, int number) const {
    return style_.color ? painted(text, legend_[static_cast<std::size_t>(number)]->color) : text;
  }

  std::string mark(int number) const {
    const char* const* marks = style_.unicode ? kMarks : kPlainMarks;
    return marks[number % std::ssize(kMarks)];
  }

  std::string cell_text(const Cell& cell) const {
    if (cell.line < 0) return cell.band < 0 ? " " : style_.unicode ? "░" : ".";
    if (!braille_) return mark(cell.line);
    const unsigned code = 0x2800U + cell.dots;
    return {static_cast<char>(0xe0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3f)),
            static_cast<char>(0x80 | (code & 0x3f))};
  }

  /// Without the spaces at its end. Neighbours of one colour share an escape.
  std::string row_text(const Plot& plot, int row, int width) const {
    auto number_at = [&](int column) {
      const Cell& cell = plot.at(column, row);
      return cell.line >= 0 ? cell.line : cell.band;
    };
    std::string line;
    while (width > 0 && number_at(width - 1) < 0) --width;
    for (int column = 0; column < width;) {
      const int number = number_at(column);
      std::string piece;
      for (; column < width && number_at(column) == number; ++column) piece += cell_text(plot.at(column, row));
      line += number < 0 ? piece : in_color(piece, number);
    }
    return line;
  }

  void write_chart(const Chart& chart) {
    const Ranges ranges = ranges_of(chart);
    const Ticks y = nice_ticks(ranges.y_low, ranges.y_high, std::max(2, style_.rows / 2));
    std::size_t labels = 0;
    for (const std::string& label : y.labels) labels = std::max(labels, label.size());
    const int width = columns_ - static_cast<int>(labels) - 3;
    Plot plot(width, style_.rows, ranges, braille_);
    for (const Series& series : chart.series) {
      if (bands_) plot.band(series, number_of(series));
    }
    for (const Series& series : chart.series) plot.line(series, number_of(series));

    if (!chart.title.empty()) put(chart.title);
    put(chart.y_title);
    std::vector<std::string> beside(static_cast<std::size_t>(style_.rows));
    for (std::size_t k = 0; k < y.at.size(); ++k) beside[static_cast<std::size_t>(plot.row_of(y.at[k]))] = y.labels[k];
    for (int row = style_.rows - 1; row >= 0; --row) {
      const std::string& label = beside[static_cast<std::size_t>(row)];
      const char* axis = style_.unicode ? (label.empty() ? "│" : "┤") : label.empty() ? "|" : "+";
      text_ += spaces(labels - label.size() + 1) + label + axis + row_text(plot, row, width) + "\n";
    }
    write_x_axis(plot, nice_ticks(ranges.x_low, ranges.x_high, std::max(2, width / 9)), labels + 1, width);
    const std::string title = fitted(chart.x_title, columns_ - 1, style_.unicode);
    text_ += spaces(static_cast<std::size_t>(columns_) - 1 - letters(title)) + title + "\n\n";
  }

  void write_x_axis(const Plot& plot, const Ticks& x, std::size_t left, int width) {
    std::vector<bool> ticked(static_cast<std::size_t>(width));
    std::string labels = spaces(static_cast<std::size_t>(columns_));
    for (std::size_t k = 0; k < x.at.size(); ++k) {
      const auto column = static_cast<std::size_t>(plot.column_of(x.at[k]));
      ticked[column] = true;
      const std::string& label = x.labels[k];
      // Below its tick, as far as the line reaches.
      const std::size_t middle = left + 1 + column;
      const std::size_t begin = std::min(middle - std::min(middle, label.size() / 2), labels.size() - label.size());
      labels.replace(begin, label.size(), label);
    }
    text_ += spaces(left) + (style_.unicode ? "└" : "+");
    for (const bool tick : ticked) text_ += style_.unicode ? (tick ? "┬" : "─") : tick ? "+" : "-";
    labels.erase(labels.find_last_not_of(' ') + 1);
    text_ += "\n" + labels + "\n";
  }

  void write_note(const std::string& note) {
    std::string line;
    for (std::size_t at = 0; at < note.size();) {
      const std::size_t end = std::min(note.find(' ', at), note.size());
      const std::string word = note.substr(at, end - at);
      if (!line.empty() && letters(line) + 1 + letters(word) > static_cast<std::size_t>(columns_)) {
        put(line);
        line.clear();
      }
      line += (line.empty() ? "" : " ") + word;
      at = end + 1;
    }
    if (!line.empty()) put(line);
  }

  TerminalStyle style_;
  int columns_;
  std::vector<const Series*> legend_;
  bool braille_, bands_;  // both need colours to tell several series apart
  std::string text_;
};

bool locale_is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (!value || !*value) continue;
    std::string text;
    for (const char* c = value; *c; ++c) {
      if (*c != '-') text += static_cast<char>(std::tolower(static_cast<unsigned char>(*c)));
    }
    return text.find("utf8") != std::string::npos;
  }
  return false;
}

}  // namespace

TerminalStyle style_of_standard_output() {
  TerminalStyle style;
  const char* term = std::getenv("TERM");
  const bool dumb = term && std::string_view(term) == "dumb";
  const char* no_color = std::getenv("NO_COLOR");
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) style.columns = size.ws_col;
  style.unicode = !dumb && locale_is_utf8();
  style.color = isatty(STDOUT_FILENO) == 1 && !dumb && !(no_color && *no_color);
  return style;
}

std::string terminal_chart(const Figure& figure, const TerminalStyle& style) {
  return Writer(figure, style).text_of(figure);
}

}  // namespace corvid
