#include "data/csv.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "data/csv_rows.h"
#include "data/decimal.h"
#include "data/file_set.h"
#include "data/files.h"
#include "data/label_names.h"
#include "data/memory.h"
#include "data/part_names.h"
#include "data/scratch_file.h"
#include "data/table_text.h"
#include "data/targets.h"
#include "data/unpacked.h"
#include "engine/base/error.h"
#include "engine/base/printable.h"

namespace firn {

namespace {

constexpr std::string_view kCsv = "csv";
constexpr std::size_t kMaxClasses = 10000;
constexpr std::size_t kMostLines = 3;                    // that a note of rows left out names
constexpr std::size_t kMostNames = 6;                    // features that a note names
constexpr std::size_t kTogether = std::size_t{1} << 16;  // numbers that are written into a file at once

[[noreturn]] void fail_csv(const std::string& path, const std::string& what) {
  throw Error(Fault::data, kCsv, fmt::format("{}: {}", path, printable(what)));
}

/// Takes the rows of a table, its columns being chosen.
class Filler {
 public:
  Filler(CsvTable& table, const std::string& path, const DataOptions& options)
      : table_(table), path_(path), options_(options), kind_(target_kind_of(options)) {}

  void fill() {
    const CsvSurvey& survey = table_.survey;
    const auto& features = table_.columns.features;
    const auto column = [&](std::size_t c) -> const CsvColumn& { return survey.columns[c]; };
    bytes_ = std::all_of(features.begin(), features.end(), [&](std::size_t c) { return column(c).bytes; });
    const bool whole =
        std::all_of(features.begin(), features.end(), [&](std::size_t c) { return !column(c).missing; });
    const std::size_t rows = whole ? survey.rows : count_whole();
    reserve(rows);
    CsvRows reader = begin();
    while (reader.next()) {
      // It was surveyed before: between the two a file may have changed.
      if (reader.fields().size() != survey.columns.size()) fail_changed();
      take(reader);
      if (file_ && pending() >= kTogether) write();
    }
    judge_missing();
    if (file_) close_file();
    table_.survey.text = {};
  }

 private:
  [[noreturn]] void fail_changed() const {
    throw Error(Fault::data, "read", path_ + ": changed while it was read");
  }

  /// Room for `rows`, in memory or in a file.
  void reserve(std::size_t rows) {
    const std::size_t count = rows * table_.columns.features.size();
    const std::uint64_t bytes = std::uint64_t{count} * (bytes_ ? 1 : sizeof(float));
    if (table_.columns.label) table_.labels.reserve(rows);
    table_.targets.reserve(rows * table_.columns.targets.size());
    if (!options_.too_large(bytes)) {
      bytes_ ? table_.bytes.reserve(count) : table_.values.reserve(count);
      return;
    }
    if (options_.say) {
      options_.say(
          fmt::format("{}: the features of {} rows are written into a file in {} that ends with this "
                      "process, {:.2f} GB",
                      base_name(path_), rows, options_.store, static_cast<double>(bytes) / 1e9));
    }
    file_.emplace(options_.store, bytes);
  }

  /// Numbers that are not in the file yet.
  std::size_t pending() const { return bytes_ ? table_.bytes.size() : table_.values.size(); }
  void write() {
    file_->write(bytes_ ? std::as_bytes(std::span(table_.bytes)) : std::as_bytes(std::span(table_.values)));
    table_.bytes.clear();
    table_.values.clear();
  }
  void close_file() {
    write();
    table_.file = file_->reader();
    table_.file_of_bytes = bytes_;
    table_.bytes = {};
    table_.values = {};
  }

  CsvRows begin() const {
    const CsvSurvey& survey = table_.survey;
    CsvRows rows(survey.text, survey.separator, path_, survey.first_line);
    if (survey.header) rows.next();
    return rows;
  }

  /// The first column of those in use that has no value in this row.
  std::optional<std::size_t> lacks(const std::vector<std::string_view>& fields) const {
    const auto label = table_.columns.label;
    // A row may have none of the labels.
    if (label && kind_ != TargetKind::labels &&
        (fields[*label].empty() || (table_.survey.columns[*label].numeric() && is_missing(fields[*label])))) {
      return label;
    }
    for (const std::size_t c : table_.columns.targets) {
      if (is_missing(fields[c])) return c;
    }
    for (const std::size_t c : table_.columns.features) {
      if (is_missing(fields[c])) return c;
    }
    return {};
  }

  std::size_t count_whole() const {
    std::size_t count = 0;
    CsvRows rows = begin();
    while (rows.next()) count += !lacks(rows.fields());
    return count;
  }

  void take(const CsvRows& row) {
    const auto& fields = row.fields();
    if (const auto missing = lacks(fields)) {
      if (options_.unlabelled) {
        row.fail(fmt::format("{} has no value: fill it in, or leave the row out",
                             table_.survey.name_of(*missing)));
      }
      if (missing_.size() < kMostLines) missing_.push_back(row.line());
      ++missing_in_[*missing];
      return;
    }
    for (const std::size_t c : table_.columns.features) {
      const std::string_view field = fields[c];
      float value = 0;
      const Decimal read = read_decimal(field, value, table_.survey.point);
      if (read != Decimal::finite) {
        row.fail(fmt::format("'{:.40}' in {} is {}", field, table_.survey.name_of(c),
                             read == Decimal::infinite ? "infinite or too large for a float" : "no number"));
      }
      if (bytes_) {
        if (!(value >= 0 && value <= 255)) fail_changed();
        table_.bytes.push_back(static_cast<std::uint8_t>(value));
      } else {
        table_.values.push_back(value);
      }
    }
    for (const std::size_t c : table_.columns.targets) take_target(row, c, fields[c]);
    if (table_.columns.group) table_.groups.emplace_back(fields[*table_.columns.group]);
    if (table_.columns.label) take_label(row, fields[*table_.columns.label]);
    if (row.line() != next_line_) table_.jumps.emplace_back(table_.rows, row.line());
    next_line_ = row.line() + 1;
    ++table_.rows;
  }

  void take_target(const CsvRows& row, std::size_t c, std::string_view field) {
    double value = 0;
    const Decimal read = read_decimal(field, value, table_.survey.point);
    if (read != Decimal::finite) {
      row.fail(fmt::format("the target '{:.40}' in {} is {}", field, table_.survey.name_of(c),
                           read == Decimal::infinite ? "infinite" : "no number"));
    }
    if (kind_ == TargetKind::labels && value != 0 && value != 1) {
      row.fail(fmt::format("the label '{:.40}' in {}: want 0 or 1 (numbers are for --task regression)", field,
                           table_.survey.name_of(c)));
    }
    table_.targets.push_back(value);
  }

  void take_label(const CsvRows& row, std::string_view label) {
    // Most rows have the class of a row before: no text is made then.
    key_.assign(label);
    const auto [at, fresh] = classes_.try_emplace(key_, static_cast<std::int32_t>(classes_.size()));
    if (fresh) {
      table_.classes.push_back(key_);
      if (classes_.size() > 4 * kMaxClasses) {
        row.fail(
            fmt::format("more than {} different labels in {}: is it the right column? --label says which; a "
                        "target of numbers is for --task regression",
                        4 * kMaxClasses, table_.survey.name_of(*table_.columns.label)));
      }
    }
    table_.labels.push_back(at->second);
  }

  void judge_missing() {
    if (missing_in_.empty()) {
      if (table_.rows == 0) fail_csv(path_, "holds no rows");
      return;
    }
    std::uint64_t rows = 0;
    std::size_t worst = missing_in_.begin()->first;
    for (const auto& [c, count] : missing_in_) {
      rows += count;
      if (count > missing_in_[worst]) worst = c;
    }
    if (rows > static_cast<std::uint64_t>(table_.rows)) {
      fail_csv(
          path_,
          fmt::format("{} of {} rows lack a value, {} of them in {}: fill them in, or leave the column out "
                      "with --drop",
                      rows, table_.survey.rows, missing_in_[worst], table_.survey.name_of(worst)));
    }
    std::string lines;
    for (const std::uint64_t line : missing_) lines += (lines.empty() ? "" : ", ") + std::to_string(line);
    if (rows > missing_.size()) lines += ", ...";
    table_.notes.push_back(fmt::format("{}: left out {} {} without a value ({} {}; most in {})",
                                       base_name(path_), rows, rows == 1 ? "row" : "rows",
                                       rows == 1 ? "line" : "lines", lines, table_.survey.name_of(worst)));
  }

  CsvTable& table_;
  const std::string& path_;
  const DataOptions& options_;
  TargetKind kind_;
  bool bytes_ = false;
  std::optional<ScratchFile> file_;
  std::uint64_t next_line_ = 0;
  std::string key_;
  std::unordered_map<std::string, std::int32_t> classes_;
  std::vector<std::uint64_t> missing_;               ///< lines of the first rows left out
  std::map<std::size_t, std::uint64_t> missing_in_;  ///< rows left out, by the first column without value
};

/// What was taken for what: a line for the columns, one for what was left out.
std::vector<std::string> describe(const CsvTable& table) {
  const CsvSurvey& survey = table.survey;
  const auto& features = table.columns.features;
  std::string names;
  for (std::size_t i = 0; i < features.size(); ++i) {
    if (features.size() > kMostNames && i == kMostNames - 2) {
      names += ", ...";
      i = features.size() - 1;
    }
    const std::string& name = survey.columns[features[i]].name;
    names += (names.empty() ? "" : ", ") +
             (name.empty() ? fmt::format("column {}", features[i] + 1) : name.substr(0, 60));
  }
  std::string line =
      fmt::format("{} {} ({}), ", features.size(), features.size() == 1 ? "feature" : "features", names);
  std::string targets;
  for (const std::size_t c : table.columns.targets)
    targets += (targets.empty() ? "" : ", ") + survey.name_of(c);
  line += table.columns.label
              ? fmt::format("the label is {} ({})", survey.name_of(*table.columns.label), table.columns.why)
          : targets.empty()
              ? "no label"
              : fmt::format("the {} {} ({})", table.columns.targets.size() == 1 ? "target is" : "targets are",
                            targets, table.columns.why);
  line += survey.header ? fmt::format("; header in line {}", survey.header_line) : "; no header";
  if (survey.separator != ',') {
    line += fmt::format("; fields parted by {}{}",
                        survey.separator == '\t' ? "tabs" : std::string("'") + survey.separator + "'",
                        survey.point == ',' ? ", decimal comma" : "");
  }
  std::vector<std::string> lines = {line};
  if (survey.comments > 0) {
    lines.push_back(
        fmt::format("{} at the top {} left out as {}",
                    survey.comments == 1 ? "a line that begins with '#'"
                                         : fmt::format("{} lines that begin with '#'", survey.comments),
                    survey.comments == 1 ? "is" : "are", survey.comments == 1 ? "a comment" : "comments"));
  }
  if (!table.columns.left_out.empty()) {
    std::string left;
    for (const std::string& column : table.columns.left_out)
      left += (left.empty() ? "left out: " : ", ") + column;
    lines.push_back(left);
  }
  return lines;
}

/// "line 17 of train.csv".
Places lines_of(const std::string& path, std::vector<std::pair<Index, std::uint64_t>> jumps) {
  return [name = base_name(path), jumps = std::move(jumps)](Index row) {
    const auto behind = std::upper_bound(jumps.begin(), jumps.end(), row,
                                         [](Index r, const auto& jump) { return r < jump.first; });
    const auto& [first, line] = *(behind - 1);
    return fmt::format("line {} of {}", line + static_cast<std::uint64_t>(row - first), name);
  };
}

DatasetPtr make_samples(const DataInfo& info, CsvTable& table, const std::string& path) {
  if (!table.columns.label) table.labels.assign(static_cast<std::size_t>(table.rows), 0);
  if (table.file && table.file_of_bytes)
    return make_file_images(info, {std::move(table.file)}, std::move(table.labels), 1);
  if (table.file) {
    return make_file_numbers(info, {std::move(table.file)}, info.shape.count(), {}, std::move(table.labels),
                             lines_of(path, std::move(table.jumps)));
  }
  if (!table.bytes.empty()) return make_byte_images(info, std::move(table.bytes), std::move(table.labels), 1);
  return make_numbers(info, std::move(table.values), std::move(table.labels),
                      lines_of(path, std::move(table.jumps)));
}

/// `classes` are the targets' names where the table has targets.
DatasetPtr make_set(const DataInfo& common, CsvTable table, const std::string& path, TargetKind kind) {
  DataInfo info = common;
  info.labelled = table.columns.label.has_value() || !table.columns.targets.empty();
  DatasetPtr samples = make_samples(info, table, path);
  if (table.columns.targets.empty()) return samples;
  return with_targets(std::move(samples), kind, info.classes, std::move(table.targets));
}

struct PartFile {
  SetPart part;
  std::string path;
};

/// train.csv and the like, the training part first.
std::vector<PartFile> part_files(const std::string& folder) {
  std::vector<PartFile> files;
  for (const std::string& name : file_names(folder)) {
    const std::string_view stem = without_gz(name);
    if (!stem.ends_with(".csv")) continue;
    const auto part = part_named(stem.substr(0, stem.size() - 4));
    if (!part) continue;
    const bool twice =
        std::any_of(files.begin(), files.end(), [&](const PartFile& f) { return f.part == *part; });
    if (twice) fail_csv(folder, fmt::format("two tables for the part '{}'", part_name(*part)));
    files.push_back({*part, join(folder, name)});
  }
  std::sort(files.begin(), files.end(), [](const PartFile& a, const PartFile& b) { return a.part < b.part; });
  return files;
}

/// Sorts the labels of all tables into classes, and says what is odd of them; of lists of labels nothing is.
void sort_labels(std::vector<CsvTable>& tables, const std::vector<PartFile>& files, DataInfo& info,
                 bool lists) {
  std::vector<TextLabels> labels(tables.size());
  std::vector<TextLabels*> parts;
  const char point = tables[0].survey.point;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    labels[i] = {std::move(tables[i].labels), std::move(tables[i].classes)};
    parts.push_back(&labels[i]);
    if (tables[i].columns.label && !lists && is_measure(labels[i], point)) {
      fail_csv(
          files[i].path,
          fmt::format(
              "{} holds {} different numbers, which measure something: --task regression predicts numbers; "
              "for "
              "classes name the right column with --label, or make classes of them (as low, middle, high)",
              tables[i].survey.name_of(*tables[i].columns.label), labels[i].classes.size()));
    }
  }
  info.classes = merge_classes(parts, point);
  if (info.classes.size() > kMaxClasses) {
    fail_csv(files[0].path, fmt::format("{} different labels: is it the right column? --label says which",
                                        info.classes.size()));
  }
  std::vector<Index> total(info.classes.size());
  std::vector<bool> trained(info.classes.size());
  for (std::size_t i = 0; i < tables.size(); ++i) {
    tables[i].labels = std::move(labels[i].labels);
    for (const std::int32_t label : tables[i].labels) {
      ++total[static_cast<std::size_t>(label)];
      if (i == 0) trained[static_cast<std::size_t>(label)] = true;
    }
  }
  if (lists) return;
  const std::size_t once = static_cast<std::size_t>(std::count(total.begin(), total.end(), 1));
  if (info.classes.size() > 20 && once * 3 > info.classes.size() * 2 && !info.classes.empty()) {
    fail_csv(files[0].path,
             fmt::format("{} different labels in {}, {} of them once: is it the right column? --label says "
                         "which",
                         info.classes.size(), tables[0].survey.name_of(*tables[0].columns.label), once));
  }
  if (!info.classes.empty()) info.notes.push_back(classes_text(info.classes, total));
  for (std::size_t c = 0; c < info.classes.size(); ++c) {
    if (trained[c] || files[0].part != SetPart::train) continue;
    info.notes.push_back(fmt::format("class '{:.40}' has no sample to train with: {} alone holds it",
                                     info.classes[c],
                                     tables.size() == 2 ? base_name(files[1].path) : "another part"));
  }
  if (info.classes.empty()) info.classes = {"?"};
}

/// What is too large for memory is read from its file.
CsvTable read_table(const std::string& path, const DataOptions& options, const CsvTable* before,
                    const std::string& path_before) {
  const Unpacked bytes = open_unpacked(path, options, static_cast<std::uint64_t>(options.memory));
  const TableText text = bytes.file ? TableText(bytes.file) : TableText(bytes.bytes);
  return parse_csv(text, path, options, before, path_before);
}

}  // namespace

CsvTable parse_csv(const TableText& text, const std::string& path, const DataOptions& options,
                   const CsvTable* before, const std::string& path_before) {
  CsvTable table;
  table.survey = survey_csv(checked_table_text(text, path), path, options.header);
  table.columns = before == nullptr
                      ? choose_columns(table.survey, options, path)
                      : match_columns(table.survey, before->survey, before->columns, path, path_before);
  Filler(table, path, options).fill();
  return table;
}

DataParts open_csv(const std::string& path, const DataOptions& options) {
  std::vector<PartFile> files = {{SetPart::train, path}};
  const bool alone = !is_folder(path);
  if (!alone) files = part_files(path);
  if (files.empty()) fail_csv(path, "want train.csv, validation.csv or test.csv");
  std::vector<CsvTable> tables;
  DataInfo info;
  for (auto file = files.begin(); file != files.end();) {
    const CsvTable* before = tables.empty() ? nullptr : &tables[0];
    CsvTable table = read_table(file->path, options, before, files[0].path);
    const auto asked = [](const CsvTable& t) { return t.columns.label || !t.columns.targets.empty(); };
    if (before != nullptr && asked(*before) && !asked(table) && !options.unlabelled) {
      const std::size_t column =
          before->columns.label ? *before->columns.label : before->columns.targets.front();
      const std::string what =
          fmt::format("{} has no {}", base_name(file->path), before->survey.name_of(column));
      if (options.feature_count > 0) fail_csv(path, what + ": the labels are needed to judge it");
      info.notes.push_back(what + ": it is not used, predict can read it");
      file = files.erase(file);
      continue;
    }
    tables.push_back(std::move(table));
    ++file;
  }
  const CsvTable& first = tables[0];
  const auto lines = describe(first);
  info.notes.insert(info.notes.begin(), lines.begin(), lines.end());
  for (const CsvTable& table : tables) {
    info.notes.insert(info.notes.end(), table.columns.notes.begin(), table.columns.notes.end());
    info.notes.insert(info.notes.end(), table.notes.begin(), table.notes.end());
  }
  info.name = base_name(path);
  info.kind = DataKind::vector;
  info.shape = Shape({static_cast<Index>(first.columns.features.size())});
  if (first.survey.header) {
    for (const std::size_t c : first.columns.features) info.features.push_back(first.survey.columns[c].name);
  }
  if (first.columns.label) {
    const std::string& name = first.survey.columns[*first.columns.label].name;
    info.label_name = name.empty() ? std::to_string(*first.columns.label + 1) : name;
  }
  const TargetKind kind = target_kind_of(options);
  if (first.columns.targets.empty()) {
    sort_labels(tables, files, info, kind == TargetKind::labels);
  } else {
    for (const std::size_t c : first.columns.targets) {
      const std::string& name = first.survey.columns[c].name;
      info.classes.push_back(name.empty() ? std::to_string(c + 1) : name);
      info.label_name += (info.label_name.empty() ? "" : ",") + info.classes.back();
    }
  }
  // Names come from the file.
  for (std::string& note : info.notes) note = printable(note);
  DataParts parts;
  if (files[0].part == SetPart::train) parts.names = std::move(tables[0].groups);
  for (std::size_t i = 0; i < files.size(); ++i) {
    // A lone table without labels is there to be answered for.
    const bool asked = alone && !tables[i].columns.label && tables[i].columns.targets.empty();
    part_of(parts, asked ? SetPart::test : files[i].part) =
        make_set(info, std::move(tables[i]), files[i].path, kind);
  }
  return parts;
}

bool is_csv(const std::string& path) {
  return is_folder(path) ? !part_files(path).empty() : without_gz(path).ends_with(".csv");
}

}  // namespace firn
