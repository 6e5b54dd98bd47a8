#include "tools/app/run/reading.h"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "data/source.h"
#include "engine/base/error.h"

namespace firn::cli {

namespace {

bool holds_texts(const DataParts& parts) {
  const DataInfo& info = parts.info();
  return info.kind == DataKind::tokens && !info.label_each_step;
}

bool is_table(const DataParts& parts) {
  return parts.source == "csv" || parts.source == "tsv";
}

bool is_table_of_texts(const DataParts& parts) {
  return is_table(parts) && holds_texts(parts);
}

bool is_array(const DataParts& parts) {
  return parts.source == "npy";
}

struct Rule {
  const char* option;
  bool (*given)(const DataOptions&);
  bool (*takes)(const DataParts&);
  const char* scope;
  std::vector<std::string_view> sources = {};  ///< it takes none of others; empty: the source does not tell
};

/// Asked for is what is not as it is usually.
template <auto Member>
bool is_given(const DataOptions& options) {
  return options.*Member != DataOptions().*Member;
}

const Rule kRules[] = {
    {"--size", is_given<&DataOptions::size>,
     [](const DataParts& p) { return p.info().kind == DataKind::image; }, "pictures"},
    {"--skip-bad",
     is_given<&DataOptions::skip_bad>,
     [](const DataParts& p) { return p.source == "folder"; },
     "folders of pictures",
     {"folder"}},
    {"--window", is_given<&DataOptions::window>, [](const DataParts& p) { return p.info().label_each_step; },
     "plain text"},
    {"--limit",
     is_given<&DataOptions::limit>,
     [](const DataParts& p) { return p.source == "words"; },
     "the set words",
     {"words"}},
    {"--tokens", is_given<&DataOptions::tokens>, is_table_of_texts, "tables of texts", {"csv", "tsv"}},
    {"--lowercase", is_given<&DataOptions::lower_case>, is_table_of_texts, "tables of texts", {"csv", "tsv"}},
    {"--vocabulary", is_given<&DataOptions::vocabulary_limit>, holds_texts, "texts with a label"},
    {"--text-column",
     is_given<&DataOptions::text_column>,
     is_table_of_texts,
     "tables of texts",
     {"csv", "tsv"}},
    {"--header", is_given<&DataOptions::header>, is_table, "tables", {"csv", "tsv"}},
    {"--task", is_given<&DataOptions::task>, [](const DataParts&) { return true; }, "data"},
    {"--label", is_given<&DataOptions::label>, is_table, "tables", {"csv", "tsv"}},
    {"--drop",
     is_given<&DataOptions::drop>,
     [](const DataParts& p) { return is_table(p) && !holds_texts(p); },
     "tables of numbers",
     {"csv", "tsv"}},
    {"--layout", is_given<&DataOptions::layout>, is_array, "arrays (npy)", {"npy"}},
    {"--labels-file", is_given<&DataOptions::labels_file>, is_array, "arrays (npy)", {"npy"}},
};

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

template <auto Member>
void complete(DataOptions& options, const DataOptions& usual) {
  if (!is_given<Member>(options)) options.*Member = usual.*Member;
}

}  // namespace

void check_reading(const DataOptions& given, const DataParts& parts) {
  for (const Rule& rule : kRules) {
    if (!rule.given(given) || rule.takes(parts)) continue;
    throw Error(Fault::usage, "data",
                fmt::format("{} is for {}; {} holds {}", rule.option, rule.scope, parts.info().name,
                            held_by(parts.info())));
  }
}

void check_source(const DataOptions& given, const std::string& spec) {
  std::string source;
  for (const Rule& rule : kRules) {
    if (rule.sources.empty() || !rule.given(given)) continue;
    if (source.empty()) source = data_source_of(spec);
    if (source == spec) return;  // a set by its name, which is read at once
    if (std::find(rule.sources.begin(), rule.sources.end(), source) != rule.sources.end()) continue;
    throw Error(Fault::usage, "data",
                fmt::format("{} is for {}; {} is {}", rule.option, rule.scope, spec, source_words(source)));
  }
}

void check_no_reading(const DataOptions& given) {
  for (const Rule& rule : kRules) {
    if (!rule.given(given) || std::string_view(rule.option) == "--vocabulary") continue;
    throw Error(Fault::usage, "data", fmt::format("{} goes with --data", rule.option));
  }
}

void add_reading(JsonObject& config, const DataOptions& options) {
  config.add("size", options.size).add("window", options.window).add("limit", options.limit);
  if (options.skip_bad) config.add("skip_bad", true);
  if (!options.text_column.empty()) config.add("text_column", options.text_column);
  if (!options.header.empty()) config.add("header", options.header);
  if (!options.task.empty()) config.add("task", options.task);
  if (!options.label.empty()) config.add("label", options.label);
  if (!options.drop.empty()) config.add("drop", options.drop);
  if (!options.layout.empty()) config.add("layout", options.layout);
  if (!options.labels_file.empty()) config.add("labels_file", options.labels_file);
}

DataOptions reading_of(const JsonFields& config) {
  constexpr Index kMost = Index{1} << 40;
  DataOptions options;
  options.size = config.whole("size", 0, kMost, options.size);
  options.window = config.whole("window", 1, kMost, options.window);
  options.limit = config.whole("limit", 0, kMost, options.limit);
  options.skip_bad = config.flag("skip_bad");
  options.text_column = config.text("text_column");
  options.header = config.text("header");
  options.task = config.text("task");
  options.label = config.text("label");
  options.drop = config.texts("drop");
  options.layout = config.text("layout");
  options.labels_file = config.text("labels_file");
  return options;
}

void complete_reading(DataOptions& options, const DataOptions& usual) {
  complete<&DataOptions::size>(options, usual);
  complete<&DataOptions::window>(options, usual);
  complete<&DataOptions::limit>(options, usual);
  complete<&DataOptions::skip_bad>(options, usual);
  complete<&DataOptions::text_column>(options, usual);
  complete<&DataOptions::header>(options, usual);
  complete<&DataOptions::task>(options, usual);
  complete<&DataOptions::label>(options, usual);
  complete<&DataOptions::drop>(options, usual);
  complete<&DataOptions::layout>(options, usual);
  complete<&DataOptions::labels_file>(options, usual);
}

}  // namespace firn::cli
