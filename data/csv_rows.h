// The rows of a text of fields parted by one character (RFC 4180).
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "data/table_text.h"

namespace firn {

/// Reads rows from front to back, without copying them, and of a file no more than it takes at a time. A row
/// ends with "\n", "\r\n" or "\r". Fields may stand in double quotes: then they may hold the separator and
/// ends of lines, and "" is one quote. Spaces around fields are no part of them. Rows whose fields are all
/// empty are passed over.
class CsvRows {
 public:
  /// What `text` refers to and `path` must outlive it; `first_line` is the number of the text's first line.
  CsvRows(TableText text, char separator, const std::string& path, std::uint64_t first_line = 1)
      : window_(std::move(text)),
        text_(window_.view()),
        separator_(separator),
        path_(path),
        next_line_(first_line) {}

  /// Goes to the next row; false at the end. Throws Error(data) with the line where quotes are not as said.
  bool next();
  /// Of this row; valid until `next`.
  const std::vector<std::string_view>& fields() const { return fields_; }
  /// The line in which this row begins.
  std::uint64_t line() const { return line_; }
  char separator() const { return separator_; }

  /// Throws Error(data): "[csv] PATH, line N: what".
  [[noreturn]] void fail(std::string_view what) const { fail_at(line_, what); }
  [[noreturn]] void fail_at(std::uint64_t line, std::string_view what) const;

 private:
  void read_row();
  void look_further(std::size_t row, std::uint64_t line);
  std::string_view plain_field();
  std::string_view quoted_field();
  bool at_line_end() const { return at_ >= text_.size() || text_[at_] == '\n' || text_[at_] == '\r'; }
  bool is_space(char c) const { return c == ' ' || (c == '\t' && separator_ != '\t'); }

  TableWindow window_;
  std::string_view text_;  ///< the window's
  char separator_;
  const std::string& path_;
  std::size_t at_ = 0;
  std::uint64_t line_ = 0, next_line_;
  std::vector<std::string_view> fields_;
  std::deque<std::string> unquoted_;  ///< fields of this row that had quotes in them
};

}  // namespace firn
