// The words behind a verb: options bound to variables, and the help made of them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/real.h"
#include "tools/app/cli/range.h"

namespace firn::cli {

/// Declares what a verb takes, then reads it. Names are as typed: "--model", "-q,--quiet". What is not given
/// leaves its variable as it was. All readers throw Error(usage), one line, with the nearest name for a typo.
class Arguments {
 public:
  Arguments(std::string verb, std::string summary);
  ~Arguments();
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  /// One line of the examples that the help begins with.
  void example(const std::string& command, const std::string& what);
  /// The first of them, as it is typed.
  const std::string& first_example() const { return examples_.front().left; }
  /// The options that follow stand under this title in the help.
  void group(const std::string& title);

  void flag(const std::string& names, bool& to, const std::string& help);
  void option(const std::string& names, std::string& to, const std::string& value, const std::string& help);
  /// Numbers, which are read in full, fit and are in `range`.
  void option(const std::string& names, Index& to, const std::string& value, const Range& range,
              const std::string& help);
  void option(const std::string& names, double& to, const std::string& value, const Range& range,
              const std::string& help);
  void option(const std::string& names, std::optional<double>& to, const std::string& value,
              const Range& range, const std::string& help);
  /// A seed, any of 64 bits.
  void option(const std::string& names, std::uint64_t& to, const std::string& value, const std::string& help);
  /// A name that becomes part of a path (tools/app/cli/path_name.h).
  void name(const std::string& names, std::string& to, const std::string& help);
  /// Several words, or the option several times.
  void list(const std::string& names, std::vector<std::string>& to, const std::string& value,
            const std::string& help);
  /// Numbers with commas between them, each in `range`.
  void list(const std::string& names, std::vector<double>& to, const std::string& value, const Range& range,
            const std::string& help);
  /// `zero` is a word for 0, which may be out of range; empty: there is none.
  void list(const std::string& names, std::vector<Index>& to, const std::string& value, const Range& range,
            const std::string& help, const std::string& zero = "");
  /// One word that `split` makes a list of.
  void words(const std::string& names, std::vector<std::string>& to,
             std::vector<std::string> (*split)(const std::string& text), const std::string& value,
             const std::string& help);
  /// One of these words.
  void choice(const std::string& names, std::string& to, const std::vector<std::string>& among,
              const std::string& help);
  /// A word without a name; it may be left out.
  void positional(const std::string& value, std::string& to, const std::string& help);
  /// As many as are given.
  void positional(const std::string& value, std::vector<std::string>& to, const std::string& help);

  /// A line of the help that stands for no option.
  void topic(const std::string& left, const std::string& right) { lines_.push_back({left, right}); }

  /// Reads the words behind the verb. False when help was asked for.
  bool parse(std::vector<std::string> words);
  std::string help() const;

  /// An option that takes numbers.
  struct Numeric {
    std::string name;  ///< "--batch"
    Range range;
    bool whole;
  };
  /// All that are declared but for seeds.
  const std::vector<Numeric>& numerics() const { return numerics_; }

 private:
  struct Parser;
  void describe(const std::string& names, const std::string& value, const std::string& help);
  std::vector<std::string> names() const;

  struct Line {
    std::string left, right;  ///< a title has no right side
  };
  std::string verb_, summary_;
  using Words = std::vector<std::string>;
  using Reader = std::function<void(const Words& words, const Asked& asked)>;
  /// Has `reader` read what is given for `names`: one word, or `many`.
  void read_with(const std::string& names, bool many, Reader reader);
  void numeric(const std::string& names, const std::string& value, const Range& range, bool whole,
               const std::string& help);
  std::vector<Line> examples_, lines_, positionals_;
  std::vector<Numeric> numerics_;
  std::unique_ptr<Parser> parser_;
};

}  // namespace firn::cli
