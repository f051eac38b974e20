// A window that shows images and hears keys and game controllers. SDL is here and nowhere else.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "render/image.h"

namespace corvid {

/// What happened since the last look.
struct WindowInput {
  std::vector<std::string> pressed;   // keys, as SDL names them: "Space", "Left", "A", "F1"
  std::vector<std::string> repeated;  // by being held down
  std::vector<std::string> buttons;   // of a controller: "a", "b", "start", "dpleft"
  std::vector<std::string> notes;     // for the user: a controller came or went
  bool closed = false;                // the window was
};

class Window {
 public:
  /// Sizes are in points, of which a display may have several pixels. Throws Error where there is no display.
  Window(const std::string& title, int width, int height);
  ~Window();

  /// Shows an image as large as fits, without changing its shape. Does not wait for the display.
  void show(const Image& image);

  WindowInput poll();

  /// Whether a key, or a button of a controller, is held down.
  bool held(const std::string& key) const;
  bool button_held(const std::string& button) const;

  /// A controller's stick or trigger in [-1, 1]: "leftx", "lefty" (1 is down), "rightx", "righttrigger"; 0 without one.
  double axis(const std::string& name) const;

  /// For a thread that only shows something: where the display goes away, with its server or an ssh connection, `lost`
  /// is set and the thread sleeps for ever, as Xlib allows nothing else. Without it the program ends.
  static void sleep_when_lost(std::atomic<bool>& lost);

  /// Of the part that shows the image, in pixels.
  int width() const;
  int height() const;

  /// Pixels a point: 2 on displays of high density.
  double density() const;

 private:
  struct Sdl;
  std::unique_ptr<Sdl> sdl_;
};

}  // namespace corvid
