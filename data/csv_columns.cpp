#include "data/csv_columns.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "data/files.h"
#include "data/groups.h"
#include "data/targets.h"
#include "engine/base/error.h"
#include "engine/base/printable.h"
#include "engine/base/split.h"

namespace firn {

namespace {

constexpr std::uint64_t kLeastIndex = 10;  // rows that a nameless column must count to be an index
constexpr std::size_t kMostGuessed = 100;  // classes of a column that nobody called the label
constexpr std::size_t kMostListed = 6;     // that a message lists

[[noreturn]] void fail_columns(const std::string& path, const std::string& what) {
  throw Error(Fault::data, "csv", fmt::format("{}: {}", path, printable(what)));
}

/// "'a', 'b', ... (12 in all)"
std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < std::min(names.size(), kMostListed); ++i) {
    out += (i > 0 ? ", " : "") + fmt::format("'{:.60}'", names[i]);
  }
  return names.size() > kMostListed ? fmt::format("{}, ... ({} in all)", out, names.size()) : out;
}

std::optional<std::size_t> find_name(const CsvSurvey& table, const std::string& name) {
  const auto find = [&](auto same) -> std::optional<std::size_t> {
    const auto at = std::find_if(table.columns.begin(), table.columns.end(), same);
    if (at == table.columns.end()) return {};
    return static_cast<std::size_t>(at - table.columns.begin());
  };
  if (!table.header || name.empty()) return {};
  if (const auto exact = find([&](const CsvColumn& c) { return c.name == name; })) return exact;
  return find([&](const CsvColumn& c) { return lower_case(c.name) == lower_case(name); });
}

/// A column by its name, or its number counted from 1.
std::optional<std::size_t> find_column(const CsvSurvey& table, const std::string& text) {
  if (const auto named = find_name(table, text)) return named;
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool good = error == std::errc() && end == text.data() + text.size();
  return good && number >= 1 && number <= table.columns.size() ? std::optional(number - 1) : std::nullopt;
}

std::string columns_of(const CsvSurvey& table) {
  if (!table.header) return fmt::format("columns 1 to {}", table.columns.size());
  std::vector<std::string> names;
  for (const CsvColumn& column : table.columns) names.push_back(column.name);
  return "columns " + listed(names);
}

bool is_index_name(const std::string& name) {
  constexpr std::array<std::string_view, 18> kNames = {
      "id",     "index", "idx", "row", "rowid", "row_id", "rownames",    "row.names", "row_names",
      "number", "no",    "no.", "nr",  "nr.",   "#",      "passengerid", "sampleid",  "uuid"};
  const std::string small = lower_case(name);
  return std::find(kNames.begin(), kNames.end(), small) != kNames.end() || small.starts_with("unnamed:") ||
         small.ends_with("_id") || (name.size() > 2 && name.ends_with("Id"));
}

/// Why a column is no feature; empty where it is one.
std::string useless(const CsvSurvey& table, std::size_t c) {
  const CsvColumn& column = table.columns[c];
  if (column.filled() == 0) return "empty";
  const bool counts = column.counting && column.numbers == table.rows && table.rows > 1;
  if (!table.header) {
    const bool from_begin = column.first == 0 || column.first == 1;
    return c == 0 && counts && from_begin && table.rows >= kLeastIndex ? "counts the rows" : "";
  }
  if (!column.name.empty() && !is_index_name(column.name)) return "";
  if (counts) return "counts the rows";
  const bool different = column.distinct.full() || column.distinct.count() == column.filled();
  return different && table.rows > 1 && (column.texts > 0 || column.whole) ? "names the rows" : "";
}

/// Chooses step by step; `open` are the columns that nothing has been said of yet.
class ColumnChooser {
 public:
  ColumnChooser(const CsvSurvey& table, const DataOptions& options, const std::string& path)
      : table_(table), options_(options), path_(path), open_(table.columns.size(), true) {}

  CsvColumns choose() {
    for (const std::string& name : options_.drop) {
      const auto column = find_column(table_, name);
      if (!column)
        fail_columns(path_, fmt::format("--drop {}: no such column among {}", name, columns_of(table_)));
      leave_out(*column, "--drop");
    }
    chosen_.group = find_name(table_, group_column(options_.split.group));
    if (chosen_.group) leave_out(*chosen_.group, "--group");
    const bool known = !options_.features.empty() && table_.header;
    if (known) take_features();
    asked_label();
    for (std::size_t c = 0; c < open_.size(); ++c) {
      if (const std::string why = open_[c] ? useless(table_, c) : ""; !why.empty()) leave_out(c, why);
    }
    if (!targeted()) named_label();
    if (several()) settle_targets();
    if (known) {
      if (!targeted() && !several()) left_over_label();
      if (!targeted() && several() && !options_.unlabelled) no_target();
      for (const std::size_t c : open()) leave_out(c, "the weights do not know it");
    } else {
      const bool exact = static_cast<Index>(open().size()) == options_.feature_count;
      if (!targeted() && !exact) several() ? no_target() : shaped_label();
      for (const std::size_t c : open()) chosen_.features.push_back(c);
    }
    check_features();
    return std::move(chosen_);
  }

 private:
  std::vector<std::size_t> open() const {
    std::vector<std::size_t> columns;
    for (std::size_t c = 0; c < open_.size(); ++c) {
      if (open_[c]) columns.push_back(c);
    }
    return columns;
  }
  /// Whether numbers or labels are asked for.
  bool several() const { return target_kind_of(options_) != TargetKind::classes; }
  bool targeted() const { return chosen_.label || !chosen_.targets.empty(); }
  void leave_out(std::size_t c, const std::string& why) {
    if (!open_[c]) return;
    open_[c] = false;
    chosen_.left_out.push_back(fmt::format("{} ({})", table_.name_of(c), why));
  }
  void take_label(std::size_t c, std::string why) {
    chosen_.label = c;
    chosen_.why = std::move(why);
    open_[c] = false;
  }

  /// The columns that --label names, or those of the weights.
  void asked_targets() {
    std::vector<std::string> names = options_.trained_targets;
    const bool trained = options_.label.empty();
    if (!trained) {
      const bool one = find_name(table_, options_.label).has_value();
      names = one ? std::vector<std::string>{options_.label} : split(options_.label, ',');
    }
    std::vector<std::size_t> columns;
    for (const std::string& name : names) {
      auto column = find_column(table_, name);
      if (!column && name == "first") column = 0;
      if (!column && name == "last") column = table_.columns.size() - 1;
      if (column && open_[*column]) {
        columns.push_back(*column);
        open_[*column] = false;
        continue;
      }
      if (trained) {  // a table without them is one to be answered for
        for (const std::size_t c : columns) open_[c] = true;
        return;
      }
      fail_columns(path_,
                   column ? fmt::format("--label {}: {} is a feature of the weights, left out or named twice",
                                        name, table_.name_of(*column))
                          : fmt::format("--label {}: no such column among {}", name, columns_of(table_)));
    }
    chosen_.targets = columns;
    chosen_.why = trained ? "as for the weights" : "--label";
  }

  /// Of one column of texts each value is a list of labels, as a class would be.
  void settle_targets() {
    if (chosen_.label) chosen_.targets = {*std::exchange(chosen_.label, std::nullopt)};
    const bool labels = target_kind_of(options_) == TargetKind::labels;
    for (const std::size_t c : chosen_.targets) {
      if (table_.columns[c].numeric()) continue;
      if (labels && chosen_.targets.size() == 1) {
        chosen_.label = c;
        chosen_.targets.clear();
        return;
      }
      fail_columns(path_, fmt::format("{} holds '{:.40}' in line {}: {}", table_.name_of(c),
                                      table_.columns[c].text, table_.columns[c].text_line,
                                      labels ? "columns of labels hold 0 and 1"
                                             : "a target of regression is a number"));
    }
  }

  [[noreturn]] void no_target() {
    if (!options_.trained_targets.empty()) {
      fail_columns(path_, fmt::format("lacks the {} {}, needed here; firn predict does without (it has "
                                      "{})",
                                      options_.trained_targets.size() == 1 ? "target" : "targets",
                                      listed(options_.trained_targets), columns_of(table_)));
    }
    fail_columns(path_, fmt::format("which {} with --label, one name or several with commas ({})",
                                    target_kind_of(options_) == TargetKind::numbers
                                        ? "column holds the numbers to predict? Say so"
                                        : "columns hold the labels, 0 or 1? Say so",
                                    columns_of(table_)));
  }

  void take_features() {
    std::vector<std::string> missing;
    for (const std::string& name : options_.features) {
      const auto column = find_name(table_, name);
      if (!column || !open_[*column]) {
        missing.push_back(name);
        continue;
      }
      chosen_.features.push_back(*column);
      open_[*column] = false;
    }
    if (missing.empty()) return;
    fail_columns(path_, fmt::format("lacks {} {}, which the weights were trained on (it has {})",
                                    missing.size() == 1 ? "the column" : "the columns", listed(missing),
                                    columns_of(table_)));
  }

  void asked_label() {
    if (several()) return asked_targets();
    const std::string& name = options_.label;
    if (name.empty()) {
      if (options_.trained_label.empty()) return;
      const auto column = find_column(table_, options_.trained_label);
      if (column && open_[*column]) take_label(*column, "as for the weights");
      return;
    }
    auto column = find_name(table_, name);
    if (!column && name == "first") column = 0;
    if (!column && name == "last") column = table_.columns.size() - 1;
    if (!column) column = find_column(table_, name);
    if (!column)
      fail_columns(path_, fmt::format("--label {}: no such column among {}", name, columns_of(table_)));
    if (!open_[*column]) {
      fail_columns(path_, fmt::format("--label {}: {} is a feature of the weights or left out", name,
                                      table_.name_of(*column)));
    }
    take_label(*column, "--label");
  }

  void named_label() {
    std::vector<std::size_t> strong;
    std::vector<std::size_t> weak;  // y, which may be a coordinate
    bool coordinate = false;
    for (const std::size_t c : open()) {
      const std::string name = lower_case(table_.columns[c].name);
      if (is_label_name(name)) (name == "y" ? weak : strong).push_back(c);
      coordinate = coordinate || name == "x" || name == "z";
    }
    if (strong.empty() && !coordinate) strong = weak;
    if (strong.size() == 1) return take_label(strong[0], "by its name");
    if (strong.size() > 1) {
      fail_columns(
          path_,
          fmt::format("{} and {} may both be the label: say which with --label NAME, leave the other out "
                      "with --drop NAME",
                      table_.name_of(strong[0]), table_.name_of(strong[1])));
    }
  }

  /// The features are known: the label is what is left.
  void left_over_label() {
    const std::vector<std::size_t> rest = open();
    if (rest.size() == 1) return take_label(rest[0], "the only column besides the features");
    if (rest.size() > 1 && !options_.unlabelled) {
      fail_columns(path_, fmt::format("{} and {} may both be the label: say which with --label NAME",
                                      table_.name_of(rest[0]), table_.name_of(rest[1])));
    }
  }

  void shaped_label() {
    const std::vector<std::size_t> rest = open();
    if (rest.size() < 2) fail_columns(path_, "one column of use: want numbers and a label");
    const std::size_t first = rest.front();
    const std::size_t last = rest.back();
    std::vector<std::size_t> texts;
    for (const std::size_t c : rest) {
      if (!table_.columns[c].numeric()) texts.push_back(c);
    }
    if (texts.size() > 1) {
      fail_columns(
          path_,
          fmt::format("{} and {} both hold text ('{:.40}', '{:.40}'): say which is the label with --label "
                      "NAME; leave others out with --drop NAME, or write them as numbers",
                      table_.name_of(texts[0]), table_.name_of(texts[1]), table_.columns[texts[0]].text,
                      table_.columns[texts[1]].text));
    }
    const bool first_fits = holds_classes(first);
    const bool last_fits = holds_classes(last);
    if (texts.size() == 1) {
      if (texts[0] == first || texts[0] == last || (!first_fits && !last_fits)) {
        return take_label(texts[0], "the only column that is not numbers");
      }
      fail_columns(
          path_,
          fmt::format("{} holds text ('{:.40}') and {} holds classes: say which is the label with --label "
                      "NAME; leave the other out with --drop NAME, or write it as numbers",
                      table_.name_of(texts[0]), table_.columns[texts[0]].text,
                      table_.name_of(last_fits ? last : first)));
    }
    if (last_fits && !first_fits) return take_label(last, shape_of(last, "the last column", first, "first"));
    if (first_fits && !last_fits) return take_label(first, shape_of(first, "the first column", last, "last"));
    if (first_fits && stands_out(first, rest)) return take_label(first, few(first, "the first column"));
    if (last_fits && stands_out(last, rest)) return take_label(last, few(last, "the last column"));
    const auto values = [&](std::size_t c) {
      return fmt::format("{} ({}{} different values)", table_.name_of(c), table_.columns[c].distinct.count(),
                         table_.columns[c].distinct.full() ? " or more" : "");
    };
    if (first_fits) {
      fail_columns(
          path_,
          fmt::format("the label may be the first column or the last, {} or {}: say which with --label first "
                      "or --label last",
                      values(first), values(last)));
    }
    fail_columns(
        path_,
        fmt::format("neither the first column nor the last holds classes, {} and {}: name the label with "
                    "--label; a target of numbers is for --task regression",
                    values(first), values(last)));
  }

  /// Whole numbers that recur.
  bool holds_classes(std::size_t c) const {
    const CsvColumn& column = table_.columns[c];
    const std::size_t different = column.distinct.count();
    const bool recur = column.filled() < 20 ? different < column.filled() : different * 2 <= column.filled();
    return column.texts == 0 && column.whole && different >= 2 && different <= kMostGuessed && recur;
  }
  /// Less than half as many different values as any other column, those apart that never change.
  bool stands_out(std::size_t c, const std::vector<std::size_t>& rest) const {
    return std::all_of(rest.begin(), rest.end(), [&](std::size_t other) {
      const std::size_t theirs = table_.columns[other].distinct.count();
      return other == c || theirs < 2 || table_.columns[c].distinct.count() * 2 < theirs;
    });
  }
  std::string few(std::size_t c, const std::string& which) const {
    return fmt::format("{}: {} different values, far fewer than all others", which,
                       table_.columns[c].distinct.count());
  }
  std::string shape_of(std::size_t c, const std::string& which, std::size_t other,
                       const std::string& name) const {
    const Distinct& theirs = table_.columns[other].distinct;
    return fmt::format("{}: {} different whole numbers, the {} has {}{} different ones", which,
                       table_.columns[c].distinct.count(), name, theirs.count(),
                       theirs.full() ? " or more" : "");
  }

  void check_features() {
    if (chosen_.features.empty()) fail_columns(path_, "no column is left for features");
    std::vector<std::string> texts;
    std::size_t one = 0;
    for (const std::size_t c : chosen_.features) {
      if (table_.columns[c].numeric()) continue;
      if (texts.empty()) one = c;
      texts.push_back(table_.header ? table_.columns[c].name : std::to_string(c + 1));
    }
    if (texts.empty()) return;
    fail_columns(
        path_,
        fmt::format("{} of text, '{:.40}' in line {} of {}: firn learns from numbers: write them as numbers, "
                    "or leave them out with --drop {:.60}",
                    texts.size() == 1 ? "a column" : "columns", table_.columns[one].text,
                    table_.columns[one].text_line, listed(texts), texts[0]));
  }

  const CsvSurvey& table_;
  const DataOptions& options_;
  const std::string& path_;
  std::vector<bool> open_;
  CsvColumns chosen_;
};

}  // namespace

CsvColumns choose_columns(const CsvSurvey& table, const DataOptions& options, const std::string& path) {
  return ColumnChooser(table, options, path).choose();
}

CsvColumns match_columns(const CsvSurvey& table, const CsvSurvey& before, const CsvColumns& chosen,
                         const std::string& path, const std::string& path_before) {
  CsvColumns matched;
  const std::size_t columns = table.columns.size();
  if (!table.header || !before.header) {
    const bool features_alone = columns == chosen.features.size() && columns < before.columns.size();
    if (columns != before.columns.size() && !features_alone) {
      fail_columns(
          path, fmt::format("{} columns, {} has {}", columns, base_name(path_before), before.columns.size()));
    }
    for (std::size_t i = 0; i < chosen.features.size(); ++i) {
      matched.features.push_back(features_alone ? i : chosen.features[i]);
    }
    if (!features_alone) matched.label = chosen.label;
    if (!features_alone) matched.targets = chosen.targets;
    if (table.header != before.header) {
      matched.notes.push_back(
          fmt::format("{} of the two tables has a header: their columns are taken by place", "only one"));
    }
    return matched;
  }
  std::vector<bool> open(columns, true);
  std::vector<std::string> missing;
  for (const std::size_t c : chosen.features) {
    const std::string& name = before.columns[c].name;
    auto at = find_name(table, name);
    if (name.empty() && c < columns && table.columns[c].name.empty()) at = c;
    if (!at || !open[*at]) {
      missing.push_back(name);
      continue;
    }
    matched.features.push_back(*at);
    open[*at] = false;
  }
  if (!missing.empty()) {
    fail_columns(
        path, fmt::format("lacks {} {} of {} (it has {})", missing.size() == 1 ? "the column" : "the columns",
                          listed(missing), base_name(path_before), columns_of(table)));
  }
  const auto label = chosen.label ? find_name(table, before.columns[*chosen.label].name) : std::nullopt;
  if (label && open[*label]) {
    matched.label = label;
    open[*label] = false;
  }
  for (const std::size_t c : chosen.targets) {
    const auto at = find_name(table, before.columns[c].name);
    if (!at || !open[*at]) break;
    matched.targets.push_back(*at);
    open[*at] = false;
  }
  if (matched.targets.size() != chosen.targets.size()) matched.targets.clear();
  std::vector<std::string> extra;
  for (std::size_t c = 0; c < columns; ++c) {
    if (open[c] && !find_name(before, table.columns[c].name)) extra.push_back(table.columns[c].name);
  }
  if (!extra.empty()) {
    matched.notes.push_back(fmt::format("{}: left out {} {}, which {} lacks", base_name(path),
                                        extra.size() == 1 ? "the column" : "the columns", listed(extra),
                                        base_name(path_before)));
  }
  if (matched.features != chosen.features && matched.features.size() == chosen.features.size()) {
    matched.notes.push_back(fmt::format("the columns of {} are matched by name to those of {}",
                                        base_name(path), base_name(path_before)));
  }
  return matched;
}

}  // namespace firn
