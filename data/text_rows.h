// The rows and fields of a table of texts.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/real.h"

namespace firn {

/// Fields point into the text that was split, or into `owned`.
struct TextRows {
  std::size_t columns = 0;
  std::vector<std::string_view> fields;  ///< row after row, `columns` each
  std::vector<Index> lines;              ///< where each row begins, counted from 1
  std::deque<std::string> owned;         ///< quoted fields that had quotes in them
  Index merged = -1;                     ///< first row whose second field holds separators
  bool quoted = false;                   ///< some fields stood in quotes
  bool literal = false;                  ///< quotes begin some fields and are text

  std::size_t size() const { return lines.size(); }
  std::string_view at(std::size_t row, std::size_t column) const { return fields[row * columns + column]; }
};

/// See `parse_text_table`. Throws Error(data) on rows of other lengths than the first.
TextRows split_text_rows(std::string_view text, char separator, const std::string& path);

std::string_view trimmed_text(std::string_view text);

/// Error(data) "[tsv] path, line N: what".
[[noreturn]] void fail_at_line(const std::string& path, Index line, std::string_view what);

}  // namespace firn
