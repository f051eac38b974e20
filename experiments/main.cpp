// The program: finds the command named by the first word and runs it.
#include <csignal>
#include <iostream>
#include <new>

#include "core/base/check.h"
#include "core/base/version.h"
#include "experiments/command.h"

namespace {

void on_signal(int signal) {
  // The second one ends the program at once.
  if (corvid::stop_requested.exchange(true)) std::_Exit(128 + signal);
}

void print_help() {
  std::cout << "corvid " << corvid::kVersion
            << ": reinforcement-learning research environment and agent library\n\nusage: corvid COMMAND ...\n\n";
  for (const corvid::Command& command : corvid::command_registry().entries()) {
    std::cout << "  " << command.id << std::string(12 - std::min<std::size_t>(11, command.id.size()), ' ')
              << command.summary << "\n";
  }
  std::cout
      << "\ncorvid COMMAND --help tells more. Exit codes: 0 done, 1 failed, 2 bad usage or config, 3 bad input file,\n"
         "130 interrupted and resumable.\n";
}

}  // namespace

int main(int argc, char** argv) {
  const corvid::Arguments words(argv + 1, argv + argc);
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error to report, not a death
  std::signal(SIGPIPE, SIG_IGN);

  try {
    if (words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
      print_help();
      return words.empty() ? 2 : 0;
    }
    if (words[0] == "--version") {
      std::cout << "corvid " << corvid::kVersion << "\n";
      return 0;
    }
    const corvid::Command& command = corvid::command_registry().at(words[0]);
    const int code = command.run(command, {words.begin() + 1, words.end()});
    if (!std::cout.flush()) {
      std::cerr << "corvid: cannot write all of the standard output\n";
      return code == 0 ? 1 : code;
    }
    return code;
  } catch (const corvid::Error& error) {
    std::cerr << "corvid: " << error.what() << "\n";
    return error.exit_code();
  } catch (const std::bad_alloc&) {
    std::cerr << "corvid: out of memory; fewer environments (--num-envs) or shorter rollouts (--n-steps) need less\n";
    return 1;
  } catch (const std::exception& error) {
    std::cerr << "corvid: " << error.what() << "\n";
    return 1;
  }
}
