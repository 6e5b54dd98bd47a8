#include "tools/app/run/reading.h"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "data/source.h"
#include "engine/base/error.h"
#include "tools/app/run/data_settings.h"

namespace firn::cli {

namespace {

/// What is asked for is not as it is usually: the settings of `given` that are.
std::vector<DataSetting> asked_for(const DataOptions& given) {
  DataOptions own = given, usual;
  std::vector<DataSetting> asked;
  const std::vector<DataSetting> as_usual = data_settings(usual);
  std::size_t i = 0;
  for (const DataSetting& one : data_settings(own)) {
    if (!same_value(one.setting, as_usual[i++].setting)) asked.push_back(one);
  }
  return asked;
}

Settings settings_of(DataOptions& options) {
  Settings settings;
  for (DataSetting& one : data_settings(options)) settings.push_back(std::move(one.setting));
  return settings;
}

const char* held_by(const DataInfo& info) {
  switch (info.kind) {
    case DataKind::image:
      return "pictures";
    case DataKind::tokens:
      return info.label_each_step ? "plain text" : "texts";
    case DataKind::sequence:
      return "sequences";
    case DataKind::vector:
      return "rows of numbers";
  }
  return "";
}

/// What a source is, for people.
std::string source_words(const std::string& source) {
  if (source == "folder") return "a folder of pictures";
  if (source == "csv" || source == "tsv") return "a table";
  if (source == "npy") return "an array";
  return "of the kind " + source;
}

}  // namespace

void check_reading(const DataOptions& given, const DataParts& parts) {
  for (const DataSetting& one : asked_for(given)) {
    if (one.takes(parts)) continue;
    throw Error(Fault::usage, "data",
                fmt::format("{} is for {}; {} holds {}", one.setting.option, one.scope, parts.info().name,
                            held_by(parts.info())));
  }
}

void check_source(const DataOptions& given, const std::string& spec) {
  std::string source;
  for (const DataSetting& one : asked_for(given)) {
    if (one.sources.empty()) continue;
    if (source.empty()) source = data_source_of(spec);
    if (source == spec) return;  // a set by its name, which is read at once
    if (std::find(one.sources.begin(), one.sources.end(), source) != one.sources.end()) continue;
    throw Error(
        Fault::usage, "data",
        fmt::format("{} is for {}; {} is {}", one.setting.option, one.scope, spec, source_words(source)));
  }
}

void check_no_reading(const DataOptions& given) {
  for (const DataSetting& one : asked_for(given)) {
    if (std::string_view(one.setting.option) == "--vocabulary") continue;
    throw Error(Fault::usage, "data", fmt::format("{} goes with --data", one.setting.option));
  }
}

JsonObject reading_json(DataOptions options) {
  return to_json(settings_of(options));
}

DataOptions reading_of(const JsonFields& config) {
  DataOptions options;
  from_json(settings_of(options), config);
  return options;
}

void complete_reading(DataOptions& options, const DataOptions& usual) {
  DataOptions from = usual;
  const Settings to = settings_of(options);
  const Settings others = settings_of(from);
  DataOptions none;
  const Settings untouched = settings_of(none);
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (*to[i].key != '\0' && same_value(to[i], untouched[i])) copy_value(to[i], others[i]);
  }
}

}  // namespace firn::cli
