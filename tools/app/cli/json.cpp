#include "tools/app/cli/json.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/base/json_read.h"

namespace firn::cli {

namespace {

constexpr std::size_t kMostStrings = 16 << 20;  // bytes of a list of strings

std::string json_text(std::string_view text) {
  std::string out = nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  for (std::size_t at = 0; (at = out.find('\x7f', at)) != std::string::npos;) out.replace(at, 1, "\\u007f");
  return out;
}

std::string number(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : "null";
}

template <class T, class F>
std::string list(const std::vector<T>& values, F format) {
  std::string out = "[";
  for (const T& value : values) out += (out.size() > 1 ? "," : "") + format(value);
  return out + "]";
}

}  // namespace

JsonObject& JsonObject::add_raw(std::string_view key, std::string_view value) {
  if (!fields_.empty()) fields_ += ',';
  fields_ += json_text(key);
  fields_ += ':';
  fields_ += value;
  return *this;
}

JsonObject& JsonObject::add(std::string_view key, std::string_view value) {
  return add_raw(key, json_text(value));
}

JsonObject& JsonObject::add(std::string_view key, double value) {
  return add_raw(key, number(value));
}

JsonObject& JsonObject::add(std::string_view key, std::int64_t value) {
  return add_raw(key, fmt::format("{}", value));
}

JsonObject& JsonObject::add(std::string_view key, const std::vector<std::string>& values) {
  return add_raw(key, format_strings(values));
}

JsonObject& JsonObject::add(std::string_view key, const std::vector<double>& values) {
  return add_raw(key, list(values, number));
}

JsonObject& JsonObject::add(std::string_view key, const std::vector<std::int64_t>& values) {
  return add_raw(key, list(values, [](std::int64_t v) { return fmt::format("{}", v); }));
}

JsonObject& JsonObject::add(std::string_view key, const std::vector<JsonObject>& values) {
  return add_raw(key, list(values, [](const JsonObject& v) { return v.text(); }));
}

JsonObject& JsonObject::add_all(const JsonObject& other) {
  if (!fields_.empty() && !other.fields_.empty()) fields_ += ',';
  fields_ += other.fields_;
  return *this;
}

JsonObject json_line(std::string_view kind) {
  JsonObject object;
  object.add("schema", kJsonSchema).add("kind", kind);
  return object;
}

std::string format_strings(const std::vector<std::string>& values) {
  return list(values, [](const std::string& v) { return json_text(v); });
}

std::vector<std::string> parse_strings(std::string_view text, Fault fault, const std::string& where) {
  const JsonRule rule = {
      .fault = fault, .contents = fault, .bytes = kMostStrings, .depth = 1, .values = 1 << 20};
  const nlohmann::json list = read_json(text, where, rule);
  std::vector<std::string> values;
  bool good = list.is_array();
  for (const nlohmann::json& value : list) {
    good = good && value.is_string();
    if (good) values.push_back(value.get<std::string>());
  }
  if (!good) throw Error(fault, "json", where + ": want a list of strings");
  return values;
}

std::vector<std::string> json_differences(std::string_view is, std::string_view wanted,
                                          const std::vector<std::string>& passed_over,
                                          std::span<const LaterField> later) {
  const nlohmann::json a = try_json(is), b = try_json(wanted);
  if (!a.is_object() || !b.is_object()) return {"it is no object"};
  std::vector<std::string> found;
  // Objects in objects are compared field by field, once.
  const auto compare = [&](const nlohmann::json& x, const nlohmann::json& y, const std::string& prefix,
                           const auto& self) -> void {
    nlohmann::json keys = x;
    keys.update(y);
    for (const auto& item : keys.items()) {
      const std::string& key = item.key();
      if (prefix.empty() && std::count(passed_over.begin(), passed_over.end(), key) > 0) continue;
      nlohmann::json missing;
      for (const LaterField& field : later) {
        if (field.path == prefix + key) missing = try_json(field.value);
      }
      const nlohmann::json left = x.value(key, missing), right = y.value(key, nlohmann::json());
      if (left == right) continue;
      if (prefix.empty() && left.is_object() && right.is_object()) {
        self(left, right, key + ".", self);
      } else {
        found.push_back(fmt::format("{}{} is {}, not {}", prefix, key, left.dump(), right.dump()));
      }
    }
  };
  compare(a, b, "", compare);
  return found;
}

std::string json_library() {
  return fmt::format("nlohmann/json {}.{}.{}", NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR,
                     NLOHMANN_JSON_VERSION_PATCH);
}

}  // namespace firn::cli
