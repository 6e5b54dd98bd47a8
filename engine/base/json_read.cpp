#include "engine/base/json_read.h"

#include <fmt/core.h>

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/base/atomic_file.h"
#include "engine/base/bytes.h"

namespace firn {

namespace {

using Json = nlohmann::json;

constexpr std::size_t kShown = 60;  // bytes of a key in an error

/// Builds the value from the parser's events. Each event returns false, which ends the parse, after it has
/// set `fault`; `broken` tells text that is no JSON from JSON that is not allowed.
class Builder {
 public:
  explicit Builder(const JsonRule& rule) : rule_(rule) {}

  Json value;
  std::string fault;
  std::size_t position = 0;
  bool broken = false;

  bool null() { return put(nullptr) != nullptr; }
  bool boolean(bool given) { return put(given) != nullptr; }
  bool number_integer(std::int64_t given) { return put(given) != nullptr; }
  bool number_unsigned(std::uint64_t given) {
    if (given > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) return stop("a number is too large");
    return put(given) != nullptr;
  }
  bool number_float(double given, const std::string&) {
    if (!std::isfinite(given)) return stop("a number is too large");
    return put(given) != nullptr;
  }
  bool string(std::string& given) { return put(std::move(given)) != nullptr; }
  bool binary(Json::binary_t&) { return stop("holds binary data"); }

  bool start_object(std::size_t) { return open(Json::object()); }
  bool start_array(std::size_t) { return open(Json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    if (!count()) return false;
    const auto [at, is_new] = open_.back()->get_ref<Json::object_t&>().emplace(name, nullptr);
    if (!is_new) return stop(fmt::format("'{}' is given twice", name.substr(0, kShown)));
    field_ = &at->second;
    return true;
  }

  bool parse_error(std::size_t at, const std::string&, const nlohmann::json::exception& error) {
    // The parser's own text repeats what it read, which may be anything.
    constexpr int kNumberOverflow = 406;
    broken = error.id != kNumberOverflow;
    fault = broken ? "is no JSON" : "a number is too large";
    position = at;
    return false;
  }

 private:
  bool stop(std::string message) {
    fault = std::move(message);
    return false;
  }
  bool count() {
    return ++count_ <= rule_.values || stop(fmt::format("holds more than {} values", rule_.values));
  }
  template <class T>
  Json* put(T&& given) {
    if (!count()) return nullptr;
    if (open_.empty()) {
      value = std::forward<T>(given);
      return &value;
    }
    if (open_.back()->is_array()) {
      open_.back()->push_back(std::forward<T>(given));
      return &open_.back()->back();
    }
    *field_ = std::forward<T>(given);
    return field_;
  }
  bool open(Json&& empty) {
    if (static_cast<int>(open_.size()) == rule_.depth)
      return stop(fmt::format("nested deeper than {}", rule_.depth));
    Json* place = put(std::move(empty));
    if (place == nullptr) return false;
    open_.push_back(place);
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  const JsonRule& rule_;
  std::vector<Json*> open_;  // a value moves only while its list is the last one open
  Json* field_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace

Json read_json(std::string_view text, const std::string& where, const JsonRule& rule) {
  if (text.size() > rule.bytes) {
    throw Error(rule.contents, rule.operation,
                fmt::format("{}: {} bytes of JSON are over {}", where, text.size(), rule.bytes));
  }
  // The parser takes a NUL for the end of its input.
  if (const std::size_t at = text.find('\0'); at != std::string_view::npos)
    throw Error(rule.fault, rule.operation, where, at, "is no JSON");
  Builder builder(rule);
  if (Json::sax_parse(text.begin(), text.end(), &builder)) return std::move(builder.value);
  if (builder.broken) throw Error(rule.fault, rule.operation, where, builder.position, builder.fault);
  throw Error(rule.contents, rule.operation, where + ": " + builder.fault);
}

Json read_json_file(const std::string& path, const JsonRule& rule) {
  const auto bytes = read_file(path, rule.fault, rule.bytes);
  return read_json(as_text(bytes), path, rule);
}

Json try_json(std::string_view text, const JsonRule& rule) {
  try {
    return read_json(text, "", rule);
  } catch (const Error&) {
    return nullptr;
  }
}

JsonFields::JsonFields(const Json& value, std::string where, JsonRule rule)
    : object_(&value), where_(std::move(where)), rule_(std::move(rule)) {
  if (!value.is_object()) throw Error(rule_.contents, rule_.operation, where_ + " is no JSON object");
}

void JsonFields::fail(const char* key, const std::string& what) const {
  throw Error(rule_.contents, rule_.operation, fmt::format("{}: '{}' {}", where_, key, what));
}

const Json* JsonFields::find(const char* key) const {
  const auto found = object_->find(key);
  return found == object_->end() ? nullptr : &*found;
}

const Json* JsonFields::list(const char* key) const {
  const Json* found = find(key);
  if (found != nullptr && !found->is_array()) fail(key, "is no list");
  return found;
}

bool JsonFields::has(const char* key) const {
  return find(key) != nullptr;
}

std::string JsonFields::text(const char* key, const std::string& otherwise) const {
  const Json* found = find(key);
  if (found == nullptr) return otherwise;
  if (!found->is_string()) fail(key, "is no text");
  return found->get<std::string>();
}

bool JsonFields::flag(const char* key, bool otherwise) const {
  const Json* found = find(key);
  if (found == nullptr) return otherwise;
  if (!found->is_boolean()) fail(key, "is neither true nor false");
  return found->get<bool>();
}

double JsonFields::number_of(const Json& value, const char* key, double least, double most) const {
  if (value.is_null()) return std::numeric_limits<double>::quiet_NaN();
  const double given = value.is_number() ? value.get<double>() : std::nan("");
  if (!(given >= least && given <= most)) {
    fail(key, fmt::format("is {}, no number from {} to {}",
                          value.is_number() ? fmt::format("{}", given) : value.type_name(), least, most));
  }
  return given;
}

double JsonFields::number(const char* key, double least, double most, double otherwise) const {
  const Json* found = find(key);
  return found == nullptr ? otherwise : number_of(*found, key, least, most);
}

std::vector<double> JsonFields::numbers(const char* key, double least, double most) const {
  std::vector<double> all;
  const Json* found = list(key);
  if (found == nullptr) return all;
  for (const Json& one : *found) all.push_back(number_of(one, key, least, most));
  return all;
}

Index JsonFields::whole_of(const Json& value, const char* key, Index least, Index most) const {
  // Unsigned numbers beyond 63 bits are refused by the reader.
  const bool is_whole = value.is_number_integer();
  const Index given = is_whole ? value.get<Index>() : 0;
  if (!is_whole || given < least || given > most)
    fail(key, fmt::format("is {}, no whole number from {} to {}",
                          is_whole ? fmt::format("{}", given) : value.type_name(), least, most));
  return given;
}

Index JsonFields::whole(const char* key, Index least, Index most, Index otherwise) const {
  const Json* found = find(key);
  return found == nullptr ? otherwise : whole_of(*found, key, least, most);
}

std::vector<std::string> JsonFields::texts(const char* key) const {
  std::vector<std::string> all;
  const Json* found = list(key);
  if (found == nullptr) return all;
  for (const Json& one : *found) {
    if (!one.is_string()) fail(key, "holds what is no text");
    all.push_back(one.get<std::string>());
  }
  return all;
}

std::vector<Index> JsonFields::wholes(const char* key, Index least, Index most) const {
  std::vector<Index> all;
  const Json* found = list(key);
  if (found == nullptr) return all;
  for (const Json& one : *found) all.push_back(whole_of(one, key, least, most));
  return all;
}

std::vector<JsonFields> JsonFields::objects(const char* key) const {
  std::vector<JsonFields> all;
  const Json* found = list(key);
  if (found == nullptr) return all;
  for (const Json& one : *found) all.emplace_back(one, fmt::format("{}: '{}'", where_, key), rule_);
  return all;
}

JsonFields JsonFields::object(const char* key) const {
  static const Json kEmpty = Json::object();
  const Json* found = find(key);
  return {found == nullptr ? kEmpty : *found, fmt::format("{}: '{}'", where_, key), rule_};
}

}  // namespace firn
