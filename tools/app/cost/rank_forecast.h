// What a step takes that several processes share, by what is frozen.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/program/rank_time.h"
#include "tools/app/cli/json.h"
#include "tools/app/cost/step_forecast.h"

namespace firn::cli {

struct RankRow {
  std::string trains;  ///< as --freeze says it: "none", "half", "head"
  int ranks = 1;
  double bytes = 0;  ///< that all of them send in a step
  double alone = 0;  ///< seconds of a step of one process
  RankSeconds step;  ///< of one that they share, the optimizer's with it
};

/// A program that is fed, and what it is called.
using RankSubject = std::function<const Program&(const std::string& freeze)>;

/// For each of `freezes` and each number of ranks a row, in this order.
std::vector<RankRow> forecast_ranks(const Model& model, const std::vector<std::string>& freezes,
                                    const RankSubject& program, const std::vector<int>& ranks,
                                    const Link& link, const OptimizerMaker& make, Machine& machine);

std::string rank_table(const std::vector<RankRow>& rows);
JsonObject rank_json(const RankRow& row);

}  // namespace firn::cli
