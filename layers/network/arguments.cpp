// What a layer's options say, checked.
#include <fmt/core.h>

#include <charconv>
#include <cmath>

#include "engine/base/error.h"
#include "engine/base/split.h"
#include "layers/network/kinds.h"

namespace firn {

namespace {

constexpr Index kGreatest = Index{1} << 30;

/// A whole number from 0 to `kGreatest`; -1 for anything else.
Index whole_number(std::string_view text) {
  Index number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error != std::errc{} || end != text.data() + text.size() || number < 0 || number > kGreatest
             ? -1
             : number;
}

}  // namespace

void fail_at(const std::string& source, int line, int column, const std::string& what) {
  throw Error(Fault::usage, "network", fmt::format("{}, line {}, column {}: {}", source, line, column, what));
}

LayerArguments::LayerArguments(const LayerSpec& spec, const LayerSite& site, const std::string& source)
    : spec_(spec), site_(site), source_(source) {}

void LayerArguments::fail(const std::string& what) const {
  fail_at(source_, spec_.line, spec_.column, fmt::format("{}: {}", spec_.kind, what));
}

const std::string& LayerArguments::value(const std::string& name) const {
  if (const std::string* given = spec_.find(name)) return *given;
  for (const LayerOption& option : find_layer_kind(spec_.kind)->options) {
    if (option.name == name && !option.usual.empty()) return option.usual;
  }
  fail(fmt::format("{} is missing", name));
}

Index LayerArguments::count(const std::string& name) const {
  const std::string& text = value(name);
  if (text == "classes") return site_.classes;
  if (text == "in") return width(0, "numbers");
  const Index number = whole_number(text);
  if (number < 0) fail(fmt::format("{} '{}' is no whole number from 0 to {}", name, text, kGreatest));
  return number;
}

Extent LayerArguments::extent(const std::string& name) const {
  const std::string& text = value(name);
  const std::size_t cross = text.find('x');
  const Index h = whole_number(std::string_view(text).substr(0, cross));
  const Index w = cross == std::string::npos ? h : whole_number(std::string_view(text).substr(cross + 1));
  if (h < 0 || w < 0) fail(fmt::format("{} '{}' is no size such as 3 or 3x5", name, text));
  return {h, w};
}

real LayerArguments::number(const std::string& name) const {
  const std::string& text = value(name);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(static_cast<real>(number)))
    fail(fmt::format("{} '{}' is no number", name, text));
  return static_cast<real>(number);
}

std::string LayerArguments::word(const std::string& name) const {
  return value(name);
}

Shape LayerArguments::shape(const std::string& name) const {
  std::vector<Index> sizes;
  Index numbers = 1;
  for (const std::string& part : split(value(name), 'x')) {
    sizes.push_back(whole_number(part));
    if (sizes.back() < 1 || sizes.back() > kGreatest / numbers || sizes.size() >= Shape::kMaxRank)
      fail(fmt::format("{} '{}' is no shape such as 7x7x32", name, value(name)));
    numbers *= sizes.back();
  }
  return Shape(std::span<const Index>(sizes));
}

std::vector<Index> LayerArguments::counts(const std::string& name) const {
  std::vector<Index> numbers;
  for (const std::string& part : split(value(name), ' ')) {
    numbers.push_back(whole_number(part));
    if (numbers.back() < 1) fail(fmt::format("{} '{}' are no numbers from 1", name, value(name)));
  }
  return numbers;
}

bool LayerArguments::flag(const std::string& name) const {
  return spec_.find(name) != nullptr;
}

Index LayerArguments::width(int rank, const std::string& wanted) const {
  const Shape& sample = site_.sample;
  if (site_.vocabulary > 0) fail(fmt::format("reads {}, gets tokens: an embedding comes first", wanted));
  if (sample.rank() < 1 || (rank > 0 && sample.rank() != rank))
    fail(fmt::format("reads {}, gets {}", wanted, sample.text()));
  return sample[-1];
}

}  // namespace firn
