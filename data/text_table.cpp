#include "data/text_table.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "data/files.h"
#include "engine/base/utf8.h"

namespace firn {

namespace {

constexpr std::string_view kLabelNames[] = {"label",  "labels", "class",    "category", "target", "sentiment",
                                            "y",      "tag",    "language", "lang",     "topic",  "intent",
                                            "rating", "genre",  "polarity", "is_spam",  "spam"};
constexpr std::string_view kTextNames[] = {"text", "sentence", "message",   "review",   "content",
                                           "body", "comment",  "tweet",     "question", "document",
                                           "sms",  "phrase",   "utterance", "title"};

template <std::size_t N>
bool is_one_of(std::string_view field, const std::string_view (&names)[N]) {
  const std::string small = lower_case(trimmed_text(field));
  return std::find(std::begin(names), std::end(names), small) != std::end(names);
}

/// Stands for a text where it is compared with others.
std::uint64_t key_of(std::string_view text) {
  return std::hash<std::string_view>()(trimmed_text(text));
}

class TextColumnChooser {
 public:
  TextColumnChooser(const TextLayout& rows, std::vector<std::string> first, Index first_line,
                    const std::string& path, const DataOptions& options)
      : rows_(rows), names_(std::move(first)), first_line_(first_line), path_(path), options_(options) {}

  void choose(TextTable& table) {
    std::optional<std::size_t> label = asked(options_.label, "--label");
    std::optional<std::size_t> text = asked(options_.text_column, "--text-column");
    header_ = options_.header == "yes" || (options_.header != "no" && (by_option_ || by_names()));
    if (header_ && !label) label = only(kLabelNames, "--label", text);
    if (header_ && !text) text = only(kTextNames, "--text-column", label);
    if (rows_.columns == 2) {
      if (label && !text) text = 1 - *label;
      if (text && !label) label = 1 - *text;
      if (!label) label = by_values();
      if (!text) text = 1 - *label;
      if (options_.header.empty() && !header_) header_ = by_first_label(*label);
    }
    if (!label || !text) fail_choice();
    if (*label == *text) {
      throw Error(Fault::usage, "tsv",
                  fmt::format("{}: column {} is asked for as label and as text", path_, *label + 1));
    }
    table.label = *label;
    table.text = *text;
    table.header = header_;
    if (header_) {
      table.label_name = names_[*label];
      table.text_name = names_[*text];
    }
    table.notes.push_back(said(table));
  }

 private:
  /// The column that an option names: by the header, by number from 1, first or last.
  std::optional<std::size_t> asked(const std::string& wanted, const char* option) {
    if (wanted.empty()) return {};
    const auto named = std::find(names_.begin(), names_.end(), wanted);
    if (named != names_.end() && options_.header != "no") {
      by_option_ = true;
      return static_cast<std::size_t>(named - names_.begin());
    }
    if (wanted == "first") return 0;
    if (wanted == "last") return rows_.columns - 1;
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
    if (error == std::errc() && end == wanted.data() + wanted.size() && number >= 1 &&
        number <= rows_.columns)
      return number - 1;
    throw Error(Fault::usage, "tsv",
                fmt::format("{}: no column '{}' for {}: there are {}", path_, wanted, option, listed()));
  }

  std::string listed() const {
    std::string all;
    for (std::size_t c = 0; c < names_.size(); ++c) {
      all += fmt::format("{}{} ('{}')", c == 0 ? "" : ", ", c + 1, clipped_utf8(names_[c], 30));
    }
    return all;
  }

  /// Whether no field of the first row is again in its column.
  bool all_alone() const {
    std::vector<std::string> names;
    for (const std::string& name : names_) names.push_back(lower_case(name));
    bool alone = true, first = true;
    rows_.for_each_row(path_, [&](const TextRows& row) {
      for (std::size_t c = 0; c < names.size() && alone && !first; ++c) {
        const std::string_view field = trimmed_text(row.fields()[c]);
        alone = field.size() != names[c].size() || lower_case(field) != names[c];
      }
      first = false;
    });
    return alone;
  }

  bool by_names() const {
    const bool usual = std::any_of(names_.begin(), names_.end(), [](std::string_view name) {
      return is_one_of(name, kLabelNames) || is_one_of(name, kTextNames);
    });
    return usual && rows_.rows >= 2 && all_alone();
  }

  /// The one column but `other` with a usual name; nothing without one.
  template <std::size_t N>
  std::optional<std::size_t> only(const std::string_view (&usual)[N], const char* option,
                                  std::optional<std::size_t> other) const {
    std::optional<std::size_t> found;
    for (std::size_t c = 0; c < names_.size(); ++c) {
      if (c == other || !is_one_of(names_[c], usual)) continue;
      if (found) {
        throw Error(Fault::data, "tsv",
                    fmt::format("{}: both '{}' and '{}' may be meant: say {} NAME", path_, names_[*found],
                                names_[c], option));
      }
      found = c;
    }
    return found;
  }

  /// A column's keys, sorted, without those of the first `from` rows.
  std::vector<std::uint64_t> sorted_keys(std::size_t column, std::uint64_t from) const {
    std::vector<std::uint64_t> keys;
    keys.reserve(rows_.rows);
    rows_.for_each_row(path_, [&](const TextRows& row) { keys.push_back(key_of(row.fields()[column])); });
    keys.erase(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(from));
    std::sort(keys.begin(), keys.end());
    return keys;
  }
  /// How many different texts a column has.
  std::size_t distinct(std::size_t column, std::uint64_t from) const {
    std::vector<std::uint64_t> keys = sorted_keys(column, from);
    return static_cast<std::size_t>(std::unique(keys.begin(), keys.end()) - keys.begin());
  }

  /// Which of two columns is the label: that with clearly fewer values; where both are alike the first, as
  /// such files are usually written.
  std::size_t by_values() const {
    const std::uint64_t header = header_ ? 1 : 0;
    const std::uint64_t rows = rows_.rows - header;
    const std::size_t first = distinct(0, header);
    const std::size_t second = distinct(1, header);
    if (first <= second || second < 2) return 0;
    if (second * 2 <= first && second * 2 <= rows) return 1;
    throw Error(
        Fault::data, "tsv",
        fmt::format("{}: which column is the label cannot be told ({} different values in the first, {} in "
                    "the second of {} lines): say --label 1 or --label 2",
                    path_, first, second, rows));
  }

  /// A label of the first row alone, where all others are of several rows.
  bool by_first_label(std::size_t label) {
    const std::vector<std::uint64_t> all = sorted_keys(label, 0);
    const std::uint64_t own = key_of(names_[label]);
    std::size_t labels = 0;
    for (auto at = all.begin(); at != all.end(); ++labels) {
      const auto end = std::upper_bound(at, all.end(), *at);
      if ((end - at == 1) != (*at == own)) return false;
      at = end;
    }
    lone_ = labels >= 3;
    return lone_;
  }

  [[noreturn]] void fail_choice() const {
    throw Error(
        Fault::data, "tsv",
        fmt::format("{}: {} columns, which is the label and which the text{}: say --label and --text-column "
                    "with a {}; there are {}",
                    path_, rows_.columns, header_ ? "" : " and no header that names them",
                    header_ ? "name or number" : "number", listed()));
  }

  std::string said(const TextTable& table) const {
    const auto column = [&](std::size_t c) {
      return header_ ? fmt::format("column {} ('{}')", c + 1, clipped_utf8(names_[c], 40))
                     : fmt::format("column {}", c + 1);
    };
    std::string note =
        fmt::format("the label is {}, the text {}; {}", column(table.label), column(table.text),
                    header_ ? fmt::format("line {} is a header", first_line_) : "no header");
    if (lone_) note += " (no other line has its label; --header no: it is data)";
    if (rows_.columns == 2) return note;
    note += "; left out:";
    for (std::size_t c = 0; c < rows_.columns; ++c) {
      if (c != table.label && c != table.text) note += " " + column(c);
    }
    return note;
  }

  const TextLayout& rows_;
  std::vector<std::string> names_;
  Index first_line_;
  const std::string& path_;
  const DataOptions& options_;
  bool by_option_ = false;
  bool header_ = false;
  bool lone_ = false;
};

/// Texts alone, one a line.
void take_texts(std::string_view first, const DataOptions& options, TextTable& table) {
  table.text = 0;
  table.header = options.header == "yes" || (options.header != "no" && is_one_of(first, kTextNames));
  table.notes.push_back(
      fmt::format("lines of text without label{}", table.header ? "; the first is a header" : ""));
}

}  // namespace

TextTable survey_text_table(const TableText& text, const std::string& path, char separator,
                            const DataOptions& options) {
  TextTable table;
  table.layout = survey_text_rows(utf8_table_text(text, "tsv", path), separator, path);
  const TextLayout& layout = table.layout;
  if (layout.rows == 0) throw Error(Fault::data, "tsv", fmt::format("{}: holds no lines", path));
  TextRows rows(layout.text, separator, layout.quotes, path);
  rows.next();
  const Index first_line = rows.line();
  std::vector<std::string> first;
  for (const std::string_view field : rows.fields()) first.emplace_back(trimmed_text(field));

  const bool texts_alone = layout.columns == 1;
  if (texts_alone && !options.unlabelled) {
    fail_at_line(path, first_line,
                 separator == '\t' ? "a line without tab: want label TAB text"
                                   : fmt::format("one column: want label{}text", separator));
  }
  if (texts_alone) {
    take_texts(first[0], options, table);
  } else {
    TextColumnChooser(layout, std::move(first), first_line, path, options).choose(table);
  }
  if (layout.merged_line > 0) {
    if (table.text != 1)
      fail_at_line(path, layout.merged_line, "more than two columns, the first line has 2");
    table.notes.push_back(fmt::format("what follows a second {} is text too, first in line {}",
                                      separator == '\t' ? "tab" : fmt::format("'{}'", separator),
                                      layout.merged_line));
  }
  if (layout.literal) table.notes.emplace_back("quotes are text: not all that begin a field end one");
  if (layout.quoted) table.notes.emplace_back("quotes around fields are taken off");
  return table;
}

void read_text_table(TextTable& table, const std::string& path,
                     const std::function<void(const TextRow&)>& take) {
  const bool labelled = table.layout.columns > 1;
  Index without = 0, first_without = 0, taken = 0;
  bool header = table.header;
  table.layout.for_each_row(path, [&](const TextRows& row) {
    if (std::exchange(header, false)) return;
    const std::string_view text = row.fields()[table.text];
    if (trimmed_text(text).empty()) {
      if (without++ == 0) first_without = row.line();
      return;
    }
    const std::string_view label = labelled ? trimmed_text(row.fields()[table.label]) : std::string_view();
    if (label.empty() && labelled) fail_at_line(path, row.line(), "a line without label");
    take({label, text, row.line(), row.place()});
    ++taken;
  });
  if (taken == 0) throw Error(Fault::data, "tsv", fmt::format("{}: holds no texts", path));
  if (without > 0) {
    table.notes.push_back(fmt::format("{} of {} lines have no text and are left out, the first is line {}",
                                      without, taken + without, first_without));
  }
}

bool names_texts(std::string_view beginning, char separator) {
  if (beginning.starts_with("\xef\xbb\xbf")) beginning.remove_prefix(3);
  const std::size_t first = beginning.find('\n');
  if (first == std::string_view::npos) return false;
  const std::size_t second = std::min(beginning.find('\n', first + 1), beginning.size());
  std::vector<std::vector<std::string>> rows;
  try {
    survey_text_rows(beginning.substr(0, second), separator, {}).for_each_row({}, [&](const TextRows& row) {
      rows.emplace_back(row.fields().begin(), row.fields().end());
    });
  } catch (const Error&) {
    return false;  // rows of numbers differ as well; their reader says how
  }
  bool label = false;
  bool text = false;
  for (std::size_t c = 0; !rows.empty() && c < rows[0].size(); ++c) {
    label = label || is_one_of(rows[0][c], kLabelNames);
    if (!is_one_of(rows[0][c], kTextNames)) continue;
    const std::string_view value = rows.size() > 1 ? trimmed_text(rows[1][c]) : "";
    text = text || value.find_first_not_of("0123456789.,+-eE") != std::string_view::npos;
  }
  return label && text;
}

}  // namespace firn
