// What is shown beside the picture of an environment: the episode so far, what the policy thinks, what it sees.
#pragma once

#include <string>
#include <vector>

#include "render/numbers.h"
#include "render/raster_canvas.h"

namespace corvid {

struct Hud {
  struct Bar {
    std::string name;
    double value = 0;
    double low = 0, high = 1;  // ends of the bar
    double spread = 0;         // a standard deviation, drawn around the value; 0: none
    bool chosen = false;       // the action taken
  };
  struct Number {
    std::string name, value;
  };

  std::string title;                // what is played
  std::vector<Number> episode;      // return, step and the like
  std::string curve_title;          // of `curve`
  std::vector<double> curve;        // one a step of the episode, up to now; NaN where unknown
  std::string bars_title;           // of `bars`
  std::vector<Bar> bars;            // one an action
  std::vector<Number> observation;  // by name
  std::vector<std::string> footer;  // rates and states, small
};

/// Fills the area. `density` is pixels a point. What does not fit is left out, from the end of the observation on.
void draw_hud(const Hud& hud, Image& image, Area area, double density);

/// Lines of text in a box over the middle of the area: help.
void draw_box(const std::vector<std::string>& lines, Image& image, Area area, double density);

/// A line of text on a strip along the bottom of the area: notes.
void draw_note(const std::string& text, Image& image, Area area, double density);

}  // namespace corvid
