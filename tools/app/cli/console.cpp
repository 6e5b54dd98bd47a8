#include "tools/app/cli/console.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "engine/base/atomic_file.h"
#include "engine/base/bytes.h"
#include "engine/base/printable.h"
#include "engine/base/seconds.h"
#include "engine/base/write_place.h"
#include "tools/app/cli/arguments.h"

namespace firn::cli {

namespace {

constexpr double kRedraw = 0.1;  // seconds
constexpr double kPlainLine = 10;
constexpr Index kBarWidth = 24;

bool dumb_terminal() {
  const char* term = std::getenv("TERM");
  return term == nullptr || std::string_view(term) == "dumb";
}

/// Of the terminal that stderr is; 0: not known.
std::size_t terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/// The beginning of a line that fits into so many columns, less one: a full line would wrap. 0: all of it.
std::string first_columns(const std::string& text, std::size_t columns) {
  if (columns == 0) return text;
  std::size_t seen = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
    if (begins && ++seen == columns) return text.substr(0, i);
  }
  return text;
}

bool no_color_asked() {
  const char* no_color = std::getenv("NO_COLOR");
  return no_color != nullptr && *no_color != '\0';
}

}  // namespace

void prepare_streams() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // Not for writing: to a closed stream nothing can be written.
    if (::fcntl(stream, F_GETFD) < 0 && errno == EBADF) ::open("/dev/null", O_RDONLY);
  }
}

void close_stdout() {
  if (::close(STDOUT_FILENO) != 0 && errno != EINTR)
    throw Error(Fault::failure, "write", "stdout: " + std::generic_category().message(errno));
}

void write_stdout(std::string_view text) {
  write_all(STDOUT_FILENO, as_bytes(text), "stdout");
}

void write_stderr(std::string_view text) {
  try {
    write_all(STDERR_FILENO, as_bytes(text), "stderr");
  } catch (const Error&) {
  } catch (const ClosedPipe&) {
  }
}

void declare_console(Arguments& arguments, ConsoleOptions& options) {
  arguments.group("What is printed");
  arguments.flag("--json", options.json, "one JSON object a line on stdout, the last of kind result");
  arguments.flag("-q,--quiet", options.quiet, "no messages and no progress");
  arguments.flag("-v,--verbose", options.verbose, "more messages");
  arguments.flag("--no-color", options.no_color, "no colours (NO_COLOR and TERM=dumb do the same)");
}

Console::Console(const ConsoleOptions& options, std::string verb)
    : options_(options),
      verb_(std::move(verb)),
      color_(!options.no_color && !no_color_asked() && !dumb_terminal() && isatty(STDOUT_FILENO) == 1),
      bar_(!options.quiet && !dumb_terminal() && isatty(STDERR_FILENO) == 1) {}

void Console::make_way_for(const std::string& path, const std::vector<std::string>& inputs) {
  if (path.empty()) return;
  for (const std::string& input : inputs) {
    std::error_code code;
    if (!input.empty() && std::filesystem::equivalent(input, path, code)) {
      throw Error(Fault::usage, "write", fmt::format("{} would be overwritten by what is made of it", input));
    }
  }
  stdout_is_a_file_ = stdout_is_a_file_ || leads_to_stdout(path);
}

void Console::out(std::initializer_list<Span> spans) {
  draw({});
  std::string line;
  for (const Span& span : spans) {
    const std::string text = printable(span.text, true);
    line += color_ && span.code != nullptr ? fmt::format("\033[{}m{}\033[0m", span.code, text) : text;
  }
  line += '\n';
  stdout_is_a_file_ ? write_stderr(line) : write_stdout(line);
}

void Console::out(const JsonObject& object) {
  out(object.text());
  ++records_;
}

void Console::close(const JsonObject& fields) {
  if (!json() || closed_) return;
  closed_ = true;
  out(json_line("result").add("verb", verb_).add_all(fields).add("records", records_));
}

void Console::note(std::string_view text) {
  if (options_.quiet) return;
  draw({});
  write_stderr(printable(text, true) + "\n");
}

void Console::notes(const std::vector<std::string>& texts) {
  for (const std::string& text : texts) note(printable(text));
}

void Console::detail(std::string_view text) {
  if (options_.verbose) note(text);
}

void Console::draw(std::string_view text) {
  if (!bar_ || (!drawn_ && text.empty())) return;
  drawn_ = !text.empty();
  write_stderr("\r\033[K" + first_columns(printable(text), terminal_columns()));
}

Progress::Progress(Console& console, std::string what, Index total, Index before)
    : console_(console),
      what_(std::move(what)),
      total_(total),
      before_(before),
      begin_(seconds_now()),
      last_(begin_) {}

Progress::~Progress() {
  console_.draw({});
}

bool Progress::due() const {
  const double since = seconds_now() - last_;
  return console_.bar() ? since >= kRedraw : since >= kPlainLine;
}

void Progress::draw(std::string_view line) {
  if (!console_.bar() || !due()) return;
  last_ = seconds_now();
  console_.draw(line);
}

void Progress::at(Index done, std::string_view extra) {
  if (!due()) return;
  const double now = seconds_now();
  last_ = now;
  const double seconds = now - begin_;
  const double rate = static_cast<double>(done - before_) / std::max(1e-9, seconds);
  const std::string speed =
      done > before_
          ? fmt::format("{:.1f}/s  {} left  ", rate, clock_text(static_cast<double>(total_ - done) / rate))
          : "";
  const std::string state = fmt::format("{}/{}  {}{}", done, total_, speed, extra);
  if (console_.bar()) {
    const Index filled = total_ > 0 ? kBarWidth * done / total_ : 0;
    console_.draw(fmt::format("{} [{}{}] {}", what_, std::string(static_cast<std::size_t>(filled), '#'),
                              std::string(static_cast<std::size_t>(kBarWidth - filled), '-'), state));
  } else {
    console_.note(what_ + " " + state);
  }
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<Index>(seconds + 0.5);
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

}  // namespace firn::cli
