// Grids as JSON files.
#include <fmt/core.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/atomic_file.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "engine/base/json_read.h"
#include "tools/app/cli/path_name.h"
#include "tools/app/study/grid.h"

namespace firn::cli {

namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kMostBytes = 1 << 20;
constexpr int kMostDepth = 6;

/// One object of the file: each field is read once, in its own type; what is left over is an error.
class Fields {
 public:
  Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object.is_object()) fail("", "is no object");
  }

  void read(const char* name, std::string& to) {
    if (const Json* value = find(name)) to = text(name, *value);
  }
  void read(const char* name, bool& to) {
    const Json* value = find(name);
    if (value == nullptr) return;
    if (!value->is_boolean()) fail(name, "is neither true nor false");
    to = value->get<bool>();
  }
  void read(const char* name, Index& to) {
    if (const Json* value = find(name)) to = whole(name, *value);
  }
  void read(const char* name, std::uint64_t& to) {
    Index wide = static_cast<Index>(to);
    read(name, wide);
    to = static_cast<std::uint64_t>(wide);
  }
  void read(const char* name, double& to) {
    const Json* value = find(name);
    if (value == nullptr) return;
    if (!value->is_number()) fail(name, "is no number");
    to = value->get<double>();
  }
  void read(const char* name, std::optional<double>& to) {
    double number = 0;
    if (object_.contains(name)) to = (read(name, number), number);
  }
  void read(const char* name, std::vector<std::string>& to) {
    read_list(name, to, [&](const Json& value) { return text(name, value); });
  }
  /// Numbers, or "all" for 0.
  void read(const char* name, std::vector<Index>& to) {
    read_list(name, to, [&](const Json& value) { return value == "all" ? Index{0} : whole(name, value); });
  }
  void read(const char* name, std::vector<double>& to) {
    read_list(name, to, [&](const Json& value) {
      if (!value.is_number()) fail(name, "holds what is no number");
      return value.get<double>();
    });
  }

  void finish() const {
    for (const auto& [name, value] : object_.items()) {
      if (!known_.contains(name)) {
        const std::vector<std::string> names(known_.begin(), known_.end());
        fail(name, "is unknown" + did_you_mean(name, names));
      }
    }
  }

 private:
  [[noreturn]] void fail(const std::string& field, const std::string& what) const {
    throw Error(Fault::usage, "study",
                fmt::format("{}: {}{}", where_, field.empty() ? "" : "'" + field + "' ", what));
  }
  const Json* find(const char* name) {
    known_.insert(name);
    const auto at = object_.find(name);
    return at == object_.end() ? nullptr : &*at;
  }
  std::string text(const char* name, const Json& value) const {
    if (!value.is_string()) fail(name, "is no text");
    return value.get<std::string>();
  }
  Index whole(const char* name, const Json& value) const {
    const bool fits = value.is_number_unsigned() &&
                      value.get<std::uint64_t>() <= std::uint64_t{std::numeric_limits<std::int32_t>::max()};
    if (!fits) fail(name, "is no whole number from 0 to 2147483647");
    return static_cast<Index>(value.get<std::uint64_t>());
  }
  template <class T, class Read>
  void read_list(const char* name, std::vector<T>& to, Read read) {
    const Json* value = find(name);
    if (value == nullptr) return;
    to.clear();
    if (!value->is_array()) {
      to.push_back(read(*value));
      return;
    }
    for (const Json& one : *value) to.push_back(read(one));
  }

  const Json& object_;
  std::string where_;
  std::set<std::string> known_;
};

Grid read_grid(const Json& object, const std::string& where) {
  Grid grid;
  const Settings settings = grid_settings(grid);
  Fields fields(object, where);
  for (const Setting& setting : settings)
    std::visit([&](auto* value) { fields.read(setting.key, *value); }, setting.place);
  fields.finish();
  if (const std::string fault = fault_of(settings); !fault.empty())
    throw Error(Fault::usage, "study", fmt::format("{}: {}", where, fault));
  return grid;
}

/// As files have it: of numbers of labels 0 is "all".
struct AsJson {
  template <class T>
  nlohmann::ordered_json operator()(const T* value) const {
    return *value;
  }
  nlohmann::ordered_json operator()(const std::optional<double>* value) const { return value->value_or(0); }
  nlohmann::ordered_json operator()(const std::vector<Index>* value) const {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const Index number : *value) {
      if (number == 0) {
        list.push_back("all");
      } else {
        list.push_back(number);
      }
    }
    return list;
  }
};

}  // namespace

std::vector<Grid> read_grids(const std::string& path) {
  return parse_grids(read_file(path, Fault::data, kMostBytes), path);
}

std::vector<Grid> parse_grids(std::span<const std::byte> bytes, const std::string& path) {
  const JsonRule rule = {
      .operation = "study", .contents = Fault::usage, .bytes = kMostBytes, .depth = kMostDepth};
  const Json json = read_json(as_text(bytes), path, rule);
  std::vector<Grid> grids;
  if (json.is_object() && json.contains("experiments")) {
    if (json.size() > 1 || !json.at("experiments").is_array() || json.at("experiments").empty()) {
      throw Error(Fault::usage, "study",
                  fmt::format("{}: 'experiments' is to be a list of at least one, and alone", path));
    }
    for (const Json& one : json.at("experiments"))
      grids.push_back(read_grid(one, fmt::format("{}, experiment {}", path, grids.size() + 1)));
  } else {
    grids.push_back(read_grid(json, path));
  }
  std::set<std::string> names;
  for (std::size_t i = 0; i < grids.size(); ++i) {
    Grid& grid = grids[i];
    if (grid.name.empty()) grid.name = fmt::format("experiment{}", i + 1);
    if (grid.title.empty()) grid.title = grid.name;
    require_path_name(grid.name, Fault::usage, "study", fmt::format("{}, experiment {}", path, i + 1));
    if (!names.insert(grid.name).second)
      throw Error(Fault::usage, "study", fmt::format("{}: two experiments are called {}", path, grid.name));
  }
  return grids;
}

std::string grid_json(const Grid& grid) {
  Grid copy = grid;
  // Ordered, so that a file reads as it is documented.
  nlohmann::ordered_json json;
  for (const Setting& setting : grid_settings(copy))
    json[setting.key] = std::visit([](const auto* value) { return AsJson()(value); }, setting.place);
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace firn::cli
