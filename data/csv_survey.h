// What a table holds, column by column, before any of it is kept.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/table_text.h"

namespace firn {

/// Counts different values, up to `kMost`.
class Distinct {
 public:
  static constexpr std::size_t kMost = 256;

  void add_number(float value);
  void add_text(std::string_view text);
  /// `kMost` stands for that many or more.
  std::size_t count() const { return full_ ? kMost : bytes_.count() + others_.size(); }
  bool full() const { return full_; }

 private:
  void add(std::uint64_t key);

  std::bitset<256> bytes_;             ///< the whole numbers from 0 to 255
  std::vector<std::uint64_t> others_;  ///< sorted
  bool full_ = false;
};

struct CsvColumn {
  std::string name;  ///< in the header; empty: none
  std::uint64_t missing = 0, numbers = 0, texts = 0;
  bool whole = true;     ///< all numbers are whole
  bool bytes = true;     ///< and lie in 0 to 255
  bool counting = true;  ///< each number is one more than that of the row before
  bool dots = false, commas = false;
  float first = 0, last = 0;
  Distinct distinct;
  std::string text;  ///< the first field that is no number
  std::uint64_t text_line = 0;

  std::uint64_t filled() const { return numbers + texts; }
  /// Most of its fields are numbers.
  bool numeric() const { return numbers > texts; }
};

struct CsvSurvey {
  char separator = ',';
  char point = '.';
  bool header = false;
  std::uint64_t header_line = 0;
  std::uint64_t first_line = 1;  ///< of the rows' text
  std::uint64_t comments = 0;    ///< lines at the top that begin with '#' and are no row, which are left out
  TableText text;                ///< that holds header and rows
  std::uint64_t rows = 0;        ///< without the header
  bool names_shifted = false;    ///< the header lacks the name of the first column
  std::vector<CsvColumn> columns;

  /// "column 'width'", or "column 3" counted from 1.
  std::string name_of(std::size_t column) const;
};

/// Finds the separator (comma, semicolon, tab or |: the one by which all rows have as many fields, most of
/// them numbers), the decimal point (a comma where the separator is none and numbers have it), and whether
/// the first row is a header: it is where names stand above numbers. A missing value (`is_missing`) is no
/// name. Throws Error(data) with the line for rows of other lengths and for a first row that is neither names
/// nor numbers. Lines at the top that begin with '#' are left out where they have not as many fields as
/// the first other row; one further below is named as what it is. `header`: "yes" and "no" decide that.
CsvSurvey survey_csv(TableText text, const std::string& path, std::string_view header = {});

/// An empty field, NA, N/A, NaN, null, None, ? and the like.
bool is_missing(std::string_view field);

/// Whether a column of this name is the label without being asked for: label, class, target, species, ...
bool is_label_name(std::string_view name);

}  // namespace firn
