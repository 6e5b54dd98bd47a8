// What a layer's options say, checked.
#include <fmt/core.h>

#include <algorithm>
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

const LayerOption& LayerArguments::option(const std::string& name) const {
  const std::vector<LayerOption>& all = find_layer_kind(spec_.kind)->options;
  return *std::find_if(all.begin(), all.end(), [&](const LayerOption& o) { return o.name == name; });
}

const std::string& LayerArguments::value(const std::string& name) const {
  if (const std::string* given = spec_.find(name)) return *given;
  const std::string& usual = option(name).usual;
  if (usual.empty()) fail(fmt::format("{} is missing", name));
  return usual;
}

Index LayerArguments::count(const std::string& name) const {
  const std::string& text = value(name);
  if (text == "classes") return site_.classes;
  if (text == "in") return width(0, "numbers");
  const Index number = whole_number(text), least = option(name).type == LayerOption::Type::count ? 1 : 0;
  if (number < least)
    fail(fmt::format("{} '{}' is no whole number from {} to {}", name, text, least, kGreatest));
  return number;
}

Extent LayerArguments::extent(const std::string& name) const {
  const std::string& text = value(name);
  const std::size_t cross = text.find('x');
  const Index h = whole_number(std::string_view(text).substr(0, cross));
  const Index w = cross == std::string::npos ? h : whole_number(std::string_view(text).substr(cross + 1));
  const Index least = option(name).type == LayerOption::Type::extent ? 1 : 0;
  if (h < least || w < least)
    fail(fmt::format("{} '{}' is no size such as 3 or 3x5, from {}", name, text, least));
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
