#include "tools/app/study/registered.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/base/atomic_file.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/base/json_read.h"
#include "engine/base/sha256.h"
#include "tools/app/run/named_set.h"
#include "tools/app/study/verdict.h"

namespace firn::cli {

namespace {

constexpr std::uint64_t kMostRegistered = 1 << 20;

[[noreturn]] void refuse_registration(const std::string& path, const std::string& what) {
  throw Error(Fault::usage, "study", fmt::format("{}: {}", path, what));
}

template <class T>
T field(const nlohmann::json& object, const char* name, const std::string& path) {
  const auto at = object.find(name);
  if (at == object.end()) refuse_registration(path, fmt::format("'registered' has no '{}'", name));
  try {
    return at->get<T>();
  } catch (const nlohmann::json::exception&) {
    refuse_registration(path, fmt::format("'registered': '{}' is of another kind", name));
  }
}

/// Equal, whatever the order of a list: what stands in it multiplies.
bool same_list(nlohmann::json a, nlohmann::json b) {
  for (nlohmann::json* json : {&a, &b}) {
    if (json->is_array()) std::sort(json->begin(), json->end());
  }
  return a == b;
}

}  // namespace

Registration read_registration(const std::string& path) {
  return parse_registration(read_file(path, Fault::data, kMostRegistered), path);
}

Registration parse_registration(std::span<const std::byte> bytes, const std::string& path) {
  const JsonRule rule = {
      .operation = "study", .contents = Fault::usage, .bytes = kMostRegistered, .depth = 6};
  nlohmann::json json = read_json(as_text(bytes), path, rule);
  if (!json.is_object() || !json.contains("registered") || !json.at("registered").is_object())
    refuse_registration(path,
                        "is no registered study: an object 'registered' is wanted beside 'experiments'");
  const nlohmann::json registered = json.at("registered");
  json.erase("registered");
  Registration r;
  r.path = path;
  r.sha256 = sha256_hex(bytes);
  r.date = field<std::string>(registered, "date", path);
  r.question = field<std::string>(registered, "question", path);
  r.margin = field<double>(registered, "margin", path);
  r.level = field<double>(registered, "level", path);
  r.test_samples = field<Index>(registered, "test_samples", path);
  r.outcomes = field<std::vector<std::string>>(registered, "outcomes", path);
  r.tuned_on = field<std::vector<std::string>>(registered, "tuned_on", path);
  constexpr const char* kKnown[] = {"date",         "question", "margin",  "level",
                                    "test_samples", "outcomes", "tuned_on"};
  for (const auto& [name, value] : registered.items()) {
    if (std::find(std::begin(kKnown), std::end(kKnown), name) == std::end(kKnown))
      refuse_registration(path, fmt::format("'registered': '{}' is unknown", name));
  }
  const std::string rest = json.dump();
  r.grids = parse_grids(std::as_bytes(std::span(rest.data(), rest.size())), path);
  for (const Grid& grid : r.grids) {
    const std::string set = named_set(grid.target, {}).spec;
    if (std::find(r.tuned_on.begin(), r.tuned_on.end(), set) != r.tuned_on.end())
      refuse_registration(path,
                          fmt::format("{} reports on {}, which rules were tried on", grid.name, grid.target));
  }
  return r;
}

std::vector<std::string> departures(const Registration& registered, const std::vector<Grid>& run,
                                    const Plan& whole, const Plan& done, Index test_samples) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < std::min(run.size(), registered.grids.size()); ++i) {
    const auto was = nlohmann::json::parse(grid_json(registered.grids[i]));
    const auto is = nlohmann::json::parse(grid_json(run[i]));
    for (const auto& [name, value] : was.items()) {
      // What a registered grid leaves to the data is filled in.
      if (same_list(value, is.at(name)) || (value.is_array() && value.empty())) continue;
      all.push_back(
          fmt::format("{}: {} {} in the place of {}", run[i].name, name, is.at(name).dump(), value.dump()));
    }
  }
  if (test_samples != registered.test_samples)
    all.push_back(fmt::format("judged on at most {} test samples in the place of {}", test_samples,
                              registered.test_samples));
  if (registered.margin != kErrorMargin)
    all.push_back(fmt::format("the margin is {:g} of the errors in the place of {:g}", kErrorMargin,
                              registered.margin));
  if (registered.level != kFamilyLevel)
    all.push_back(fmt::format("families are told on a level of {:g} in the place of {:g}", kFamilyLevel,
                              registered.level));
  if (done.cells.size() < whole.cells.size())
    all.push_back(fmt::format("{} of {} cells are left out", whole.cells.size() - done.cells.size(),
                              whole.cells.size()));
  return all;
}

}  // namespace firn::cli
