// Lines of a label and a text, as files hold them: which column is which, header or not, quotes or not.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/options.h"
#include "engine/base/real.h"

namespace firn {

struct TextTable {
  std::vector<std::string> labels;  ///< without spaces around them; all empty where there is no label column
  std::vector<std::string> texts;   ///< none empty
  std::vector<Index> lines;         ///< counted from 1, where each begins
  std::vector<std::string> notes;   ///< what was taken for what, and what was left out
  bool header = false;
  std::string label_name, text_name;  ///< of the header, else empty
  std::size_t label = 0, text = 1;    ///< the columns
};

/// Rows of fields parted by `separator`; lines end in "\n" or "\r\n", a byte order mark and empty lines are
/// passed over. Fields in double quotes ("" is one quote) may hold separators and line ends where all fields
/// that begin with a quote end with one; else quotes are text like all else. Where the first row has two
/// fields, all behind the first separator of a row is its second.
///
/// The first row is a header with `options.header` "yes", where --label or --text-column name one of its
/// fields, where a field of it has a usual name ("label", "text", ...) that is in no other row of the column,
/// and where its label is in no other row while all other labels are in several. Which columns are label and
/// text is said by `options.label` and `options.text_column`, else by usual names of the header; of two
/// columns the first is the label unless the second has clearly fewer values. Rows without text are counted
/// and left out. With `options.unlabelled` one column of texts is enough.
///
/// Throws Error(data) with path and line for anything else: what is not UTF-8, rows of other lengths, a text
/// without label, columns that cannot be told (with what to say).
TextTable parse_text_table(std::span<const std::byte> bytes, const std::string& path, char separator,
                           const DataOptions& options);

/// Whether the first row of a table, which begins so, names one column as label and another as text, and that
/// of the second row holds no number: `label,text`.
bool names_texts(std::string_view beginning, char separator);

}  // namespace firn
