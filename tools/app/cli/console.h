// What the program says: results on stdout, everything else on stderr.
//
// What they print may come from files: each way out makes it printable first (engine/base/printable.h).
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/real.h"
#include "tools/app/cli/json.h"

namespace firn::cli {

class Arguments;

struct ConsoleOptions {
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool no_color = false;
};

/// Before anything else: writing to a pipe that nobody reads and beyond a limit of the shell become errors of
/// the write instead of signals, and no file that is opened gets the number of a stream that is closed.
void prepare_streams();
/// What stdout did not take is known at the latest when it is closed. Throws Error(failure).
void close_stdout();
/// To stdout, at once; as it is. Throws Error(failure) for what it does not take, and ClosedPipe.
void write_stdout(std::string_view text);
/// To stderr; what that does not take is lost.
void write_stderr(std::string_view text);

/// --json, -q, -v, --no-color, in a group of their own.
void declare_console(Arguments& arguments, ConsoleOptions& options);

/// A part of a line, in the colour of an SGR code; none: as the terminal has it.
struct Span {
  std::string text;
  const char* code = nullptr;
};

/// One for the process. Colours only where stdout is a terminal and neither NO_COLOR, TERM=dumb nor
/// --no-color speaks against it.
class Console {
 public:
  /// `verb`: whose closing record it is.
  explicit Console(const ConsoleOptions& options, std::string verb = {});

  bool json() const { return options_.json; }
  bool quiet() const { return options_.quiet; }
  /// A file is written to `path`, made of `inputs`: where that leads to stdout, what `out` says goes to
  /// stderr instead. Throws what `write_place` throws, and Error(usage) where it is one of the inputs;
  /// nothing where the path is empty.
  void make_way_for(const std::string& path, const std::vector<std::string>& inputs);
  /// A line of the result, to stdout, at once.
  void out(std::string_view text) { out({Span{std::string(text)}}); }
  void out(const Span& span) { out({span}); }
  void out(std::initializer_list<Span> spans);
  void out(const JsonObject& object);
  /// With --json the last line, of kind "result": the verb, what its work came to, and how many records stand
  /// before. `main` closes what no verb has closed; nothing may follow.
  void close(const JsonObject& fields = {});
  /// A message, to stderr; not with -q.
  void note(std::string_view text);
  /// Messages of one line each.
  void notes(const std::vector<std::string>& texts);
  /// A message for -v alone.
  void detail(std::string_view text);

  /// Whether progress is drawn as a bar.
  bool bar() const { return bar_; }
  /// Replaces the last line of stderr, cut where the terminal ends; an empty text takes it away. Only where
  /// `bar()` is true.
  void draw(std::string_view text);

  static Span bold(std::string text) { return {std::move(text), "1"}; }
  static Span good(std::string text) { return {std::move(text), "32"}; }
  static Span bad(std::string text) { return {std::move(text), "31"}; }

 private:
  ConsoleOptions options_;
  std::string verb_;
  Index records_ = 0;
  bool closed_ = false;
  bool color_ = false;
  bool stdout_is_a_file_ = false;
  bool bar_ = false;
  bool drawn_ = false;
};

/// How far some work is: a bar with rate and time to go on a terminal, else a plain line every ten seconds.
class Progress {
 public:
  /// `what` names the work, `total` its steps, of which so many were made `before`: they took no time.
  Progress(Console& console, std::string what, Index total, Index before = 0);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Whether something new would be shown now: a bar ten times a second, a line every ten seconds.
  bool due() const;
  /// `done` steps are made; `extra` stands at the end: "loss 0.412". Does nothing where it is not due.
  void at(Index done, std::string_view extra = {});
  /// A bar of the caller's own, where there are bars and one is due.
  void draw(std::string_view line);

 private:
  Console& console_;
  std::string what_;
  Index total_, before_;
  double begin_, last_;
};

/// "1:05", "2:03:04", "0:07": seconds as a clock shows them.
std::string clock_text(double seconds);

}  // namespace firn::cli
