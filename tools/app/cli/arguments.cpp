#include "tools/app/cli/arguments.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "engine/base/split.h"
#include "tools/app/cli/path_name.h"

namespace firn::cli {

namespace {

constexpr std::size_t kTextWidth = 76;

/// `text` in lines of at most `kTextWidth` characters, the second and later ones indented.
std::string wrapped(const std::string& text, std::size_t indent) {
  std::string out;
  std::size_t column = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    if (column > 0 && column + 1 + end - at > kTextWidth) {
      out += "\n" + std::string(indent, ' ');
      column = 0;
    } else if (column > 0) {
      out += ' ';
      ++column;
    }
    out.append(text, at, end - at);
    column += end - at;
    at = end + 1;
  }
  return out;
}

/// "--quiet" of "-q,--quiet".
std::string long_name(const std::string& names) {
  return names.substr(names.starts_with("--") ? 0 : names.find("--"),
                      names.starts_with("--") ? names.find(',') : std::string::npos);
}

/// The words, each parted at its commas.
std::vector<std::string> parts_of(const std::vector<std::string>& words) {
  std::vector<std::string> all;
  for (const std::string& word : words) {
    for (std::string& part : split(word, ',')) all.push_back(std::move(part));
  }
  return all;
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

struct Arguments::Parser {
  CLI::App app;
  bool help = false;
};

Arguments::Arguments(std::string verb, std::string summary)
    : verb_(std::move(verb)), summary_(std::move(summary)), parser_(std::make_unique<Parser>()) {
  parser_->app.set_help_flag();
  parser_->app.add_flag("-h,--help", parser_->help);
}

Arguments::~Arguments() = default;

void Arguments::describe(const std::string& names, const std::string& value, const std::string& help) {
  std::string left = names;
  if (const std::size_t comma = left.find(','); comma != std::string::npos) left.insert(comma + 1, " ");
  lines_.push_back({value.empty() ? left : left + " " + value, help});
}

void Arguments::example(const std::string& command, const std::string& what) {
  examples_.push_back({"firn " + verb_ + (command.empty() ? "" : " ") + command, what});
}

void Arguments::group(const std::string& title) {
  lines_.push_back({title, ""});
}

void Arguments::flag(const std::string& names, bool& to, const std::string& help) {
  describe(names, "", help);
  parser_->app.add_flag(names, to);
}

void Arguments::option(const std::string& names, std::string& to, const std::string& value,
                       const std::string& help) {
  describe(names, value, help);
  parser_->app.add_option(names, to);
}

void Arguments::read_with(const std::string& names, bool many, Reader reader) {
  const auto read = [reader = std::move(reader), verb = verb_, name = long_name(names)](const Words& words) {
    reader(words, Asked{verb, name});
    return true;
  };
  parser_->app.add_option(names, read)
      ->type_name("value")
      ->expected(many ? CLI::detail::expected_max_vector_size : 1);
}

void Arguments::numeric(const std::string& names, const std::string& value, const Range& range, bool whole,
                        const std::string& help) {
  describe(names, value, help);
  numerics_.push_back({long_name(names), range, whole});
}

void Arguments::option(const std::string& names, Index& to, const std::string& value, const Range& range,
                       const std::string& help) {
  numeric(names, value, range, true, help);
  read_with(names, false,
            [&to, range](const Words& words, const Asked& asked) { to = whole_in(words[0], range, asked); });
}

void Arguments::option(const std::string& names, double& to, const std::string& value, const Range& range,
                       const std::string& help) {
  numeric(names, value, range, false, help);
  read_with(names, false,
            [&to, range](const Words& words, const Asked& asked) { to = number_in(words[0], range, asked); });
}

void Arguments::option(const std::string& names, std::optional<double>& to, const std::string& value,
                       const Range& range, const std::string& help) {
  numeric(names, value, range, false, help);
  read_with(names, false,
            [&to, range](const Words& words, const Asked& asked) { to = number_in(words[0], range, asked); });
}

void Arguments::option(const std::string& names, std::uint64_t& to, const std::string& value,
                       const std::string& help) {
  describe(names, value, help);
  read_with(names, false, [&to](const Words& words, const Asked& asked) { to = seed_in(words[0], asked); });
}

void Arguments::name(const std::string& names, std::string& to, const std::string& help) {
  describe(names, "NAME", help);
  parser_->app.add_option(names, to)->check([](const std::string& given) { return path_name_fault(given); });
}

void Arguments::list(const std::string& names, std::vector<std::string>& to, const std::string& value,
                     const std::string& help) {
  describe(names, value, help);
  parser_->app.add_option(names, to);
}

void Arguments::list(const std::string& names, std::vector<double>& to, const std::string& value,
                     const Range& range, const std::string& help) {
  numeric(names, value, range, false, help);
  read_with(names, true, [&to, range](const Words& words, const Asked& asked) {
    to.clear();
    for (const std::string& part : parts_of(words)) to.push_back(number_in(part, range, asked));
  });
}

void Arguments::list(const std::string& names, std::vector<Index>& to, const std::string& value,
                     const Range& range, const std::string& help, const std::string& zero) {
  numeric(names, value, range, true, help);
  read_with(names, true, [&to, range, zero](const Words& words, const Asked& asked) {
    to.clear();
    for (const std::string& part : parts_of(words))
      to.push_back(!zero.empty() && part == zero ? 0 : whole_in(part, range, asked));
  });
}

void Arguments::words(const std::string& names, std::vector<std::string>& to,
                      std::vector<std::string> (*split)(const std::string& text), const std::string& value,
                      const std::string& help) {
  describe(names, value, help);
  read_with(names, false, [&to, split](const Words& words, const Asked&) { to = split(words[0]); });
}

void Arguments::choice(const std::string& names, std::string& to, const std::vector<std::string>& among,
                       const std::string& help) {
  describe(names, fmt::format("{}", fmt::join(among, "|")), help);
  parser_->app.add_option(names, to)->check([among](const std::string& given) {
    if (std::find(among.begin(), among.end(), given) != among.end()) return std::string();
    return fmt::format("'{}' is none of {}{}", given, fmt::join(among, ", "), did_you_mean(given, among));
  });
}

void Arguments::positional(const std::string& value, std::string& to, const std::string& help) {
  positionals_.push_back({value, help});
  parser_->app.add_option(value, to);
}

void Arguments::positional(const std::string& value, std::vector<std::string>& to, const std::string& help) {
  positionals_.push_back({value + "...", help});
  parser_->app.add_option(value, to);
}

std::vector<std::string> Arguments::names() const {
  std::vector<std::string> all;
  for (const CLI::Option* option : parser_->app.get_options()) {
    for (const std::string& name : option->get_lnames()) all.push_back("--" + name);
  }
  return all;
}

bool Arguments::parse(std::vector<std::string> words) {
  std::reverse(words.begin(), words.end());  // as CLI11 wants them
  CLI::App& app = parser_->app;
  const auto fail = [&](const std::string& message) {
    throw Error(Fault::usage, verb_, one_line(message) + "; see firn " + verb_ + " --help");
  };
  try {
    app.parse(words);
  } catch (const CLI::ExtrasError&) {
    if (parser_->help) return false;
    const std::vector<std::string> rest = app.remaining();
    const auto option =
        std::find_if(rest.begin(), rest.end(), [](const auto& w) { return w.starts_with('-'); });
    if (option == rest.end()) fail(fmt::format("'{}' was not expected", rest.empty() ? "" : rest.front()));
    const std::string name = option->substr(0, option->find('='));
    fail(fmt::format("unknown option '{}'{}", name, did_you_mean(name, names())));
  } catch (const Error&) {
    if (parser_->help) return false;
    throw;
  } catch (const CLI::ParseError& error) {
    if (parser_->help) return false;
    fail(error.what());
  }
  return !parser_->help;
}

std::string Arguments::help() const {
  std::string out = "Examples\n";
  const auto put = [&out](const std::vector<Line>& lines, std::size_t least) {
    std::size_t width = least;
    for (const Line& line : lines) width = std::max(width, line.right.empty() ? 0 : line.left.size());
    width = std::min<std::size_t>(width, 34);
    for (const Line& line : lines) {
      if (line.right.empty()) {
        out += fmt::format("\n{}\n", line.left);
      } else if (line.left.size() > width) {
        out += fmt::format("  {}\n  {:{}}  {}\n", line.left, "", width, wrapped(line.right, width + 4));
      } else {
        out += fmt::format("  {:{}}  {}\n", line.left, width, wrapped(line.right, width + 4));
      }
    }
  };
  for (const Line& line : examples_) out += fmt::format("  {}\n      {}\n", line.left, line.right);
  out += fmt::format("\nfirn {}: {}\n\nUsage: firn {}", verb_, summary_, verb_);
  for (const Line& line : positionals_) out += fmt::format(" [{}]", line.left);
  out += " [OPTION...]\n";
  put(positionals_, 0);
  put(lines_, 24);
  return out;
}

}  // namespace firn::cli
