#include "data/csv_survey.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <set>

#include "data/csv_rows.h"
#include "data/decimal.h"
#include "data/files.h"
#include "engine/base/error.h"

namespace firn {

namespace {

constexpr std::string_view kSeparators = ",;\t|";
constexpr int kTrialRows = 50;

using Fields = std::vector<std::string>;

/// A field as a number; a comma may stand for the point where it parts no fields.
Decimal read_field(std::string_view field, char separator, float& value) {
  const Decimal read = read_decimal(field, value);
  return read == Decimal::none && separator != ',' ? read_decimal(field, value, ',') : read;
}

void add(CsvColumn& column, std::string_view field, char separator, std::uint64_t line) {
  if (is_missing(field)) {
    ++column.missing;
    column.counting = false;
    return;
  }
  float value = 0;
  const Decimal read = read_field(field, separator, value);
  if (read == Decimal::none) {
    if (column.texts++ == 0) {
      column.text = field.substr(0, 60);
      column.text_line = line;
    }
    column.distinct.add_text(field);
    column.counting = false;
    return;
  }
  if (read == Decimal::infinite) value = std::copysign(HUGE_VALF, field.starts_with('-') ? -1.0f : 1.0f);
  column.commas = column.commas || field.find(',') != std::string_view::npos;
  column.dots = column.dots || field.find('.') != std::string_view::npos;
  const bool whole = std::floor(value) == value && !std::isinf(value);
  column.whole = column.whole && whole;
  column.bytes = column.bytes && whole && value >= 0 && value <= 255;
  column.distinct.add_number(value);
  if (column.numbers++ == 0) {
    column.first = value;
  } else if (value != column.last + 1) {
    column.counting = false;
  }
  column.last = value;
}

/// Puts the first row, which turned out to be no header, before all others.
void add_first(CsvSurvey& survey, const Fields& first, std::uint64_t line) {
  for (std::size_t c = 0; c < first.size(); ++c) {
    CsvColumn& column = survey.columns[c];
    const CsvColumn rest = column;
    add(column, first[c], survey.separator, line);
    if (rest.filled() == 0) continue;
    float value = 0;
    const bool before =
        read_field(first[c], survey.separator, value) != Decimal::none && value + 1 == rest.first;
    column.counting = rest.counting && before;
    column.first = value;
    column.last = rest.last;
    if (column.texts > rest.texts) {
      column.text = first[c].substr(0, 60);
      column.text_line = line;
    }
  }
  ++survey.rows;
}

/// How well a separator fits the first rows: whether all have as many fields, which share of them are
/// numbers, how many there are.
struct Fit {
  bool even = false;
  double numbers = 0;
  std::size_t fields = 0;
  auto operator<=>(const Fit&) const = default;
};

Fit fit_of(const TableText& text, char separator, const std::string& path, std::uint64_t first_line) {
  Fit fit;
  fit.even = true;
  std::size_t all = 0;
  std::size_t numbers = 0;
  try {
    CsvRows rows(text, separator, path, first_line);
    for (int row = 0; row < kTrialRows && rows.next(); ++row) {
      const auto& fields = rows.fields();
      // The header may lack a name.
      if (row < 2) fit.fields = std::max(fit.fields, fields.size());
      fit.even = fit.even && (row == 0 || fields.size() == fit.fields);
      all += fields.size();
      float value = 0;
      for (const std::string_view field : fields)
        numbers += read_field(field, separator, value) != Decimal::none;
    }
  } catch (const Error&) {
    fit.even = false;  // its quotes do not fit; the text is read again with the separator that is chosen
  }
  if (fit.fields < 2) return {};
  fit.numbers = static_cast<double>(numbers) / static_cast<double>(all);
  return fit;
}

/// The separator that fits the first rows best.
char separator_of(const TableText& text, const std::string& path, std::uint64_t first_line) {
  Fit best;
  char found = kSeparators[0];
  for (const char separator : kSeparators) {
    const Fit fit = fit_of(text, separator, path, first_line);
    if (fit > best) {
      best = fit;
      found = separator;
    }
  }
  return found;
}

/// each(line with its end) of the lines at the top that begin with '#'.
void for_each_comment(const TableText& text, const auto& each) {
  TableWindow window(text);
  for (std::size_t at = 0;;) {
    const std::string_view rest = window.view().substr(at);
    if (!rest.empty() && rest[0] != '#') return;
    const std::size_t end = rest.find_first_of("\r\n");
    const bool cut = end == std::string_view::npos || end + 1 == rest.size();
    if (cut && !window.ends()) {
      window.pass(at);
      at = 0;
      continue;
    }
    if (end == std::string_view::npos) return;
    const bool two = rest.substr(end, 2) == "\r\n";
    const std::string_view line = rest.substr(0, end + (two ? 2 : 1));
    each(line);
    at += line.size();
  }
}

/// The bytes to the end of the first '\n'; those of `least` where there is none.
std::uint64_t line_bytes(const TableText& text, std::uint64_t least) {
  std::uint64_t passed = 0;
  for (TableWindow window(text);; window.pass(window.view().size())) {
    const std::size_t end = window.view().find('\n');
    if (end != std::string_view::npos) return passed + end + 1;
    if (window.ends()) return least;
    passed += window.view().size();
  }
}

/// The fields of the first row; 0 where there is none.
std::size_t fields_of(const TableText& text, char separator, const std::string& path) {
  try {
    CsvRows rows(text, separator, path, 1);
    return rows.next() ? rows.fields().size() : 0;
  } catch (const Error&) {
    return 0;
  }
}

/// Takes off the comments at the top. A header may begin with '#', and so may rows.
void skip_comments(CsvSurvey& survey, TableText& text, const std::string& path) {
  struct Lines {
    std::uint64_t count = 0, bytes = 0;
  };
  Lines all, skipped;
  const auto add = [](Lines& lines, std::string_view line) {
    ++lines.count;
    lines.bytes += line.size();
  };
  for_each_comment(text, [&](std::string_view line) { add(all, line); });
  const TableText rest = text.behind(all.bytes);
  const char separator = separator_of(rest, path, 1);
  const std::size_t wanted = fields_of(rest, separator, path);
  if (wanted == 0) return;
  // To the last one that could be no row.
  all = {};
  for_each_comment(text, [&](std::string_view line) {
    add(all, line);
    if (fields_of(line, separator, path) != wanted) skipped = all;
  });
  text = text.behind(skipped.bytes);
  survey.comments = skipped.count;
  survey.first_line += skipped.count;
}

/// Whether the names are 0, 1, 2, ..., with an empty one before them or not, above rows that do not go on so.
bool counts_from_zero(const Fields& first, const std::vector<CsvColumn>& columns) {
  const std::size_t begin = first[0].empty() ? 1 : 0;
  if (begin == 0 && first.size() < 4) return false;
  bool goes_on = true;
  for (std::size_t c = begin; c < first.size(); ++c) {
    if (first[c] != std::to_string(c - begin)) return false;
    goes_on = goes_on && columns[c].first == static_cast<float>(first.size() + c - 2 * begin);
  }
  return !goes_on;
}

bool is_header(const CsvRows& rows, const Fields& first, const std::vector<CsvColumn>& columns,
               std::uint64_t line) {
  std::size_t names = 0;    // above numbers
  std::size_t numbers = 0;  // above numbers
  bool label = false;
  std::size_t culprit = 0;
  for (std::size_t c = 0; c < first.size(); ++c) {
    float value = 0;
    const bool text = read_field(first[c], rows.separator(), value) == Decimal::none && !is_missing(first[c]);
    const bool known = is_label_name(first[c]);
    if (columns[c].filled() == 0 || !columns[c].numeric()) {
      // One letter may well be a class.
      label = label || (known && first[c].size() > 1 && columns[c].text != first[c]);
      continue;
    }
    label = label || known;
    if (text && names++ == 0) culprit = c;
    numbers += !text && !is_missing(first[c]);
  }
  if (columns[0].filled() > 0 && counts_from_zero(first, columns)) return true;
  if (names == 0) return label;
  if (label || names >= numbers) return true;
  rows.fail_at(line,
               fmt::format("'{:.40}' in column {} is no number: this row is neither names of columns nor "
                           "numbers",
                           first[culprit], culprit + 1));
}

/// A table with no row but the first: a header where nothing in it is a number.
bool is_lone_header(const Fields& first, char separator) {
  float value = 0;
  return std::all_of(first.begin(), first.end(), [&](const std::string& field) {
    return read_field(field, separator, value) == Decimal::none;
  });
}

void take_names(CsvSurvey& survey, Fields first) {
  if (survey.names_shifted) first.insert(first.begin(), "");
  if (first[0].starts_with('#'))
    first[0] = first[0].substr(std::min(first[0].find_first_not_of("# "), first[0].size()));
  std::set<std::string> seen;
  for (std::size_t c = 0; c < first.size(); ++c) {
    std::string name = first[c];
    for (int again = 1; !name.empty() && !seen.insert(name).second; ++again) {
      name = fmt::format("{}.{}", first[c], again);
    }
    survey.columns[c].name = name;
  }
}

}  // namespace

void Distinct::add_number(float value) {
  if (value >= 0 && value <= 255 && std::floor(value) == value) {
    bytes_.set(static_cast<std::size_t>(value));
    return;
  }
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  add(bits);
}

void Distinct::add_text(std::string_view text) {
  add(std::hash<std::string_view>()(text) | std::uint64_t{1} << 63);
}

void Distinct::add(std::uint64_t key) {
  if (full_) return;
  const auto at = std::lower_bound(others_.begin(), others_.end(), key);
  if (at != others_.end() && *at == key) return;
  others_.insert(at, key);
  full_ = others_.size() >= kMost;
}

std::string CsvSurvey::name_of(std::size_t column) const {
  const std::string& name = columns[column].name;
  return name.empty() ? fmt::format("column {}", column + 1) : fmt::format("column '{:.60}'", name);
}

CsvSurvey survey_csv(TableText text, const std::string& path, std::string_view header) {
  CsvSurvey survey;
  const std::string begin(TableWindow(text).at_least(6).substr(0, 6));
  // Spreadsheets write a line of their own before the table.
  const bool told =
      lower_case(begin.substr(0, 4)) == "sep=" && begin.size() > 5 && (begin[5] == '\r' || begin[5] == '\n');
  if (told) {
    survey.separator = begin[4];
    text = text.behind(line_bytes(text, begin.size()));
    survey.first_line = 2;
  } else {
    skip_comments(survey, text, path);
    survey.separator = separator_of(text, path, survey.first_line);
  }
  survey.text = text;
  CsvRows rows(text, survey.separator, path, survey.first_line);
  if (!rows.next()) rows.fail("holds no rows");
  const Fields first(rows.fields().begin(), rows.fields().end());
  const std::uint64_t line = rows.line();
  survey.columns.resize(first.size());
  while (rows.next()) {
    const auto& fields = rows.fields();
    if (survey.rows == 0 && fields.size() == first.size() + 1 && is_lone_header(first, survey.separator)) {
      survey.names_shifted = true;
      survey.columns.resize(fields.size());
    }
    if (fields.size() != survey.columns.size()) {
      const bool comment = fields[0].starts_with('#'), first_is = first[0].starts_with('#');
      rows.fail(fmt::format(
          "{} fields, the rows before have {}{}", fields.size(), survey.columns.size(),
          comment || first_is ? fmt::format("; {} begins with '#': comment lines are left out at the top of "
                                            "a table alone, take the others out (grep -v '^#')",
                                            comment ? "it" : fmt::format("line {}", line))
                              : ""));
    }
    for (std::size_t c = 0; c < fields.size(); ++c)
      add(survey.columns[c], fields[c], survey.separator, rows.line());
    ++survey.rows;
  }
  if (survey.columns.size() < 2) {
    rows.fail_at(line, "one column: want numbers and a label, parted by commas, semicolons, tabs or |");
  }
  if (survey.rows == 0) {
    if (is_lone_header(first, survey.separator))
      rows.fail_at(line, "holds no rows below the names of its columns");
  } else if (survey.names_shifted || !header.empty()) {
    survey.header = survey.names_shifted || header == "yes";
  } else {
    survey.header = is_header(rows, first, survey.columns, line);
  }
  if (survey.header) {
    survey.header_line = line;
    if (survey.names_shifted && survey.columns.back().filled() == 0) {
      // Every row ends with a separator, the header does not.
      survey.names_shifted = false;
      Fields names = first;
      names.emplace_back();
      take_names(survey, std::move(names));
    } else {
      take_names(survey, first);
    }
  } else {
    add_first(survey, first, line);
  }
  const auto any = [&](bool CsvColumn::*what) {
    return std::any_of(survey.columns.begin(), survey.columns.end(),
                       [&](const CsvColumn& c) { return c.*what; });
  };
  if (survey.separator != ',' && any(&CsvColumn::commas)) survey.point = ',';
  return survey;
}

bool is_missing(std::string_view field) {
  constexpr std::array<std::string_view, 12> kMarks = {"na", "n/a", "nan", "#n/a", "null", "none",
                                                       "?",  "-",   ".",   "<na>", "-nan", "#na"};
  if (field.empty()) return true;
  if (field.size() > 4 || (field[0] >= '0' && field[0] <= '9')) return false;
  if (field[0] == '-' && field.size() > 1 && field[1] != 'n' && field[1] != 'N') return false;
  return std::find(kMarks.begin(), kMarks.end(), lower_case(field)) != kMarks.end();
}

bool is_label_name(std::string_view name) {
  constexpr std::array<std::string_view, 16> kNames = {
      "label",    "labels",  "class",     "classes", "target",      "targets",  "species",  "y",
      "category", "outcome", "diagnosis", "variety", "class_label", "class_id", "label_id", "class_name"};
  return std::find(kNames.begin(), kNames.end(), lower_case(name)) != kNames.end();
}

}  // namespace firn
