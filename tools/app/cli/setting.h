// A setting, written once: what files and the command line call it, what it takes, and where its value lies.
// A group of settings is a function that gives the list of them for one object; options, help, JSON and
// checks are made of that list.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/json_read.h"
#include "tools/app/cli/arguments.h"
#include "tools/app/cli/json.h"
#include "tools/app/cli/range.h"

namespace firn::cli {

struct Setting {
  using Place = std::variant<bool*, Index*, std::uint64_t*, double*, std::optional<double>*, std::string*,
                             std::vector<std::string>*, std::vector<Index>*, std::vector<double>*>;

  const char* key;  ///< in files; empty: they do not hold it
  Place place;      ///< outlives the list
  /// Of a number, and of each of a list of them; none: any.
  std::optional<Range> range = {};
  std::vector<std::string> among = {};  ///< of a word, and of each of a list of them; empty: any
  const char* option = "";  ///< "--batch"; empty: not on the command line, or the verb's own matter
  const char* value = "";   ///< "B", as the help shows it
  std::string help = {};
  /// JSON lacks it while it is zero, false or empty, as an optional without a value is.
  bool only_given = false;
  /// Where zero or an empty word is allowed beside `range` and `among`, and stands for nothing chosen: the
  /// word for that, in JSON for an empty one, and on the command line for 0 in a list of numbers.
  std::optional<std::string> none = {};
  /// What one word of the command line is as a list of words; null: such a list takes several.
  std::vector<std::string> (*split)(const std::string& text) = nullptr;
};

using Settings = std::vector<Setting>;

/// "a,b": a and b; nothing: none.
std::vector<std::string> split_at_commas(const std::string& text);

/// Declares all that have an option, in the order of the list. A number's has a range, but for a seed's.
void declare(Arguments& arguments, const Settings& settings);

/// All of them, but for an `only_given` that is not; any other empty optional is 0.
JsonObject to_json(const Settings& settings);

/// The way back: what is missing stays as it is, of a number 0 too where it is that. No list of numbers has a
/// key. Throws what `JsonFields` does for other kinds, and numbers out of range.
void from_json(const Settings& settings, const JsonFields& fields);

/// What is wrong with the first value that its setting does not take: "steps 0: want a whole number from 1 to
/// 100", "bn 'frozn': want frozen or batch, did you mean frozen?"; empty: nothing.
std::string fault_of(const Settings& settings);

/// `fault_of` as an Error(usage) of `operation`.
void require_valid(const Settings& settings, const std::string& operation);

/// Of settings with places of one kind.
bool same_value(const Setting& a, const Setting& b);
void copy_value(const Setting& to, const Setting& from);

/// Makes every value zero, false or empty.
void clear(const Settings& settings);
/// `to` takes each value of `from`, a list of the same settings, that is neither zero, false nor empty.
void take_given(const Settings& to, const Settings& from);

}  // namespace firn::cli
