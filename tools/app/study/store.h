// results.sqlite, written as the study goes. The tables: schema.h.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "tools/app/record/arm.h"
#include "tools/app/record/sqlite.h"
#include "tools/app/run/shown_samples.h"

namespace firn::cli {

struct CurvePoint {
  Index step = 0;
  double loss = 0, accuracy = 0;
};

struct TriedRate {
  double rate = 0, loss = 0, accuracy = 0;
};

using Mistake = ShownSample;

/// The answers to the test part one by one, in its order (`items` in schema.h).
struct ItemAnswers {
  std::string kind;                   ///< "classes", "numbers", "labels", "steps"; empty: none are kept
  std::vector<float> scores;          ///< their mean is the accuracy
  std::vector<std::uint8_t> answers;  ///< as the table has them
};
/// Scores as the table has them: of classes bits.
std::vector<std::uint8_t> packed_scores(const ItemAnswers& items);
/// The same back. Throws Error(data) naming the file where they are of another length.
std::vector<float> unpacked_scores(const std::string& kind, Index count, std::span<const std::uint8_t> bytes,
                                   const std::string& path);

/// What a cell came to.
struct CellResult {
  double accuracy = 0, macro_f1 = 0, ece = 0, loss = 0;  ///< on the test part
  std::optional<double> validation_accuracy = {};        ///< none without a validation part
  Index validation_samples = 0;
  double train_loss = 0;  ///< mean over the last tenth of the steps
  double rate = 0;
  Index steps = 0, train_samples = 0, test_samples = 0;
  double trained_share = 0;
  double macs_forward = 0, macs_input = 0, macs_weight = 0;  ///< of all training steps
  Index bytes_predicted = 0, bytes_measured = 0, state_bytes = 0;
  double seconds = 0, predicted_seconds = 0;
  std::vector<TriedRate> tried;
  double tuning_macs = 0, tuning_seconds = 0;  ///< of all that was trained to choose the rate
  ItemAnswers items;
  std::vector<CurvePoint> curve;
  Index classes = 0;
  std::vector<Index> confusion;  ///< (truth, predicted); empty for language models
  std::vector<Mistake> mistakes;
};

struct OriginResult {
  double accuracy = 0, loss = 0, seconds = 0;
  std::string file;
};

/// A training step of a static arm, alone on one thread.
struct ArmCost {
  double step_ms = 0, step_predicted_ms = 0, forward_ms = 0, backward_ms = 0, backward_predicted_ms = 0;
  std::optional<double> step_kept_ms = {};  ///< from kept features, where they can be kept
  double macs_forward = 0, macs_input = 0, macs_weight = 0;
  Index arena_bytes = 0, kept_bytes = 0, state_bytes = 0, parameters = 0, trainable = 0;
};

/// One file, one writer. The adding functions may be called from several threads.
class Store {
 public:
  /// Opens the file, or makes it with all tables. Throws Error(data) for a file that is no database, is
  /// damaged, was not written by a study or by one with other tables.
  /// `commit` of the sources is noted with each cell.
  Store(const std::string& path, std::string commit);

  std::optional<std::string> meta(const std::string& key);
  void set_meta(const std::string& key, const std::string& value);

  bool has_cell(const std::string& key) const { return cells_.contains(key); }
  bool has_cost(const std::string& arm) const { return costs_.contains(arm); }
  bool has_origin(const std::string& key) const { return origins_.contains(key); }

  /// Each is one transaction.
  void add_arm(const Arm& arm);
  void add_cost(const std::string& arm, const ArmCost& cost);
  void add_origin(const Origin& origin, const Arm& arm, const OriginResult& result);
  /// `commit`: of the sources that the cell was trained by; empty: these.
  void add_cell(const Cell& cell, const Arm& arm, const CellResult& result, const std::string& commit = {});

  /// For what is read, and for what is written when all cells are there.
  Database& database() { return database_; }

 private:
  void make_or_check();
  void read_keys();

  Database database_;
  std::string commit_;
  std::mutex guard_;
  std::set<std::string> cells_, costs_, origins_;
};

}  // namespace firn::cli
