// The script of pages that have controls. It fetches nothing, keeps nothing, and what it shows stands in the
// page as text too.
#pragma once

#include <string_view>

namespace firn::cli::report {

/// 0. What has `data-script` is shown, what has `data-plain` hidden.
/// 1. What is pointed at in a chart is said beside the pointer (Escape takes it away).
/// 2. Checkboxes with `data-arm="KIND"` show and hide what has the class "arm-KIND".
/// 3. In #explorer a list and a slider choose a setting and a cut of the JSON in #cuts:
///    [{"model": N, "group": N, "cuts": [{"frozen": N, "name": TEXT, "words": [TEXT...], "shares":
///    [0..1...]}]}], which go into the elements with `data-number`, into the program of `data-model`
///    (program_picture.h), and as the class "here" onto the overview's rows "cut-K" of `data-group`.
std::string_view page_script();

}  // namespace firn::cli::report
