// What a study says in the end: answers, tables, and the rows of both in results.sqlite.
#pragma once

#include <string>
#include <vector>

#include "tools/app/cli/json.h"
#include "tools/app/study/answers.h"
#include "tools/app/study/outcomes.h"
#include "tools/app/study/verdicts.h"

namespace firn::cli {

/// Replaces experiments, members, classes, answers, summary, verdicts and evidence, in one transaction.
void write_summary(const Plan& plan, const Materials& materials, const Outcomes& outcomes,
                   const std::vector<Answer>& found, const std::vector<Verdict>& verdicts,
                   Database& database);

/// A table for each experiment, model and source, for people.
std::string tables_text(const Plan& plan, const Outcomes& outcomes);
/// One row an arm.
std::string results_csv(const Plan& plan, const Outcomes& outcomes);
/// The arms, answers and verdicts as lines of JSON.
std::vector<JsonObject> summary_json(const Plan& plan, const Outcomes& outcomes,
                                     const std::vector<Answer>& found, const std::vector<Verdict>& verdicts);
/// "supported     1  with 5 labels ...: text"
std::string verdicts_text(const std::vector<Verdict>& verdicts);

}  // namespace firn::cli
