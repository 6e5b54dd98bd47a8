// The data of a study, prepared for its models, and the models to train on them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "data/loader.h"
#include "layers/model.h"
#include "layers/task.h"
#include "tools/app/record/arm.h"
#include "tools/app/run/options.h"

namespace firn::cli {

/// The parts of a set as a model takes them; there may be no validation part.
struct Prepared {
  DataParts parts;
  Preprocess preprocess;
  InputSpec input;
  Index width_multiple = 1;
  Index classes = 0;
  TaskPtr task = nullptr;
};

/// Opens what arms name, each set once. `prepare` is called for every arm before the others; they only read
/// then, on any number of threads.
class Materials {
 public:
  /// `data` says how sets are opened (its `spec` is not used; an outline serves for models and forecasts,
  /// with other keys of arms than the data); of a test part at most `test_samples` are kept (0: all), spread
  /// over the classes. Models named in `weights` (a file) start from it where the source says so, and its
  /// recipe prepares the data for all arms of that study.
  Materials(DataChoice data, Index test_samples, std::string weights);

  /// Opens the arm's target and source; fills in `blocks`, the hashes, and what follows from the data:
  /// numbers for names of cuts, no rule for batch norms or dropout where there are none or nothing is frozen.
  /// Throws Error(usage) where model, data, source and freezing do not fit.
  void prepare(Arm& arm);

  const Prepared& target(const Arm& arm) const;
  const Prepared& source(const Arm& arm) const;
  /// The classes of the arm's target.
  const std::vector<std::string>& class_names(const Arm& arm) const {
    return target(arm).parts.train->info().classes;
  }
  /// For the target, with no weights drawn or copied: for what depends on shapes alone.
  ModelPtr make_blank(const Arm& arm) const;
  /// New weights by the seed, for the target; from a weights file what `copy_body` copies is that file's.
  ModelPtr make(const Arm& arm, std::uint64_t seed) const;
  /// New weights for the source's classes.
  ModelPtr make_for_source(const Arm& arm, std::uint64_t seed) const;
  /// Of an outline: what reading, hashing and standardising would take more than was done.
  double unread_seconds() const;
  /// What `DataInfo::notes` and the opening said, each once.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  struct Opened {
    Prepared prepared;
    std::string sha256;
    ModelPtr loaded;  ///< with the weights; null without
  };
  Opened& open(const Arm& arm);
  void open_source(const Arm& arm, const Opened& target);
  void note(const std::vector<std::string>& notes);

  DataChoice data_;
  Index test_samples_;
  std::string weights_, weights_sha256_;
  std::map<std::string, Opened> opened_;     ///< by model and target: all classes
  std::map<std::string, Prepared> targets_;  ///< by model, target and part
  std::map<std::string, Prepared> sources_;  ///< by model, target and source
  std::map<std::string, std::string> source_hashes_;
  std::vector<std::string> notes_;
};

/// Whether each sample has one class.
bool has_classes(const DataInfo& info);
/// Whether half of the classes can be learned before the other half.
bool has_halves(const DataInfo& info);

/// Copies all blocks but the last one, of language models that too; both are of one model.
void copy_body(const Model& from, Model& to);

/// Of loaders for what is prepared so, without a thread of their own. `samples` of an epoch as in
/// `LoaderOptions`.
LoaderOptions loader_options(const Prepared& prepared, Index batch, bool shuffle, std::uint64_t seed,
                             Index samples = 0);
/// A loader with these.
Loader make_loader(const DatasetPtr& data, const Prepared& prepared, Index batch, bool shuffle,
                   std::uint64_t seed, Index samples = 0);

/// At most `count` samples, as many of each class as there are; of others
/// (windows of a text, numbers, several labels) those at equal distances. 0: all.
DatasetPtr at_most(const DatasetPtr& data, Index count);

}  // namespace firn::cli
