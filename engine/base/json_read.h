// JSON that somebody else may have written: read with limits, its fields with types and ranges.
#pragma once

#include <cstddef>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/real.h"

namespace firn {

/// What is allowed, and how a fault is named.
struct JsonRule {
  std::string operation = "json";
  Fault fault = Fault::data;     ///< of text that is no JSON
  Fault contents = Fault::data;  ///< of JSON beyond the limits, or with fields of other kinds
  std::size_t bytes = std::size_t{4} << 20;
  int depth = 8;                              ///< objects and lists in each other
  std::size_t values = std::size_t{1} << 18;  ///< all of them, keys too
};

/// The one reader of JSON. Throws Error naming `where` for text that is none or no UTF-8, for one that breaks
/// a limit, that gives a key of an object twice, or has a number that neither 64 bits nor a double hold.
/// Stops at the first fault; what it has then taken is bounded by the limits.
nlohmann::json read_json(std::string_view text, const std::string& where, const JsonRule& rule = {});
/// The same of a file, which must be no larger than `rule.bytes`.
nlohmann::json read_json_file(const std::string& path, const JsonRule& rule = {});
/// The same without an error: a null where there would be one.
nlohmann::json try_json(std::string_view text, const JsonRule& rule = {});

/// The fields of an object of the file `where`. What is missing is `otherwise`; what is of another kind or
/// out of range throws as `read_json` does.
class JsonFields {
 public:
  /// Throws where `value` is no object.
  JsonFields(const nlohmann::json& value, std::string where, JsonRule rule = {});

  bool has(const char* key) const;
  std::string text(const char* key, const std::string& otherwise = "") const;
  bool flag(const char* key, bool otherwise = false) const;
  /// From `least` to `most`; null, which stands for a number that was not finite, is NaN.
  double number(const char* key, double least, double most, double otherwise = 0) const;
  Index whole(const char* key, Index least, Index most, Index otherwise = 0) const;
  std::vector<std::string> texts(const char* key) const;
  std::vector<double> numbers(const char* key, double least, double most) const;
  std::vector<Index> wholes(const char* key, Index least, Index most) const;
  /// The objects of a list.
  std::vector<JsonFields> objects(const char* key) const;
  /// The object of this name; one without fields where it is missing.
  JsonFields object(const char* key) const;

 private:
  const nlohmann::json* find(const char* key) const;
  const nlohmann::json* list(const char* key) const;
  double number_of(const nlohmann::json& value, const char* key, double least, double most) const;
  Index whole_of(const nlohmann::json& value, const char* key, Index least, Index most) const;
  [[noreturn]] void fail(const char* key, const std::string& what) const;

  const nlohmann::json* object_;
  std::string where_;
  JsonRule rule_;
};

}  // namespace firn
