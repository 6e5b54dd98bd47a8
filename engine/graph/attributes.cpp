#include "engine/graph/attributes.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
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
    std::string operator()(const std::vector<double>& v) const {
      return fmt::format("{}", fmt::join(v, ","));
    }
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

namespace {

template <class T>
bool read_all(std::string_view word, std::vector<T>& to) {
  const char* at = word.data();
  const char* const end = at + word.size();
  while (at != end) {
    T number{};
    const auto [next, error] = std::from_chars(at, end, number);
    if (error != std::errc() || (next != end && *next != ',') || next + 1 == end) return false;
    to.push_back(number);
    at = next == end ? end : next + 1;
  }
  return true;
}

AttributeValue value_of(std::string_view word) {
  if (word == "true" || word == "false") return word == "true";
  std::vector<Index> whole;
  if (read_all(word, whole)) {
    if (whole.size() == 1) return whole.front();
    return whole;
  }
  std::vector<double> numbers;
  if (read_all(word, numbers)) {
    if (numbers.size() == 1) return numbers.front();
    return numbers;
  }
  return std::string(word);
}

}  // namespace

std::string Attributes::text() const {
  std::vector<std::string> words;
  for (const Attribute& attribute : list_) words.push_back(attribute.name + "=" + attribute.value_text());
  return fmt::format("{}", fmt::join(words, " "));
}

Attributes Attributes::read(std::string_view text) {
  Attributes all;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (word.empty()) continue;
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos || equals == 0)
      throw Error(Fault::usage, "attributes", fmt::format("'{}': name=value is wanted", word));
    std::string name(word.substr(0, equals));
    if (all.find(name) != nullptr)
      throw Error(Fault::usage, "attributes", fmt::format("{} is there twice", name));
    all.add(std::move(name), value_of(word.substr(equals + 1)));
  }
  return all;
}

AttributeValue Attributes::as(const AttributeValue& value, std::size_t kind) {
  const AttributeValue number = double{}, word = std::string(), whole = std::vector<Index>{},
                       numbers = std::vector<double>{};
  if (kind == word.index()) return Attribute{"", value, ""}.value_text();
  const Index* const one = std::get_if<Index>(&value);
  if (kind == number.index() && one != nullptr) return static_cast<double>(*one);
  if (kind == whole.index() && one != nullptr) return std::vector<Index>{*one};
  if (kind != numbers.index()) return value;
  if (one != nullptr) return std::vector<double>{static_cast<double>(*one)};
  if (const double* real_number = std::get_if<double>(&value)) return std::vector<double>{*real_number};
  if (const auto* list = std::get_if<std::vector<Index>>(&value))
    return std::vector<double>(list->begin(), list->end());
  return value;
}

void Attributes::missing(std::string_view name) {
  throw Error(Fault::usage, "attributes", fmt::format("{} is wanted, and missing or of another kind", name));
}

std::string Description::text() const {
  const std::string detail = attributes.detail();
  return detail.empty() ? name : name + " " + detail;
}

}  // namespace firn
