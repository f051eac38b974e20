// The same charts as text: braille dots or plain letters, in the terminal's width.
#pragma once

#include <string>

#include "render/chart.h"

namespace corvid {

struct TerminalStyle {
  int columns = 80;
  int rows = 16;        // of the plot alone
  bool unicode = true;  // braille and box-drawing characters; else ASCII
  bool color = true;    // ANSI escapes
};

/// Width of the terminal that standard output is, or 80; colours on a terminal unless NO_COLOR is set; ASCII where TERM
/// is dumb or the locale is not UTF-8.
TerminalStyle style_of_standard_output();

/// Charts one below the other, then legend and note. Every line ends with a line break and fits the columns.
std::string terminal_chart(const Figure& figure, const TerminalStyle& style);

}  // namespace corvid
