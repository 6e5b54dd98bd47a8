#include "tools/app/cli/setting.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <type_traits>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "engine/base/split.h"

namespace firn::cli {

namespace {

template <class T>
constexpr bool kIsList = false;
template <class T>
constexpr bool kIsList<std::vector<T>> = true;

std::string number_fault(const Setting& setting, double number, bool whole) {
  if (!setting.range || setting.range->holds(number) || (setting.none && number == 0)) return "";
  return fmt::format("{} {}: want {}", setting.key, number, setting.range->text(whole));
}

std::string fault(const Setting& setting, Index number) {
  return number_fault(setting, static_cast<double>(number), true);
}
std::string fault(const Setting& setting, double number) {
  return number_fault(setting, number, false);
}
std::string fault(const Setting& setting, const std::string& word) {
  const std::vector<std::string>& among = setting.among;
  if (setting.none && word.empty()) return "";
  if (among.empty() || std::find(among.begin(), among.end(), word) != among.end()) return "";
  return fmt::format("{} '{}': want {}{}", setting.key, word, fmt::join(among, " or "),
                     did_you_mean(word, among));
}

/// How one value becomes an option.
struct Declaration {
  Arguments& arguments;
  const Setting& setting;

  void operator()(bool* to) const { arguments.flag(setting.option, *to, setting.help); }
  void operator()(std::uint64_t* to) const {
    arguments.option(setting.option, *to, setting.value, setting.help);
  }
  void operator()(std::string* to) const {
    if (setting.among.empty()) {
      arguments.option(setting.option, *to, setting.value, setting.help);
    } else {
      arguments.choice(setting.option, *to, setting.among, setting.help);
    }
  }
  void operator()(std::vector<std::string>* to) const {
    if (setting.split != nullptr) {
      arguments.words(setting.option, *to, setting.split, setting.value, setting.help);
      return;
    }
    arguments.list(setting.option, *to, setting.value, setting.help);
  }
  template <class T>
  void operator()(T* to) const {
    if constexpr (std::is_same_v<T, std::vector<Index>>) {
      arguments.list(setting.option, *to, setting.value, setting.range.value(), setting.help,
                     setting.none.value_or(""));
    } else if constexpr (kIsList<T>) {
      arguments.list(setting.option, *to, setting.value, setting.range.value(), setting.help);
    } else {
      arguments.option(setting.option, *to, setting.value, setting.range.value(), setting.help);
    }
  }
};

}  // namespace

std::vector<std::string> split_at_commas(const std::string& text) {
  return text.empty() ? std::vector<std::string>() : firn::split(text, ',');
}

void declare(Arguments& arguments, const Settings& settings) {
  for (const Setting& setting : settings) {
    if (*setting.option != '\0') std::visit(Declaration{arguments, setting}, setting.place);
  }
}

JsonObject to_json(const Settings& settings) {
  JsonObject object;
  for (const Setting& setting : settings) {
    if (*setting.key == '\0') continue;
    std::visit(
        [&](const auto* value) {
          using T = std::remove_cvref_t<decltype(*value)>;
          if (setting.only_given && *value == T{}) return;
          if constexpr (std::is_same_v<T, std::optional<double>>) {
            object.add(setting.key, value->value_or(0));
          } else if constexpr (std::is_same_v<T, std::string>) {
            object.add(setting.key, value->empty() ? setting.none.value_or("") : *value);
          } else {
            object.add(setting.key, *value);
          }
        },
        setting.place);
  }
  return object;
}

namespace {

/// How one value is read from a field.
struct FieldReader {
  const JsonFields& fields;
  const Setting& setting;

  void operator()(bool* to) const { *to = fields.flag(setting.key, *to); }
  void operator()(std::string* to) const { *to = fields.text(setting.key, *to); }
  void operator()(std::vector<std::string>* to) const {
    if (fields.has(setting.key)) *to = fields.texts(setting.key);
  }
  void operator()(std::uint64_t* to) const {  // a seed, any of 64 bits, which JSON has as a signed one
    constexpr std::numeric_limits<Index> all;
    *to =
        static_cast<std::uint64_t>(fields.whole(setting.key, all.min(), all.max(), static_cast<Index>(*to)));
  }
  void operator()(Index* to) const {
    const Range range = setting.range.value();
    const double least = *to == 0 ? 0 : range.least;
    *to = fields.whole(setting.key, static_cast<Index>(least), static_cast<Index>(range.most), *to);
  }
  void operator()(double* to) const {
    const Range range = setting.range.value();
    *to = fields.number(setting.key, *to == 0 ? 0 : range.least, range.most, *to);
  }
  template <class T>
  void operator()(T*) const {
    throw Error(Fault::usage, "settings", fmt::format("{} is not read from a field", setting.key));
  }
};

}  // namespace

void from_json(const Settings& settings, const JsonFields& fields) {
  for (const Setting& setting : settings) {
    if (*setting.key != '\0') std::visit(FieldReader{fields, setting}, setting.place);
  }
}

bool same_value(const Setting& a, const Setting& b) {
  return std::visit([&](auto* value) { return *value == *std::get<decltype(value)>(b.place); }, a.place);
}

void copy_value(const Setting& to, const Setting& from) {
  std::visit([&](auto* value) { *value = *std::get<decltype(value)>(from.place); }, to.place);
}

std::string fault_of(const Settings& settings) {
  for (const Setting& setting : settings) {
    const std::string found = std::visit(
        [&](const auto* value) -> std::string {
          using T = std::remove_cvref_t<decltype(*value)>;
          if constexpr (std::is_same_v<T, std::optional<double>>) {
            return *value ? fault(setting, **value) : "";
          } else if constexpr (kIsList<T>) {
            for (const auto& one : *value) {
              if (std::string wrong = fault(setting, one); !wrong.empty()) return wrong;
            }
            return "";
          } else if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::uint64_t>) {
            return "";
          } else {
            return fault(setting, *value);
          }
        },
        setting.place);
    if (!found.empty()) return found;
  }
  return "";
}

void require_valid(const Settings& settings, const std::string& operation) {
  if (std::string fault = fault_of(settings); !fault.empty()) throw Error(Fault::usage, operation, fault);
}

void clear(const Settings& settings) {
  for (const Setting& setting : settings)
    std::visit([](auto* value) { *value = std::remove_cvref_t<decltype(*value)>(); }, setting.place);
}

void take_given(const Settings& to, const Settings& from) {
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::visit(
        [&](const auto* value) {
          using T = std::remove_cvref_t<decltype(*value)>;
          if (*value != T{}) *std::get<T*>(to[i].place) = *value;
        },
        from[i].place);
  }
}

}  // namespace firn::cli
