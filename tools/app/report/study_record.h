// What a study has left in results.sqlite: the tables of tools/app/record/schema.h in memory.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/real.h"
#include "tools/app/report/effect_record.h"
#include "tools/app/report/pictured_record.h"
#include "tools/app/report/shown.h"

namespace firn::cli::report {

struct StudyRecord {
  struct Arm {
    std::string key, name, model, source, target, part, freeze, policy, bn, dropout, reference;
    Index blocks = 0, labels = 0, frozen_blocks = 0, steps = 0;
    double freeze_at = 0;
    /// Weights come from a source.
    bool transfers() const { return source != "random"; }
    /// One of the cuts: a frozen prefix (or none), nothing unusual beside it.
    bool is_cut() const {
      return frozen_blocks >= 0 && policy.empty() && bn == "frozen" && dropout == "off" && freeze_at <= 0;
    }
  };
  /// An arm's numbers over its seeds; intervals at 95 %.
  struct Summary {
    Index seeds = 0;
    double mean = 0, deviation = 0, low = 0, high = 0;
    bool compared = false;  ///< the differences are there: it has a reference
    double difference = 0, difference_low = 0, difference_high = 0;
    std::string finding = {};
  };
  struct Cost {
    double step_ms = 0, step_predicted_ms = 0, step_kept_ms = 0;  ///< the last one 0: none can be kept
    Index arena_bytes = 0, state_bytes = 0, parameters = 0, trainable = 0;
  };
  struct Experiment {
    std::string name, title, question;
    int claim = 0;
    std::set<std::string> arms;
  };
  struct Verdict {
    std::string experiment, claim, model, source, target, result, text;
    int number = 0;
    double p_holm = 1;      ///< among its family; 1 in files that are older than version 4
    Index family_size = 0;  ///< 0: it has none
    struct Evidence {
      std::string name, metric;
      Index seeds = 0;
      double difference = 0, low = 0, high = 0;
    };
    std::vector<Evidence> evidence;
  };
  struct Answer {
    std::string model, source, target, part, arm, reference, text;
    Index labels = 0;
  };
  std::string path;  ///< of the folder
  std::map<std::string, std::string> meta;
  std::vector<Experiment> experiments;
  std::vector<Arm> arms;  ///< those of the last grid, in the order of the file
  std::map<std::pair<std::string, std::string>, Summary> summary;  ///< by arm and metric
  std::map<std::string, Cost> costs;                               ///< by arm
  std::vector<Verdict> verdicts;
  std::vector<Answer> answers;
  std::map<std::string, std::vector<std::vector<CurvePoint>>> curves;  ///< by arm, one a seed
  struct Pooled {
    std::string part;
    int claim = 0;
    Index sets = 0;
    double mean = 0, low = 0, high = 0, tau = 0, prediction_low = 0, prediction_high = 0;
  };
  std::vector<Pooled> pooled;            ///< over the targets
  Index items = 0;                       ///< of the test part whose answers are kept; 0: none are
  std::vector<Index> seeds_for_a_point;  ///< of the arms that any number of seeds can tell one point of
  Index arms_too_few_items = 0;          ///< and how many arms none can
  double tuning_macs_share = 0;          ///< MACs of choosing rates over those of the trainings themselves
  Index cells = 0, cells_done = 0;

  std::vector<Pictured> pictured;  ///< full tuning first; may be empty
  std::vector<PicturedWay> ways;

  const Arm* find(const std::string& key) const;
  const Summary* find(const std::string& arm, const std::string& metric) const;
  std::string meta_text(const std::string& key) const;
  /// What stands for accuracy: "accuracy", "R²", "macro F1".
  std::string score() const;
  bool score_is_share() const { return meta_text("score_is_share") != "no"; }
  std::set<std::string> counted_in_all;  ///< targets whose labels are no number a class
  bool labels_by_class(const std::string& target) const { return !counted_in_all.contains(target); }
};

/// Whether a folder holds a study.
bool is_study(const std::string& folder);

/// Reads FOLDER/results.sqlite. Throws Error(data) where it is no database of a study, or of another version.
StudyRecord read_study(const std::string& folder);

/// Answers of an arm by class, summed over its seeds: names and counts (true, predicted), row-major; empty
/// where the file has none.
struct Confusion {
  std::vector<std::string> classes;
  std::vector<Index> counts;
};
Confusion read_confusion(const std::string& folder, const StudyRecord::Arm& arm);

/// The first `most` mistakes of an arm's first seed, those it was surest of first.
std::vector<Shown> read_mistakes(const std::string& folder, const StudyRecord::Arm& arm, std::size_t most);

}  // namespace firn::cli::report
