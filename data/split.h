// The parts of a set that its files do not hold.
#pragma once

#include <cstdint>
#include <string>

#include "data/dataset.h"

namespace firn {

struct SplitOptions {
  /// Of what is drawn here; not the seed of a run, so that its test part stays when that changes.
  std::uint64_t seed = 0;
  /// Of each class that many training samples are used, drawn by `label_seed`; validation is drawn from them.
  /// Of samples with numbers or several labels so many in all. 0: all.
  Index labels = 0;
  std::uint64_t label_seed = 1;
  /// Which samples stay together in what is drawn: a rule as `find_groups` takes it.
  std::string group = {};
  bool validation = true;  ///< false: no validation part is drawn, and one from a file is left out
};

/// A share of each class is held out of what is drawn from.
constexpr Index kHeldOutOf = 5;
/// Validation is looked at in each epoch: more than this says no more of the choice.
constexpr Index kMostValidation = 5000;
/// Fewer training samples a class than this are few: of them a tenth is held out.
constexpr Index kFewLabels = 30;

/// Completes the parts that files hold (at least one):
/// - without a test part a lone validation part serves as one; else a fifth of each class, at least one of
///   two, is drawn from the training part;
/// - of what is left `labels` of each class are kept;
/// - without a validation part a fifth of each class (of few labels a tenth), rounded down but at least one
///   of five, is drawn, so that the parts have the classes in the same proportions; at most `kMostValidation`
///   in all. Where no class has five there is none.
/// Of numbers ranges of as many samples each, at most ten, stand in the place of classes; samples with
/// several labels are drawn as those of one class. Of a text with a label for each step the parts are
/// contiguous: the last tenth is test, the tenth before it validation. Samples of one group (`find_groups`,
/// by the names that the reader gave) are drawn together or not at all, so that classes are held out as
/// nearly as groups allow; of none the last sample of a class is taken. What was drawn is said in `notes`.
/// Without a training part nothing is drawn. Parts are views in the order of the set. The same seed draws the
/// same samples. Throws what `find_groups` throws.
DataParts complete_parts(DataParts files, const SplitOptions& options = {});

}  // namespace firn
