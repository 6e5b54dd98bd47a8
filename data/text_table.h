// Lines of a label and a text, as files hold them: which column is which, header or not, quotes or not.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "data/options.h"
#include "data/text_rows.h"
#include "engine/base/real.h"

namespace firn {

struct TextTable {
  std::vector<std::string> notes;  ///< what was taken for what, and what was left out
  bool header = false;
  std::string label_name, text_name;  ///< of the header, else empty
  std::size_t label = 0, text = 1;    ///< the columns
  TextLayout layout;                  ///< of its rows, the header's among them
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
/// columns the first is the label unless the second has clearly fewer values. With `options.unlabelled` one
/// column of texts is enough.
///
/// Throws Error(data) with path and line for anything else: what is not UTF-8, rows of other lengths,
/// columns that cannot be told (with what to say). `text` is looked at, and not kept.
TextTable survey_text_table(const TableText& text, const std::string& path, char separator,
                            const DataOptions& options);

/// A row of a table: its label without spaces around it, empty where there is no label column; its text,
/// which is not empty; the line in which it begins, counted from 1; and the bytes of the table up to its end.
struct TextRow {
  std::string_view label, text;
  Index line;
  std::uint64_t place;
};
/// Gives the rows to `take` in their order. Those without text are left out, and counted in the notes. Throws
/// Error(data) on a text without label and where there is no text, and what `take` throws.
void read_text_table(TextTable& table, const std::string& path,
                     const std::function<void(const TextRow&)>& take);

/// Whether the first row of a table, which begins so, names one column as label and another as text, and that
/// of the second row holds no number: `label,text`.
bool names_texts(std::string_view beginning, char separator);

}  // namespace firn
