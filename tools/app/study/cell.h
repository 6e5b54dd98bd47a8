// One cell of a study: an arm trained once, and what came of it.
#pragma once

#include <functional>
#include <optional>

#include "tools/app/study/costs.h"
#include "tools/app/study/material.h"
#include "tools/app/study/store.h"

namespace firn::cli {

/// Asked after each training step; true ends the work at once.
using Stop = std::function<bool()>;

/// Of a learning curve, drawn on at most so many samples.
inline constexpr Index kCurvePoints = 10, kCurveSamples = 512;

/// What a cell is trained and judged on; of numbers all with the scale of what is labelled.
struct CellData {
  DatasetPtr few, validation, test;  ///< there may be no validation part
};
CellData data_of(const Materials& materials, const Arm& arm, std::uint64_t seed);

/// Looks on while a cell is trained.
class CellWatch {
 public:
  virtual ~CellWatch() = default;
  /// The model as the first step finds it.
  virtual void begin(const ModelPtr& model) = 0;
  /// So many steps of all are made, the last one with this set.
  virtual void after_step(Index step, Index steps, const FreezeSet& set) = 0;
};

/// The samples that an arm learns from with this seed.
DatasetPtr labelled_of(const Materials& materials, const Arm& arm, std::uint64_t seed);
/// How many samples they are.
Index labelled_samples(const Materials& materials, const Arm& arm);

/// How every arm is trained, in sentences, with the numbers in force.
std::string protocol_text(const Arm& arm);

/// What trains on the source: Adam at the source's rate, cosine, all blocks. Nothing when stopped.
struct LearnedOrigin {
  ModelPtr model;
  OriginResult result;
};
std::optional<LearnedOrigin> learn_origin(const Materials& materials, const Arm& arm, std::uint64_t seed,
                                          const Stop& stop);

/// Trains the arm from `origin` (null: from what `Materials::make` gives). A function of the arm and the seed
/// alone, but for seconds and measured bytes. A static arm has the features of its frozen part from `pool`
/// (null: computes them itself); what others have computed counts as if it had. Draws the labels by the seed;
/// where several rates are to be tried, trains with each on four fifths of them and takes the one with the
/// least loss on the others. A control of equal cost is told the MACs of the training that it is one of.
/// Nothing when stopped.
std::optional<CellResult> train_cell(const Materials& materials, const FullStep& full, const Arm& arm,
                                     std::uint64_t seed, const Model* origin, FeaturePool* pool,
                                     bool keep_mistakes, const Stop& stop, double macs = 0);

/// The last training of a cell once more, at the rate that it took (and with the MACs, see above): the same
/// weights, and the same curve, which is what is returned. Nothing when stopped.
std::optional<std::vector<CurvePoint>> train_again(const Materials& materials, const FullStep& full,
                                                   const Arm& arm, std::uint64_t seed, const Model* origin,
                                                   double rate, CellWatch& watch, const Stop& stop,
                                                   double macs = 0);

}  // namespace firn::cli
