#include "tools/app/cost/rank_forecast.h"

#include <fmt/core.h>

#include "engine/base/parallel.h"
#include "engine/program/listing.h"
#include "tools/app/cli/table.h"

namespace firn::cli {

std::vector<RankRow> forecast_ranks(const Model& model, const std::vector<std::string>& freezes,
                                    const RankSubject& program, const std::vector<int>& ranks,
                                    const Link& link, const OptimizerMaker& make, Machine& machine) {
  std::vector<RankRow> rows;
  for (const std::string& freeze : freezes) {
    const Program& step = program(freeze);
    const StepForecast one = forecast_step(model, step, make, thread_count(), machine);
    for (const int count : ranks) {
      RankRow row{freeze, count, 0, one.seconds(), predict_ranks(step, one.program, count, link)};
      for (const RankTraffic& item : step.traffic(count)) row.bytes += static_cast<double>(item.bytes);
      row.step.computing += one.optimizer_seconds;
      row.step.all += one.optimizer_seconds;
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

std::string rank_table(const std::vector<RankRow>& rows) {
  Table table(
      {"<--freeze", "ranks", "sent", "ms alone", "ms computing", "ms handing", "ms in all", "faster"});
  const auto ms = [](double seconds) { return fmt::format("{:.2f}", seconds * 1e3); };
  for (const RankRow& row : rows) {
    table.row({row.trains, fmt::format("{}", row.ranks), short_bytes(row.bytes), ms(row.alone),
               ms(row.step.computing), ms(row.step.handing()), ms(row.step.all),
               fmt::format("{:.2f}x", row.alone / row.step.all)});
  }
  return table.text();
}

JsonObject rank_json(const RankRow& row) {
  return json_line("ranks")
      .add("freeze", row.trains)
      .add("ranks", row.ranks)
      .add("bytes_sent", row.bytes)
      .add("alone_ms", row.alone * 1e3)
      .add("computing_ms", row.step.computing * 1e3)
      .add("handing_ms", row.step.handing() * 1e3)
      .add("step_ms", row.step.all * 1e3);
}

}  // namespace firn::cli
