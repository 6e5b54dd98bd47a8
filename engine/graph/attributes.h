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

using AttributeValue = std::variant<bool, Index, double, std::string, std::vector<Index>>;

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

  /// The value of that name and kind. Throws Error(usage) where there is none.
  template <class T>
  const T& get(std::string_view name) const {
    if (const AttributeValue* value = find(name); value != nullptr && std::holds_alternative<T>(*value)) {
      return std::get<T>(*value);
    }
    missing(name);
  }
  /// Null where there is none.
  const AttributeValue* find(std::string_view name) const;
  const std::vector<Attribute>& list() const { return list_; }

  /// The texts, with blanks between: "3x3 1->32 pad 1".
  std::string detail() const;

 private:
  [[noreturn]] static void missing(std::string_view name);

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
