#include "data/text_table.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "data/files.h"
#include "data/text_rows.h"
#include "engine/base/bytes.h"
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

using Counts = std::unordered_map<std::string_view, std::size_t>;

class Chooser {
 public:
  Chooser(const TextRows& rows, const std::string& path, const DataOptions& options)
      : rows_(rows), path_(path), options_(options) {
    for (std::size_t c = 0; c < rows.columns; ++c) names_.push_back(trimmed_text(rows.at(0, c)));
  }

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

  /// Whether the first row's field is nowhere else in its column.
  bool alone(std::size_t column) const {
    const std::string name = lower_case(names_[column]);
    for (std::size_t r = 1; r < rows_.size(); ++r) {
      const std::string_view field = trimmed_text(rows_.at(r, column));
      if (field.size() == name.size() && lower_case(field) == name) return false;
    }
    return true;
  }

  bool by_names() const {
    if (rows_.size() < 2) return false;
    const bool usual = std::any_of(names_.begin(), names_.end(), [](std::string_view name) {
      return is_one_of(name, kLabelNames) || is_one_of(name, kTextNames);
    });
    for (std::size_t c = 0; usual && c < names_.size(); ++c) {
      if (!alone(c)) return false;
    }
    return usual;
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

  std::size_t first_row() const { return header_ ? 1 : 0; }

  Counts counts(std::size_t column, std::size_t from) const {
    Counts counts;
    for (std::size_t r = from; r < rows_.size(); ++r) ++counts[trimmed_text(rows_.at(r, column))];
    return counts;
  }

  /// Which of two columns is the label: that with clearly fewer values; where both are alike the first, as
  /// such files are usually written.
  std::size_t by_values() const {
    const std::size_t rows = rows_.size() - first_row();
    const std::size_t first = counts(0, first_row()).size();
    const std::size_t second = counts(1, first_row()).size();
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
    const Counts all = counts(label, 0);
    if (all.size() < 3 || all.at(names_[label]) != 1) return false;
    const bool others = std::all_of(all.begin(), all.end(),
                                    [&](const auto& c) { return c.first == names_[label] || c.second > 1; });
    lone_ = others;
    return others;
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
                    header_ ? fmt::format("line {} is a header", rows_.lines[0]) : "no header");
    if (lone_) note += " (no other line has its label; --header no: it is data)";
    if (rows_.columns == 2) return note;
    note += "; left out:";
    for (std::size_t c = 0; c < rows_.columns; ++c) {
      if (c != table.label && c != table.text) note += " " + column(c);
    }
    return note;
  }

  const TextRows& rows_;
  const std::string& path_;
  const DataOptions& options_;
  std::vector<std::string_view> names_;
  bool by_option_ = false;
  bool header_ = false;
  bool lone_ = false;
};

/// Texts alone, one a line.
void take_texts(const TextRows& rows, const DataOptions& options, TextTable& table) {
  const std::string_view first = trimmed_text(rows.at(0, 0));
  table.text = 0;
  table.header = options.header == "yes" || (options.header != "no" && is_one_of(first, kTextNames));
  table.notes.push_back(
      fmt::format("lines of text without label{}", table.header ? "; the first is a header" : ""));
}

}  // namespace

TextTable parse_text_table(std::span<const std::byte> bytes, const std::string& path, char separator,
                           const DataOptions& options) {
  std::string_view text = as_text(bytes);
  require_utf8(text, "tsv", path);
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  const TextRows rows = split_text_rows(text, separator, path);
  if (rows.size() == 0) throw Error(Fault::data, "tsv", fmt::format("{}: holds no lines", path));

  TextTable table;
  const bool texts_alone = rows.columns == 1;
  if (texts_alone && !options.unlabelled) {
    fail_at_line(path, rows.lines[0],
                 separator == '\t' ? "a line without tab: want label TAB text"
                                   : fmt::format("one column: want label{}text", separator));
  }
  if (texts_alone) {
    take_texts(rows, options, table);
  } else {
    Chooser(rows, path, options).choose(table);
  }
  if (rows.merged >= 0) {
    const Index line = rows.lines[static_cast<std::size_t>(rows.merged)];
    if (table.text != 1) fail_at_line(path, line, "more than two columns, the first line has 2");
    table.notes.push_back(fmt::format("what follows a second {} is text too, first in line {}",
                                      separator == '\t' ? "tab" : fmt::format("'{}'", separator), line));
  }
  if (rows.literal) table.notes.emplace_back("quotes are text: not all that begin a field end one");
  if (rows.quoted) table.notes.emplace_back("quotes around fields are taken off");

  Index without = 0;
  Index first_without = 0;
  for (std::size_t r = table.header ? 1 : 0; r < rows.size(); ++r) {
    if (trimmed_text(rows.at(r, table.text)).empty()) {
      if (without++ == 0) first_without = rows.lines[r];
      continue;
    }
    const std::string_view label = texts_alone ? std::string_view() : trimmed_text(rows.at(r, table.label));
    if (label.empty() && !texts_alone) fail_at_line(path, rows.lines[r], "a line without label");
    table.labels.emplace_back(label);
    table.texts.emplace_back(rows.at(r, table.text));
    table.lines.push_back(rows.lines[r]);
  }
  if (table.texts.empty()) throw Error(Fault::data, "tsv", fmt::format("{}: holds no texts", path));
  if (without > 0) {
    table.notes.push_back(fmt::format("{} of {} lines have no text and are left out, the first is line {}",
                                      without, static_cast<Index>(table.texts.size()) + without,
                                      first_without));
  }
  return table;
}

bool names_texts(std::string_view beginning, char separator) {
  if (beginning.starts_with("\xef\xbb\xbf")) beginning.remove_prefix(3);
  const std::size_t first = beginning.find('\n');
  if (first == std::string_view::npos) return false;
  const std::size_t second = std::min(beginning.find('\n', first + 1), beginning.size());
  TextRows rows;
  try {
    rows = split_text_rows(beginning.substr(0, second), separator, {});
  } catch (const Error&) {
    return false;  // rows of numbers differ as well; their reader says how
  }
  bool label = false;
  bool text = false;
  for (std::size_t c = 0; rows.size() > 0 && c < rows.columns; ++c) {
    label = label || is_one_of(rows.at(0, c), kLabelNames);
    if (!is_one_of(rows.at(0, c), kTextNames)) continue;
    const std::string_view value = rows.size() > 1 ? trimmed_text(rows.at(1, c)) : "";
    text = text || value.find_first_not_of("0123456789.,+-eE") != std::string_view::npos;
  }
  return label && text;
}

}  // namespace firn
