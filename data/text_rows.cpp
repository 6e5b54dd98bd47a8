#include "data/text_rows.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/base/error.h"

namespace firn {

namespace {

/// Walks over a text field by field.
class Splitter {
 public:
  Splitter(std::string_view text, char separator, bool quotes, TextRows& rows)
      : text_(text), separator_(separator), quotes_(quotes), rows_(rows) {}

  bool at_end() const { return at_ >= text_.size(); }
  Index line() const { return line_; }
  /// Whether a quoted field went on in the next line and holds a separator too: more likely a stray quote.
  bool suspicious() const { return suspicious_; }

  /// Passes an empty line over.
  bool skip_empty() {
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    if (text_.substr(at_, end - at_).find_first_not_of(" \r") != std::string_view::npos) return false;
    at_ = std::min(end + 1, text_.size());
    ++line_;
    return true;
  }

  /// The next field; `more` says whether another follows in the row. False where a quoted one does not end.
  bool field(std::string_view& value, bool& more) {
    if (quotes_ && at_ < text_.size() && text_[at_] == '"') return quoted_field(value, more);
    rows_.literal = rows_.literal || (at_ < text_.size() && text_[at_] == '"');
    const std::size_t end = std::min(text_.find_first_of(ends(), at_), text_.size());
    value = text_.substr(at_, end - at_);
    more = end < text_.size() && text_[end] == separator_;
    if (!more) {
      ++line_;
      if (value.ends_with('\r')) value.remove_suffix(1);
    }
    at_ = end + 1;
    return true;
  }

  /// All that is left of the line.
  std::string_view rest() {
    rows_.literal = rows_.literal || (at_ < text_.size() && text_[at_] == '"');
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    std::string_view value = text_.substr(at_, end - at_);
    if (value.ends_with('\r')) value.remove_suffix(1);
    ++line_;
    at_ = end + 1;
    return value;
  }

 private:
  std::string_view ends() const {
    return separator_ == '\t' ? std::string_view("\t\n") : separator_ == ';' ? ";\n" : ",\n";
  }

  bool quoted_field(std::string_view& value, bool& more) {
    const std::size_t begin = at_ + 1;
    std::size_t doubled = 0;
    std::size_t end = text_.find('"', begin);
    while (end + 1 < text_.size() && text_[end + 1] == '"') {
      ++doubled;
      end = text_.find('"', end + 2);
    }
    if (end == std::string_view::npos) return false;
    value = text_.substr(begin, end - begin);
    const auto breaks = std::count(value.begin(), value.end(), '\n');
    line_ += breaks;
    suspicious_ = suspicious_ || (breaks > 0 && value.find(separator_) != std::string_view::npos);
    at_ = end + 1;
    if (text_.substr(std::min(at_, text_.size())).starts_with("\r\n")) ++at_;
    if (at_ < text_.size() && text_[at_] != separator_ && text_[at_] != '\n') return false;
    more = at_ < text_.size() && text_[at_] == separator_;
    if (!more) ++line_;
    ++at_;
    rows_.quoted = true;
    if (doubled == 0) return true;
    std::string& own = rows_.owned.emplace_back();
    for (std::size_t i = 0; i < value.size(); ++i) {
      own += value[i];
      if (value[i] == '"') ++i;
    }
    value = own;
    return true;
  }

  std::string_view text_;
  char separator_;
  bool quotes_;
  TextRows& rows_;
  std::size_t at_ = 0;
  Index line_ = 1;
  bool suspicious_ = false;
};

/// False where what looks like quotes is none.
bool split(std::string_view text, char separator, const std::string& path, bool quotes, TextRows& rows) {
  Splitter splitter(text, separator, quotes, rows);
  std::vector<std::string_view> row;
  while (!splitter.at_end()) {
    if (splitter.skip_empty()) continue;
    const Index line = splitter.line();
    row.clear();
    for (bool more = true; more;) {
      if (rows.columns == 2 && row.size() == 1 && !quotes) {
        row.push_back(splitter.rest());
        if (rows.merged < 0 && row[1].find(separator) != std::string_view::npos)
          rows.merged = static_cast<Index>(rows.size());
        break;
      }
      std::string_view value;
      if (!splitter.field(value, more)) return false;
      row.push_back(value);
    }
    if (splitter.suspicious()) return false;
    if (rows.columns == 0) rows.columns = row.size();
    if (row.size() != rows.columns) {
      if (quotes && separator == '\t') return false;  // the literal reading says what is wrong
      fail_at_line(path, line,
                   row.size() == 1 && separator == '\t'
                       ? std::string("a line without tab: want label TAB text")
                       : fmt::format("{} columns, the first line has {}", row.size(), rows.columns));
    }
    rows.fields.insert(rows.fields.end(), row.begin(), row.end());
    rows.lines.push_back(line);
  }
  return true;
}

}  // namespace

void fail_at_line(const std::string& path, Index line, std::string_view what) {
  throw Error(Fault::data, "tsv", fmt::format("{}, line {}: {}", path, line, what));
}

std::string_view trimmed_text(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r\n\v\f";
  const std::size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) + 1 - first);
}

TextRows split_text_rows(std::string_view text, char separator, const std::string& path) {
  TextRows rows;
  if (text.find('"') != std::string_view::npos && split(text, separator, path, true, rows)) return rows;
  rows = {};
  split(text, separator, path, false, rows);
  return rows;
}

}  // namespace firn
