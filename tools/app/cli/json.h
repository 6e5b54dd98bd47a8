// JSON, one object a line: what `--json` prints, and the lists that files beside weights hold.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/error.h"

namespace firn::cli {

/// The version of everything that is printed by `--json`; counts up when a field changes its meaning.
constexpr int kJsonSchema = 1;

/// An object in the making; fields stand in the order of `add`. What is no finite number becomes null, what
/// is not UTF-8 U+FFFD.
class JsonObject {
 public:
  JsonObject& add(std::string_view key, std::string_view value);
  JsonObject& add(std::string_view key, const char* value) { return add(key, std::string_view(value)); }
  JsonObject& add(std::string_view key, double value);
  JsonObject& add(std::string_view key, std::int64_t value);
  template <std::integral T>
  JsonObject& add(std::string_view key, T value) {
    if constexpr (std::same_as<T, bool>) return add_raw(key, value ? "true" : "false");
    return add(key, static_cast<std::int64_t>(value));
  }
  JsonObject& add(std::string_view key, const std::vector<std::string>& values);
  JsonObject& add(std::string_view key, const std::vector<double>& values);
  JsonObject& add(std::string_view key, const std::vector<std::int64_t>& values);
  JsonObject& add(std::string_view key, const JsonObject& value) { return add_raw(key, value.text()); }
  JsonObject& add(std::string_view key, const std::vector<JsonObject>& values);
  /// All fields of another, in their order.
  JsonObject& add_all(const JsonObject& other);

  /// On one line.
  std::string text() const { return "{" + fields_ + "}"; }

 private:
  JsonObject& add_raw(std::string_view key, std::string_view value);
  std::string fields_;
};

/// An object that says what it is: {"schema":1,"kind":kind,...
JsonObject json_line(std::string_view kind);

/// ["a","b"]
std::string format_strings(const std::vector<std::string>& values);
/// The reverse. Throws Error(fault) naming `where` on anything but a list of strings.
std::vector<std::string> parse_strings(std::string_view text, Fault fault, const std::string& where);

/// A field that older objects lack, and the value, as JSON, that they stand for: "training.rate", "0.1".
struct LaterField {
  std::string_view path, value;
};

/// Where two objects differ, below the keys that are `passed_over`: "training.rate is 0.1, not 0.05"; empty:
/// nowhere. What `is` lacks of `later` has its value. An object that cannot be read differs from everything.
std::vector<std::string> json_differences(std::string_view is, std::string_view wanted,
                                          const std::vector<std::string>& passed_over,
                                          std::span<const LaterField> later = {});

/// Versions of the libraries of which headers alone are used here: "nlohmann/json 3.11.2".
std::string json_library();

}  // namespace firn::cli
