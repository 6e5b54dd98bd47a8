#include "data/tsv.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <numeric>
#include <unordered_map>

#include "data/file_set.h"
#include "data/files.h"
#include "data/memory.h"
#include "data/part_names.h"
#include "data/spill.h"
#include "data/targets.h"
#include "data/text_table.h"
#include "data/tokens.h"
#include "data/unpacked.h"
#include "engine/base/utf8.h"

namespace firn {

namespace {

constexpr std::string_view kTsv = "tsv";
constexpr std::size_t kMostTsvClasses = 10000;
constexpr std::size_t kFewRows = 20;  // of which each may well have a label of its own

std::vector<std::string> files_of(const std::string& folder, std::string_view ending) {
  std::vector<std::string> found;
  for (const std::string& name : file_names(folder)) {
    if (lower_case(without_gz(name)).ends_with(ending)) found.push_back(join(folder, name));
  }
  return found;
}

/// The files of a set by its parts: one that is given, one that is alone in its folder, or those that are
/// named after parts, with one for training. None where the folder is no such set.
std::map<SetPart, std::string> part_files(const std::string& path, std::string_view ending) {
  std::vector<std::string> files = {path};
  if (is_folder(path)) files = files_of(path, ending);
  if (files.size() == 1) return {{SetPart::train, files[0]}};
  std::map<SetPart, std::string> parts;
  for (const std::string& file : files) {
    const std::string name = base_name(file);
    const auto part = part_named(std::string_view(name).substr(0, lower_case(name).find(ending)));
    if (part && !parts.emplace(*part, file).second) return {};
  }
  return parts.contains(SetPart::train) ? parts : std::map<SetPart, std::string>();
}

/// A comma, or the semicolon of a table whose first line has no comma; else a tab.
char separator_of(const TableText& text, const std::string& path) {
  if (!without_gz(lower_case(path)).ends_with(".csv")) return '\t';
  TableLines lines(text);
  const std::string_view first = lines.next() ? lines.line() : std::string_view();
  return first.find(',') == std::string_view::npos && first.find(';') != std::string_view::npos ? ';' : ',';
}

/// Numbers for names in the order of their first appearance.
class NameNumbers {
 public:
  std::int32_t number(std::string_view name) {
    const auto at = numbers_.find(name);
    if (at != numbers_.end()) return at->second;
    const auto next = static_cast<std::int32_t>(names_.size());
    names_.push_back(numbers_.emplace(std::string(name), next).first->first);
    return next;
  }
  const std::vector<std::string_view>& names() const { return names_; }
  /// The place of each among them sorted, counted from `first`.
  std::vector<std::int32_t> places(std::int32_t first) const {
    std::vector<std::int32_t> sorted(names_.size()), places(names_.size());
    std::iota(sorted.begin(), sorted.end(), 0);
    const auto name = [&](std::int32_t n) { return names_[static_cast<std::size_t>(n)]; };
    std::sort(sorted.begin(), sorted.end(), [&](auto a, auto b) { return name(a) < name(b); });
    for (const std::int32_t n : sorted) places[static_cast<std::size_t>(n)] = first++;
    return places;
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, std::int32_t, Hash, std::equal_to<>> numbers_;
  std::vector<std::string_view> names_;  ///< in `numbers_`, whose keys stay where they are
};

/// The labels and tokens of all files of a set.
class Numbering {
 public:
  Numbering() { of_byte_.fill(-1); }
  std::int32_t token(std::string_view token) {
    if (token.size() != 1) return tokens_.number(token);
    std::int32_t& known = of_byte_[static_cast<unsigned char>(token[0])];
    if (known < 0) known = tokens_.number(token);
    return known;
  }
  const NameNumbers& tokens() const { return tokens_; }
  NameNumbers labels;

 private:
  NameNumbers tokens_;
  std::array<std::int32_t, 256> of_byte_;  // most characters are one byte
};

/// The texts of one file, and their labels, as numbers of a `Numbering`.
struct TokenTable {
  std::string path;
  std::vector<std::int32_t> tokens;
  FileReaderPtr file;  ///< holds them instead where they are too many
  std::vector<Index> starts = {0};
  std::vector<std::int32_t> labels;
  std::size_t labels_before = 0;  ///< those with lesser numbers are in the files before
  std::vector<std::string> notes;
};

TokenRule rule_of(const DataOptions& options) {
  return {.words = options.tokens == "words", .lower_case = options.lower_case};
}

TokenTable tokenise(TextTable table, const std::string& path, const DataOptions& options,
                    Numbering& numbering) {
  const TokenRule rule = rule_of(options);
  TokenTable result;
  result.path = path;
  result.labels_before = numbering.labels.names().size();
  TokenSplitter splitter(rule);
  Spill<std::int32_t> spill(options, "the tokens of " + base_name(path));
  const std::uint64_t size = table.layout.text.size();
  Index without = 0, end = 0;
  read_text_table(table, path, [&](const TextRow& row) {
    const auto& tokens = splitter.tokens(row.text);
    if (tokens.empty()) {
      ++without;
      return;
    }
    if (tokens.size() > static_cast<std::size_t>(kMaxTokens)) {
      fail_at_line(
          path, row.line,
          fmt::format("a text of {} {}, at most {} are read", tokens.size(), rule.name(), kMaxTokens));
    }
    for (const std::string_view token : tokens) spill.pending().push_back(numbering.token(token));
    end += static_cast<Index>(tokens.size());
    result.starts.push_back(end);
    result.labels.push_back(numbering.labels.number(row.label));
    spill.settle(row.place, size);
  });
  result.notes = std::move(table.notes);
  result.file = spill.finish();
  result.tokens = std::move(spill.pending());
  if (result.labels.empty()) {
    throw Error(Fault::data, kTsv, fmt::format("{}: no text has any {}", path, rule.name()));
  }
  if (without > 0)
    result.notes.push_back(fmt::format("{} texts have no {} and are left out", without, rule.name()));
  return result;
}

/// "classes: ham 4827, spam 747".
std::string counts_text(const std::vector<std::string>& names, const std::vector<Index>& counts) {
  constexpr std::size_t kShown = 20;
  std::string text = names.size() > kShown ? fmt::format("{} classes: ", names.size()) : "classes: ";
  for (std::size_t c = 0; c < names.size(); ++c) {
    if (c == kShown) return text + ", ...";
    text += fmt::format("{}{} {}", c == 0 ? "" : ", ", clipped_utf8(names[c], 60), counts[c]);
  }
  return text;
}

/// Names at their places.
std::vector<std::string> sorted_names(const NameNumbers& names, const std::vector<std::int32_t>& places,
                                      std::size_t first) {
  std::vector<std::string> sorted(first + names.names().size());
  for (std::size_t n = 0; n < places.size(); ++n)
    sorted[static_cast<std::size_t>(places[n])] = names.names()[n];
  return sorted;
}

/// What the labels of all files come to; `classes`: they are such, else lists of labels, or numbers.
void take_labels(std::vector<TokenTable>& tables, const Numbering& numbering, DataInfo& info, bool classes) {
  const NameNumbers& labels = numbering.labels;
  const std::vector<std::int32_t> places = labels.places(0);
  info.classes = sorted_names(labels, places, 0);
  std::vector<Index> counts(places.size());
  std::size_t rows = 0;
  for (std::size_t t = 0; t < tables.size(); ++t) {
    TokenTable& table = tables[t];
    const std::string where = tables.size() > 1 ? base_name(table.path) + ": " : "";
    for (const std::string& note : table.notes) info.notes.push_back(where + note);
    const std::size_t end = t + 1 < tables.size() ? tables[t + 1].labels_before : places.size();
    for (std::size_t n = table.labels_before; t > 0 && classes && n < end; ++n) {
      info.notes.push_back(fmt::format("{}class '{}' is in no line of {}", where, labels.names()[n],
                                       base_name(tables[0].path)));
    }
    for (std::int32_t& label : table.labels) {
      label = places[static_cast<std::size_t>(label)];
      ++counts[static_cast<std::size_t>(label)];
    }
    rows += table.labels.size();
  }
  if (!classes) return;
  if (counts.size() > kMostTsvClasses || (counts.size() == rows && rows > kFewRows)) {
    throw Error(Fault::data, kTsv,
                fmt::format("{}: {} different labels in {} lines: is it the right column? --label says which",
                            tables[0].path, counts.size(), rows));
  }
  info.notes.push_back(counts_text(info.classes, counts));
}

/// The files of a set, all with the same classes and vocabulary.
std::vector<DatasetPtr> make_sets(std::vector<TokenTable> tables, const Numbering& numbering, DataInfo info,
                                  const DataOptions& options) {
  take_labels(tables, numbering, info, target_kind_of(options) == TargetKind::classes);
  // 0 is padding.
  const std::vector<std::int32_t> order = numbering.tokens().places(1);
  info.vocabulary = sorted_names(numbering.tokens(), order, 1);
  Index longest = 0;
  for (const TokenTable& table : tables) {
    for (std::size_t i = 0; i + 1 < table.starts.size(); ++i)
      longest = std::max(longest, table.starts[i + 1] - table.starts[i]);
  }
  std::vector<DatasetPtr> sets;
  for (TokenTable& table : tables) {
    for (std::int32_t& token : table.tokens) token = order[static_cast<std::size_t>(token)];
    sets.push_back(table.file ? make_file_tokens(info, std::move(table.file), order, std::move(table.starts),
                                                 std::move(table.labels), longest)
                              : make_tokens(info, std::move(table.tokens), std::move(table.starts),
                                            std::move(table.labels), longest));
  }
  return sets;
}

DataInfo info_of(const std::string& path, const DataOptions& options) {
  DataInfo info;
  info.name = base_name(path);
  info.tokens = rule_of(options);
  return info;
}

}  // namespace

DatasetPtr parse_tsv(const TableText& text, const std::string& path, const DataOptions& options) {
  Numbering numbering;
  std::vector<TokenTable> tables;
  tables.push_back(
      tokenise(survey_text_table(text, path, separator_of(text, path), options), path, options, numbering));
  return make_sets(std::move(tables), numbering, info_of(path, options), options)[0];
}

DataParts open_tsv(const std::string& path, const DataOptions& options) {
  std::map<SetPart, std::string> files = part_files(path, ".tsv");
  if (files.empty()) files = part_files(path, ".csv");
  if (files.empty()) {
    throw Error(Fault::data, kTsv,
                fmt::format("{} holds {} .tsv files: give the path of one, or call them train.tsv, "
                            "validation.tsv, test.tsv",
                            path, files_of(path, ".tsv").size()));
  }
  Numbering numbering;
  std::vector<TokenTable> tables;
  DataOptions wanted = options;
  for (const auto& [part, file] : files) {
    const Unpacked bytes = open_unpacked(file, options, static_cast<std::uint64_t>(options.memory));
    const TableText text = bytes.file ? TableText(bytes.file) : TableText(bytes.bytes);
    TextTable table = survey_text_table(text, file, separator_of(text, file), wanted);
    // What was told of the first file holds for the others.
    wanted.label = table.label_name.empty() ? fmt::format("{}", table.label + 1) : table.label_name;
    wanted.text_column = table.text_name.empty() ? fmt::format("{}", table.text + 1) : table.text_name;
    tables.push_back(tokenise(std::move(table), file, options, numbering));
  }
  const std::vector<DatasetPtr> sets =
      make_sets(std::move(tables), numbering, info_of(path, options), options);
  DataParts parts;
  auto next = sets.begin();
  for (const auto& [part, file] : files) {
    (part == SetPart::train ? parts.train : part == SetPart::test ? parts.test : parts.validation) = *next++;
  }
  return parts;
}

bool is_tsv(const std::string& path) {
  if (!is_folder(path)) return lower_case(without_gz(path)).ends_with(".tsv");
  return !part_files(path, ".tsv").empty();
}

bool is_csv_of_texts(const std::string& path) {
  const std::map<SetPart, std::string> files = part_files(path, ".csv");
  if (files.empty() || !lower_case(without_gz(files.begin()->second)).ends_with(".csv")) return false;
  const std::string& file = files.begin()->second;
  const std::string beginning = beginning_of(file, std::size_t{1} << 16);
  return names_texts(beginning, separator_of(beginning, file));
}

}  // namespace firn
