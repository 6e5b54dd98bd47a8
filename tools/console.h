// What the program says: results on stdout, everything else on stderr.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/real.h"
#include "tools/json.h"

namespace firn::cli {

class Arguments;

struct ConsoleOptions {
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool no_color = false;
};

/// --json, -q, -v, --no-color, in a group of their own.
void declare_console(Arguments& arguments, ConsoleOptions& options);

/// One for the process. Colours only where stdout is a terminal and neither NO_COLOR, TERM=dumb nor
/// --no-color speaks against it.
class Console {
 public:
  explicit Console(const ConsoleOptions& options);

  bool json() const { return options_.json; }
  /// A line of the result, to stdout, at once.
  void out(std::string_view text);
  void out(const JsonObject& object) { out(object.text()); }
  /// A message, to stderr; not with -q.
  void note(std::string_view text);
  void notes(const std::vector<std::string>& texts);
  /// A message for -v alone.
  void detail(std::string_view text);

  /// Whether progress is drawn as a bar.
  bool bar() const { return bar_; }
  /// Replaces the last line of stderr; an empty text takes it away. Only where `bar()` is true.
  void draw(std::string_view text);

  std::string bold(std::string_view text) const;
  std::string good(std::string_view text) const;
  std::string bad(std::string_view text) const;

 private:
  std::string coloured(const char* code, std::string_view text) const;

  ConsoleOptions options_;
  bool color_ = false;
  bool bar_ = false;
  bool drawn_ = false;
};

/// How far some work is: a bar with rate and time to go on a terminal, else a plain line every ten seconds.
class Progress {
 public:
  /// `what` names the work, `total` its steps.
  Progress(Console& console, std::string what, Index total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` steps are made; `extra` stands at the end: "loss 0.412".
  void at(Index done, std::string_view extra = {});

 private:
  using Clock = std::chrono::steady_clock;
  Console& console_;
  std::string what_;
  Index total_;
  Clock::time_point begin_, last_;
};

/// "1:05", "2:03:04", "0:07": seconds as a clock shows them.
std::string clock_text(double seconds);

}  // namespace firn::cli
