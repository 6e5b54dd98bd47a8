// What an operation says of itself: its name, its formula, and named values that distinguish it from others
// of that name.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/tensor/shape.h"

namespace firn {

using AttributeValue =
    std::variant<bool, Index, double, std::string, std::vector<Index>, std::vector<double>>;

struct Attribute {
  std::string name;
  AttributeValue value;
  std::string text;  ///< in listings, where its value is worth saying; else empty

  /// "true", "3", "0.5", "relu", "3,3"
  std::string value_text() const;
};

/// In the order of their adding.
class Attributes {
 public:
  /// `text` is what a listing says of it.
  Attributes& add(std::string name, AttributeValue value, std::string text = {});
  /// Behind these, those of `other`.
  Attributes& add(Attributes other);

  /// The value of that name and kind: a whole number is a number too, one of a list a list, and
  /// anything a word. Throws
  /// Error(usage) where there is none.
  template <class T>
  T get(std::string_view name) const {
    if (const AttributeValue* value = find(name); value != nullptr) {
      if (std::holds_alternative<T>(*value)) return std::get<T>(*value);
      if (const AttributeValue other = as(*value, AttributeValue(T{}).index());
          std::holds_alternative<T>(other))
        return std::get<T>(other);
    }
    missing(name);
  }
  /// Null where there is none.
  const AttributeValue* find(std::string_view name) const;
  const std::vector<Attribute>& list() const { return list_; }

  /// The texts, with blanks between: "3x3 1->32 pad 1".
  std::string detail() const;

  /// All of them: "kernel=3,3 groups=1 slope=0.01". Words hold neither blanks nor commas.
  std::string text() const;
  /// The way back. Throws Error(usage) for a word that is no name=value, and for a name that is there twice.
  static Attributes read(std::string_view text);

 private:
  [[noreturn]] static void missing(std::string_view name);
  /// As that kind of value where it is one, else as it is.
  static AttributeValue as(const AttributeValue& value, std::size_t kind);

  std::vector<Attribute> list_;
};

struct Description {
  std::string name;          ///< "conv2d"
  std::string formula = {};  ///< mathematics, for people: "y[n,o] = Σ_i x[n,i] weight[i,o] + bias[o]"
  Attributes attributes = {};

  /// As a listing prints it: "conv2d 3x3 1->32 pad 1".
  std::string text() const;
};

}  // namespace firn
