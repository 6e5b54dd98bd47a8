// The rows and fields of a table of texts.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "data/table_text.h"
#include "engine/base/real.h"

namespace firn {

/// Reads rows from front to back, of a file no more than it takes at a time. See `survey_text_table`.
class TextRows {
 public:
  /// What `text` refers to and `path` must outlive it. `quotes`: fields may stand in them.
  TextRows(TableText text, char separator, bool quotes, const std::string& path);

  /// Goes to the next row; false at the end and where quotes are none. Throws Error(data) on a row of another
  /// length than the first.
  bool next();
  /// What looked like quotes was none: the text has to be read without.
  bool broken() const { return broken_; }
  /// Of this row; good until `next`.
  const std::vector<std::string_view>& fields() const { return fields_; }
  std::size_t columns() const { return columns_; }
  /// Where this row begins, counted from 1.
  Index line() const { return line_; }
  /// Bytes of the text up to this row's end.
  std::uint64_t place() const { return size_ - window_.text().size() + at_; }

  /// The line of the first row whose second field holds separators; 0: none.
  Index merged_line() const { return merged_line_; }
  bool quoted() const { return quoted_; }    ///< some fields stood in quotes
  bool literal() const { return literal_; }  ///< quotes begin some fields and are text

 private:
  enum class Found { row, nothing, cut, broken };
  Found read_row();
  Found plain_field(bool& more);
  Found quoted_field(bool& more);
  Found quote_goes_on(std::size_t begin) const;
  bool begins_with_quote() const { return at_ < text_.size() && text_[at_] == '"'; }
  void take_rest();
  bool take_empty_line();

  TableWindow window_;
  std::string_view text_;  ///< the window's
  std::uint64_t size_;
  char separator_;
  bool quotes_;
  const std::string& path_;
  std::size_t at_ = 0, columns_ = 0;
  Index line_ = 0, next_line_ = 1, merged_line_ = 0;
  bool quoted_ = false, literal_ = false, broken_ = false;
  std::vector<std::string_view> fields_;
  std::deque<std::string> unquoted_;  ///< fields of this row that had quotes in them
};

/// How the rows of a text are to be read, and what there is of them.
struct TextLayout {
  TableText text;
  char separator = '\t';
  bool quotes = false;  ///< fields may stand in them
  std::size_t columns = 0;
  std::uint64_t rows = 0;
  Index merged_line = 0;  ///< as those of `TextRows`
  bool quoted = false, literal = false;

  /// see(rows) of each row. Throws Error(data) where the text has changed since it was surveyed.
  template <class See>
  void for_each_row(const std::string& path, See see) const {
    TextRows all(text, separator, quotes, path);
    while (all.next()) {
      if (all.columns() != columns) fail_changed(path);
      see(all);
    }
    if (all.broken()) fail_changed(path);
  }

 private:
  [[noreturn]] static void fail_changed(const std::string& path);
};
/// Looks at all rows. Throws Error(data) on rows of other lengths than the first.
TextLayout survey_text_rows(const TableText& text, char separator, const std::string& path);

std::string_view trimmed_text(std::string_view text);

/// Error(data) "[tsv] path, line N: what".
[[noreturn]] void fail_at_line(const std::string& path, Index line, std::string_view what);

}  // namespace firn
