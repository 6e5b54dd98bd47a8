#include "engine/graph/attributes.h"

#include <fmt/format.h>

#include <iterator>

#include "engine/base/error.h"

namespace firn {

std::string Attribute::value_text() const {
  struct Print {
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(Index v) const { return fmt::format("{}", v); }
    std::string operator()(double v) const { return fmt::format("{}", v); }
    std::string operator()(const std::string& v) const { return v; }
    std::string operator()(const std::vector<Index>& v) const { return fmt::format("{}", fmt::join(v, ",")); }
  };
  return std::visit(Print{}, value);
}

Attributes& Attributes::add(std::string name, AttributeValue value, std::string text) {
  list_.push_back({std::move(name), std::move(value), std::move(text)});
  return *this;
}

Attributes& Attributes::add(Attributes other) {
  list_.insert(list_.end(), std::make_move_iterator(other.list_.begin()),
               std::make_move_iterator(other.list_.end()));
  return *this;
}

const AttributeValue* Attributes::find(std::string_view name) const {
  for (const Attribute& attribute : list_) {
    if (attribute.name == name) return &attribute.value;
  }
  return nullptr;
}

std::string Attributes::detail() const {
  std::string detail;
  for (const Attribute& attribute : list_) {
    if (attribute.text.empty()) continue;
    if (!detail.empty()) detail += ' ';
    detail += attribute.text;
  }
  return detail;
}

void Attributes::missing(std::string_view name) {
  throw Error(Fault::usage, "attributes", fmt::format("{} is wanted, and missing or of another kind", name));
}

std::string Description::text() const {
  const std::string detail = attributes.detail();
  return detail.empty() ? name : name + " " + detail;
}

}  // namespace firn
