#include "render/window.h"

#include <SDL2/SDL.h>
#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "core/base/check.h"

namespace corvid {

struct Window::Sdl {
  SDL_Window* window = nullptr;
  SDL_Renderer* renderer = nullptr;
  SDL_Texture* texture = nullptr;
  int texture_width = 0, texture_height = 0;
  SDL_GameController* controller = nullptr;

  ~Sdl() {
    if (controller) SDL_GameControllerClose(controller);
    if (texture) SDL_DestroyTexture(texture);
    if (renderer) SDL_DestroyRenderer(renderer);
    if (window) SDL_DestroyWindow(window);
    SDL_Quit();
  }

  void open_controller(int index) {
    if (!controller && SDL_IsGameController(index)) controller = SDL_GameControllerOpen(index);
  }
};

namespace {

thread_local std::atomic<bool>* lost_display = nullptr;

/// Xlib ends the program when this returns.
int on_lost_display(void*) {
  if (!lost_display) return 0;
  *lost_display = true;
  while (true) ::pause();
}

[[noreturn]] void fail_without_window() {
  fail(ErrorKind::kFailed, "cannot open a window (", SDL_GetError(),
       "). Is there a display? Without one, corvid record writes the same pictures into a file; over ssh, ssh -X shows "
       "windows here");
}

}  // namespace

Window::Window(const std::string& title, int width, int height) : sdl_(std::make_unique<Sdl>()) {
  // Signals stay the program's: Ctrl-C must do what it does without a window.
  SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
  SDL_SetHint(SDL_HINT_RENDER_SCALE_QUALITY, "linear");
  SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
  SDL_SetHint(SDL_HINT_FRAMEBUFFER_ACCELERATION, "0");  // no OpenGL, with threads of its own, for one picture
  if (SDL_Init(SDL_INIT_VIDEO) != 0) fail_without_window();
  // Where there is no display SDL may settle for one that nobody sees, which is right only if it was asked for.
  const std::string driver = SDL_GetCurrentVideoDriver();
  if (!std::getenv("SDL_VIDEODRIVER") && (driver == "dummy" || driver == "offscreen" || driver == "evdev")) {
    SDL_SetError("SDL found none");
    fail_without_window();
  }
  SDL_InitSubSystem(SDL_INIT_GAMECONTROLLER);  // without one there are keys
  sdl_->window = SDL_CreateWindow(title.c_str(), SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED, width, height,
                                  SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI);
  if (!sdl_->window) fail_without_window();
  sdl_->renderer = SDL_CreateRenderer(sdl_->window, -1, SDL_RENDERER_SOFTWARE);
  if (!sdl_->renderer) fail_without_window();
  for (int i = 0; i < SDL_NumJoysticks(); ++i) sdl_->open_controller(i);
}

Window::~Window() = default;

void Window::sleep_when_lost(std::atomic<bool>& lost) {
  lost_display = &lost;
  // SDL has loaded the library if it draws with it.
  void* library = dlopen("libX11.so.6", RTLD_NOW | RTLD_NOLOAD);
  if (!library) return;
  using Handler = int (*)(void*);
  if (const auto set = reinterpret_cast<Handler (*)(Handler)>(dlsym(library, "XSetIOErrorHandler")))
    set(on_lost_display);
}

void Window::show(const Image& image) {
  if (!sdl_->texture || sdl_->texture_width != image.width || sdl_->texture_height != image.height) {
    if (sdl_->texture) SDL_DestroyTexture(sdl_->texture);
    sdl_->texture = SDL_CreateTexture(sdl_->renderer, SDL_PIXELFORMAT_RGB888, SDL_TEXTUREACCESS_STREAMING, image.width,
                                      image.height);
    if (!sdl_->texture) fail(ErrorKind::kFailed, "cannot show a picture: ", SDL_GetError());
    sdl_->texture_width = image.width;
    sdl_->texture_height = image.height;
  }
  SDL_UpdateTexture(sdl_->texture, nullptr, image.pixels.data(), image.width * 4);
  const double scale = std::min(1.0 * width() / image.width, 1.0 * height() / image.height);
  SDL_Rect place{0, 0, static_cast<int>(image.width * scale), static_cast<int>(image.height * scale)};
  place.x = (width() - place.w) / 2;
  place.y = (height() - place.h) / 2;
  SDL_SetRenderDrawColor(sdl_->renderer, 253, 252, 249, 255);
  SDL_RenderClear(sdl_->renderer);
  SDL_RenderCopy(sdl_->renderer, sdl_->texture, nullptr, &place);
  SDL_RenderPresent(sdl_->renderer);
}

WindowInput Window::poll() {
  WindowInput input;
  SDL_Event event;
  while (SDL_PollEvent(&event)) {
    switch (event.type) {
      case SDL_QUIT: input.closed = true; break;
      case SDL_KEYDOWN:
        (event.key.repeat ? input.repeated : input.pressed).emplace_back(SDL_GetKeyName(event.key.keysym.sym));
        break;
      case SDL_CONTROLLERBUTTONDOWN:
        input.buttons.emplace_back(
            SDL_GameControllerGetStringForButton(static_cast<SDL_GameControllerButton>(event.cbutton.button)));
        break;
      case SDL_CONTROLLERDEVICEADDED:
        sdl_->open_controller(event.cdevice.which);
        if (sdl_->controller)
          input.notes.push_back(std::string("controller: ") + SDL_GameControllerName(sdl_->controller));
        break;
      case SDL_CONTROLLERDEVICEREMOVED:
        if (sdl_->controller &&
            SDL_JoystickInstanceID(SDL_GameControllerGetJoystick(sdl_->controller)) == event.cdevice.which) {
          SDL_GameControllerClose(sdl_->controller);
          sdl_->controller = nullptr;
          input.notes.emplace_back("the controller is gone; keys still work");
        }
        break;
      default: break;
    }
  }
  return input;
}

bool Window::held(const std::string& key) const {
  const SDL_Scancode code = SDL_GetScancodeFromKey(SDL_GetKeyFromName(key.c_str()));
  return code != SDL_SCANCODE_UNKNOWN && SDL_GetKeyboardState(nullptr)[code] != 0;
}

bool Window::button_held(const std::string& button) const {
  return sdl_->controller &&
         SDL_GameControllerGetButton(sdl_->controller, SDL_GameControllerGetButtonFromString(button.c_str())) != 0;
}

double Window::axis(const std::string& name) const {
  constexpr int kDeadZone = 4000;  // of 32768: sticks at rest are not quite in the middle
  if (!sdl_->controller) return 0;
  const int value = SDL_GameControllerGetAxis(sdl_->controller, SDL_GameControllerGetAxisFromString(name.c_str()));
  return std::abs(value) < kDeadZone ? 0 : std::clamp(value / 32767.0, -1.0, 1.0);
}

int Window::width() const {
  int width = 0;
  SDL_GetRendererOutputSize(sdl_->renderer, &width, nullptr);
  return std::max(width, 1);
}
int Window::height() const {
  int height = 0;
  SDL_GetRendererOutputSize(sdl_->renderer, nullptr, &height);
  return std::max(height, 1);
}

double Window::density() const {
  int points = 0;
  SDL_GetWindowSize(sdl_->window, &points, nullptr);
  return points > 0 ? 1.0 * width() / points : 1;
}

}  // namespace corvid
