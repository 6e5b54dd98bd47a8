// What each column of a table is taken for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/csv_survey.h"
#include "data/options.h"

namespace firn {

struct CsvColumns {
  std::vector<std::size_t> features;  ///< places in the table, in the order in which they are read
  std::optional<std::size_t> label;   ///< none: the table has no labels
  /// Of regression and labels the columns of numbers that are asked for, in place of `label`.
  std::vector<std::size_t> targets = {};
  std::optional<std::size_t> group;   ///< the column whose values say which rows stay together
  std::string why;                    ///< what made it the label: "by its name"
  std::vector<std::string> left_out;  ///< "column 'id' (counts the rows)"
  std::vector<std::string> notes;     ///< what else the reader should be told
};

/// Chooses for a table that stands alone.
///
/// Left out are the columns of `options.drop`, the one by which `options.split` groups, empty ones, and an
/// index: a column that is called `id`, `index` or nothing and whose values count the rows or are all
/// different; without a header a first column that counts at least ten rows from 0 or 1.
///
/// The label is the column of `options.label`; else the one whose name says so (`is_label_name`); else the
/// first or last that is not numbers, where only one is; else the one among first and last that holds classes
/// (whole numbers of which at most 100 differ), where the other holds none, or where it has less than half as
/// many different ones as any other column. All others are features, which must be numbers.
///
/// With `options.task` regression or labels `options.label` names the targets, one or several with commas;
/// one of texts is the label. Nothing is told by shape then.
///
/// With `options.features` those are the features, found by name, and the label is `options.label` or
/// `options.trained_label` or one that is left over. Throws Error(data) where this does not tell, with the
/// option that does.
CsvColumns choose_columns(const CsvSurvey& table, const DataOptions& options, const std::string& path);

/// Finds in `table` the columns that `chosen` were in `before`: by name where both have a header, else by
/// place. Throws Error(data) naming features that are missing.
CsvColumns match_columns(const CsvSurvey& table, const CsvSurvey& before, const CsvColumns& chosen,
                         const std::string& path, const std::string& path_before);

}  // namespace firn
