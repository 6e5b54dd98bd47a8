// Results of a study that are made up, so that what is to be said of them is known.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "tests/folder.h"
#include "tools/app/study/answers.h"
#include "tools/app/study/strength.h"
#include "tools/app/study/verdicts.h"

namespace firn::test {

/// A study in the making: arms with an accuracy for each of at most five seeds.
class MadeUp {
 public:
  explicit MadeUp(int claim, int seeds = 5) : seeds_(seeds), store_(folder_ / "results.sqlite", "") {
    plan_.experiments.push_back({"made up", "", "", claim, {}});
  }

  /// `mean` plus -0.004, -0.002, 0, 0.002, 0.004 times `spread`; what is set in `change` stands.
  void add(const std::function<void(cli::Arm&)>& change, double mean, double spread = 1, double macs = 100,
           double seconds = 1, std::optional<double> validation = {}, double trained_share = 0.5) {
    cli::Arm arm;
    arm.model = "cnn";
    arm.source = cli::kDrawnSource;
    arm.target = "digits";
    arm.blocks = 4;
    change(arm);
    plan_.arms.push_back(arm);
    plan_.arm_keys.push_back(arm.key());
    for (std::uint64_t seed = 1; seed <= static_cast<std::uint64_t>(seeds_); ++seed) {
      const cli::Cell cell{cli::cell_key(arm, seed), plan_.arms.size() - 1, seed, {}};
      cli::CellResult result;
      result.accuracy = mean + spread * 0.002 * (static_cast<double>(seed) - 3);
      result.macs_forward = macs;
      result.seconds = seconds;
      result.validation_accuracy = validation;
      result.trained_share = trained_share;
      store_.add_cell(cell, arm, result);
      plan_.experiments[0].cells.push_back(plan_.cells.size());
      plan_.cells.push_back(cell);
    }
  }

  /// Answers one by one, of each seed: 1 where they are right.
  void add_items(const std::function<void(cli::Arm&)>& change, const std::vector<std::vector<float>>& seeds) {
    cli::Arm arm;
    arm.model = "cnn";
    arm.source = cli::kDrawnSource;
    arm.target = "digits";
    arm.blocks = 4;
    change(arm);
    plan_.arms.push_back(arm);
    plan_.arm_keys.push_back(arm.key());
    for (std::uint64_t seed = 1; seed <= seeds.size(); ++seed) {
      const cli::Cell cell{cli::cell_key(arm, seed), plan_.arms.size() - 1, seed, {}};
      cli::CellResult result;
      result.items.kind = "classes";
      result.items.scores = seeds[seed - 1];
      for (const float score : seeds[seed - 1])
        result.accuracy += static_cast<double>(score) / static_cast<double>(seeds[seed - 1].size());
      result.macs_forward = 100;
      result.seconds = 1;
      store_.add_cell(cell, arm, result);
      plan_.experiments[0].cells.push_back(plan_.cells.size());
      plan_.cells.push_back(cell);
    }
  }

  std::vector<cli::ArmPower> power() { return cli::power_of(*outcomes_); }
  std::vector<cli::Verdict> verdicts() {
    outcomes_.emplace(plan_, store_.database());
    return cli::judge_claim(plan_.experiments[0], *outcomes_);
  }
  std::vector<cli::Answer> answers() {
    outcomes_.emplace(plan_, store_.database());
    return cli::answers(plan_, *outcomes_);
  }
  const cli::Plan& plan() const { return plan_; }

 private:
  int seeds_;
  Folder folder_;
  cli::Store store_;
  cli::Plan plan_;
  std::optional<cli::Outcomes> outcomes_;
};

}  // namespace firn::test
