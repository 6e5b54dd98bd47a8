// What a study says in the end: answers, tables, and the rows of both in results.sqlite.
#pragma once

#include <string>
#include <vector>

#include "tools/json.h"
#include "tools/study/outcomes.h"
#include "tools/study/verdicts.h"

namespace firn::cli {

/// The best frozen arm of one model, source and number of labels against full tuning of the same.
struct Answer {
  const Outcome* best = nullptr;
  const Outcome* full = nullptr;
  const Outcome* scratch = nullptr;  ///< null: not in the study
  Difference difference;
  double faster = 0;  ///< a step, measured alone; of a policy the whole training
  std::string text;   ///< one line
};

/// In the order of the plan. The best is the one with the greatest mean accuracy on the test part, of arms
/// that freeze by a cut or a policy under the usual rules.
std::vector<Answer> answers(const Plan& plan, const Outcomes& outcomes);

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
