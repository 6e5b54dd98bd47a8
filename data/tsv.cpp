#include "data/tsv.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <map>
#include <unordered_map>

#include "data/files.h"
#include "data/memory.h"
#include "data/part_names.h"
#include "data/targets.h"
#include "data/text_rows.h"
#include "data/text_table.h"
#include "data/tokens.h"
#include "engine/base/atomic_file.h"
#include "engine/base/bytes.h"
#include "engine/base/utf8.h"

namespace firn {

namespace {

constexpr std::string_view kOperation = "tsv";
constexpr std::size_t kMaxClasses = 10000;
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
char separator_of(std::span<const std::byte> bytes, const std::string& path) {
  if (!without_gz(lower_case(path)).ends_with(".csv")) return '\t';
  const std::string_view text = as_text(bytes);
  const std::string_view first = text.substr(0, text.find('\n'));
  return first.find(',') == std::string_view::npos && first.find(';') != std::string_view::npos ? ';' : ',';
}

/// The texts of one file as numbers of tokens in the order of their first appearance.
struct TokenTable {
  std::string path;
  std::vector<std::int32_t> tokens;
  std::vector<Index> starts = {0};
  std::vector<std::string> labels;
  std::vector<std::string> notes;
};

struct Hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

/// Numbers for the tokens of all files of a set.
class Numbering {
 public:
  Numbering() { of_byte_.fill(-1); }
  std::int32_t number(std::string_view token) {
    if (token.size() != 1) return find(token);
    std::int32_t& known = of_byte_[static_cast<unsigned char>(token[0])];
    if (known < 0) known = find(token);
    return known;
  }
  /// The tokens sorted, behind "" for padding; the new number of each old one in `order`.
  std::vector<std::string> sorted(std::vector<std::int32_t>& order) const {
    std::vector<std::string> names = {""};
    for (const auto& [token, number] : numbers_) names.push_back(token);
    std::sort(names.begin(), names.end());
    order.resize(numbers_.size());
    for (std::size_t n = 1; n < names.size(); ++n) {
      order[static_cast<std::size_t>(numbers_.at(names[n]))] = static_cast<std::int32_t>(n);
    }
    return names;
  }

 private:
  std::int32_t find(std::string_view token) {
    const auto at = numbers_.find(token);
    if (at != numbers_.end()) return at->second;
    const auto next = static_cast<std::int32_t>(numbers_.size());
    return numbers_.emplace(std::string(token), next).first->second;
  }

  std::unordered_map<std::string, std::int32_t, Hash, std::equal_to<>> numbers_;
  std::array<std::int32_t, 256> of_byte_;  // most characters are one byte
};

TokenRule rule_of(const DataOptions& options) {
  return {.words = options.tokens == "words", .lower_case = options.lower_case};
}

TokenTable tokenise(TextTable table, const std::string& path, const TokenRule& rule, Numbering& numbering) {
  TokenTable result;
  result.path = path;
  result.notes = std::move(table.notes);
  TokenSplitter splitter(rule);
  Index without = 0;
  for (std::size_t i = 0; i < table.texts.size(); ++i) {
    const auto& tokens = splitter.tokens(table.texts[i]);
    if (tokens.empty()) {
      ++without;
      continue;
    }
    if (tokens.size() > static_cast<std::size_t>(kMaxTokens)) {
      fail_at_line(
          path, table.lines[i],
          fmt::format("a text of {} {}, at most {} are read", tokens.size(), rule.name(), kMaxTokens));
    }
    for (const std::string_view token : tokens) result.tokens.push_back(numbering.number(token));
    result.starts.push_back(static_cast<Index>(result.tokens.size()));
    result.labels.push_back(std::move(table.labels[i]));
  }
  if (result.labels.empty()) {
    throw Error(Fault::data, kOperation, fmt::format("{}: no text has any {}", path, rule.name()));
  }
  if (without > 0)
    result.notes.push_back(fmt::format("{} texts have no {} and are left out", without, rule.name()));
  return result;
}

/// "classes: ham 4827, spam 747".
std::string counts_text(const std::map<std::string, Index>& counts) {
  constexpr std::size_t kShown = 20;
  std::string text = counts.size() > kShown ? fmt::format("{} classes: ", counts.size()) : "classes: ";
  std::size_t shown = 0;
  for (const auto& [name, count] : counts) {
    if (shown == kShown) return text + ", ...";
    text += fmt::format("{}{} {}", shown++ == 0 ? "" : ", ", clipped_utf8(name, 60), count);
  }
  return text;
}

/// The files of a set, all with the same classes and vocabulary.
/// `classes`: the labels are such; else lists of labels, or numbers.
std::vector<DatasetPtr> make_sets(std::vector<TokenTable> tables, const Numbering& numbering, DataInfo info,
                                  bool classes) {
  std::map<std::string, Index> counts;
  std::size_t rows = 0;
  for (const TokenTable& table : tables) {
    const std::string where = tables.size() > 1 ? base_name(table.path) + ": " : "";
    for (const std::string& note : table.notes) info.notes.push_back(where + note);
    const std::map<std::string, Index> before = counts;
    for (const std::string& label : table.labels) {
      if (++counts[label] == 1 && !before.empty() && classes)
        info.notes.push_back(
            fmt::format("{}class '{}' is in no line of {}", where, label, base_name(tables[0].path)));
    }
    rows += table.labels.size();
  }
  if (classes && (counts.size() > kMaxClasses || (counts.size() == rows && rows > kFewRows))) {
    throw Error(Fault::data, kOperation,
                fmt::format("{}: {} different labels in {} lines: is it the right column? --label says which",
                            tables[0].path, counts.size(), rows));
  }
  std::map<std::string_view, std::int32_t> places;
  for (const auto& [label, count] : counts) {
    places.emplace(label, static_cast<std::int32_t>(info.classes.size()));
    info.classes.push_back(label);
  }
  if (classes) info.notes.push_back(counts_text(counts));

  std::vector<std::int32_t> order;
  info.vocabulary = numbering.sorted(order);
  Index longest = 0;
  for (const TokenTable& table : tables) {
    for (std::size_t i = 0; i + 1 < table.starts.size(); ++i)
      longest = std::max(longest, table.starts[i + 1] - table.starts[i]);
  }
  std::vector<DatasetPtr> sets;
  for (TokenTable& table : tables) {
    for (std::int32_t& token : table.tokens) token = order[static_cast<std::size_t>(token)];
    std::vector<std::int32_t> labels;
    for (const std::string& label : table.labels) labels.push_back(places.at(label));
    sets.push_back(
        make_tokens(info, std::move(table.tokens), std::move(table.starts), std::move(labels), longest));
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

DatasetPtr parse_tsv(std::span<const std::byte> bytes, const std::string& path, const DataOptions& options) {
  Numbering numbering;
  std::vector<TokenTable> tables;
  tables.push_back(tokenise(parse_text_table(bytes, path, separator_of(bytes, path), options), path,
                            rule_of(options), numbering));
  return make_sets(std::move(tables), numbering, info_of(path, options),
                   target_kind_of(options) == TargetKind::classes)[0];
}

DataParts open_tsv(const std::string& path, const DataOptions& options) {
  std::map<SetPart, std::string> files = part_files(path, ".tsv");
  if (files.empty()) files = part_files(path, ".csv");
  if (files.empty()) {
    throw Error(Fault::data, kOperation,
                fmt::format("{} holds {} .tsv files: give the path of one, or call them train.tsv, "
                            "validation.tsv, test.tsv",
                            path, files_of(path, ".tsv").size()));
  }
  Numbering numbering;
  std::vector<TokenTable> tables;
  DataOptions wanted = options;
  for (const auto& [part, file] : files) {
    const auto bytes = read_maybe_gz(file);
    TextTable table = parse_text_table(bytes, file, separator_of(bytes, file), wanted);
    // What was told of the first file holds for the others.
    wanted.label = table.label_name.empty() ? fmt::format("{}", table.label + 1) : table.label_name;
    wanted.text_column = table.text_name.empty() ? fmt::format("{}", table.text + 1) : table.text_name;
    tables.push_back(tokenise(std::move(table), file, rule_of(options), numbering));
  }
  const std::vector<DatasetPtr> sets = make_sets(std::move(tables), numbering, info_of(path, options),
                                                 target_kind_of(options) == TargetKind::classes);
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
  std::string beginning(std::size_t{1} << 16, '\0');
  if (file.ends_with(".gz")) {
    beginning = as_text(read_maybe_gz(file));
  } else {
    std::ifstream in(file, std::ios::binary);
    in.read(beginning.data(), static_cast<std::streamsize>(beginning.size()));
    beginning.resize(static_cast<std::size_t>(in.gcount()));
  }
  return names_texts(beginning, separator_of(as_bytes(beginning), file));
}

}  // namespace firn
