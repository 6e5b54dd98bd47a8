// What every set of labelled samples offers.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/token_rule.h"
#include "engine/base/real.h"
#include "engine/tensor/shape.h"

namespace firn {

/// What one sample is.
enum class DataKind {
  image,     ///< numbers (H,W,C); files of bytes give 0 to 1
  tokens,    ///< indices (T), padded with 0 after the sample's own length
  sequence,  ///< numbers (T,F), padded with 0 after the sample's own length
  vector,    ///< numbers (F)
};

std::string_view data_kind_name(DataKind kind);

/// What is asked of a sample.
enum class TargetKind {
  classes,  ///< one of the classes
  numbers,  ///< a number or several (regression)
  labels,   ///< which of several labels it has, each 0 or 1
};

/// y = (target - mean) / deviation, column by column: how numbers stand in a batch. Empty: as they are.
struct TargetScale {
  std::vector<double> mean = {};
  std::vector<double> deviation = {};
};

/// What is said of a whole set; the same for all its parts.
struct DataInfo {
  std::string name = {};  ///< "digits", or where it lies
  DataKind kind = DataKind::vector;
  Shape shape = {};  ///< of one sample; T is the longest sample's
  TargetKind targets = TargetKind::classes;
  std::string task = {};  ///< its name; empty: the first of `task_targets` that has such targets
  std::vector<std::string> classes =
      {};                         ///< name of each class, labels are positions in it; or of each target
  TargetScale target_scale = {};  ///< of numbers
  std::vector<std::string> vocabulary =
      {};                 ///< tokens: what each index stands for, in UTF-8; 0 may be padding, ""
  TokenRule tokens = {};  ///< tokens: what one is
  std::vector<std::string> features = {};  ///< vectors: name of each number, where there are names
  std::string label_name = {};             ///< the column of the labels, where they come from a table; "a,b"
  std::string layout = {};                 ///< of an array's dimensions: nhwc, nchw, nhw, ntf, nft
  bool labelled = true;                    ///< else every label is 0 and says nothing
  bool label_each_step = false;  ///< a label for each of the T steps (language models), not one a sample
  double unread_seconds = 0;     ///< of an outline: what reading the samples would take, by a few of them
  std::vector<std::string> notes =
      {};  ///< what the reader should be told: the split, re-based labels, skipped files
};

class Dataset;

/// Which sample, whatever views of its set it is seen in.
struct SampleOrigin {
  const Dataset* set = nullptr;  ///< the one that holds it
  Index index = 0;               ///< its position there
};

/// Samples 0..size()-1 with labels. Const and safe to be read by many threads; nothing is allocated by
/// reading. All indices must lie in [0, size()).
class Dataset {
 public:
  virtual ~Dataset() = default;
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;

  const DataInfo& info() const { return info_; }
  Index class_count() const { return static_cast<Index>(info_.classes.size()); }

  virtual Index size() const = 0;
  /// The class of sample i. Of a set with a label for each step: the label of the last step. Throws
  /// Error(usage) where targets are no classes.
  virtual std::int32_t label(Index i) const = 0;
  /// Steps of sample i, at least 1, at most info().shape[0]; for images and vectors simply that.
  virtual Index length(Index i) const;
  /// Where sample i was read, for messages: "line 17 of train.csv"; of a view, where its own set has it.
  virtual std::string place(Index i) const;
  /// Sample i where it is held: of a view that leaves samples as they are, its own set's.
  virtual SampleOrigin origin(Index i) const { return {this, i}; }

  /// Writes sample i of an image, sequence or vector set; `to` holds info().shape.count() numbers.
  virtual void fill_numbers(Index i, std::span<real> to) const;
  /// Writes sample i of a token set and zeros after it; `to` holds at least length(i) indices.
  virtual void fill_tokens(Index i, std::span<std::int32_t> to) const;
  /// Writes the labels of sample i: one, or with `label_each_step` as many as `to` holds steps.
  virtual void fill_labels(Index i, std::span<std::int32_t> to) const;
  /// Writes the targets of sample i, numbers in the units of the data or labels; `to` holds class_count().
  virtual void fill_targets(Index i, std::span<double> to) const;

 protected:
  explicit Dataset(DataInfo info) : info_(std::move(info)) {}

 private:
  DataInfo info_;
};

using DatasetPtr = std::shared_ptr<const Dataset>;

/// The parts of a set; all have the same kind, shape, classes and vocabulary. A reader returns those that its
/// files hold, the others null; a set that is not divided is `train`. `open_data` completes them.
struct DataParts {
  DatasetPtr train = nullptr;
  DatasetPtr validation = nullptr;  ///< what choices are made on
  DatasetPtr test = nullptr;        ///< looked at once, when all is chosen
  DatasetPtr all = nullptr;         ///< everything in the order of the files; made by completing
  /// From a reader: what each sample of `train` is called (a picture's file), or nothing.
  std::vector<std::string> names = {};
  std::vector<std::string> notes = {};  ///< what completing them has to say
  std::string_view source = {};         ///< the row of `data_sources` that has read them
  std::size_t names_of_tokens = 0;  ///< bytes that all vocabularies take, with the tokens that were left out

  /// Of the first part that there is. Throws Error(usage) where there is none.
  const DataInfo& info() const;
};

/// Samples of each class; of labels those that have each. Throws Error(usage) for numbers.
std::vector<Index> class_counts(const Dataset& data);

/// SHA-256 over kind, shape, lengths, labels and samples, in hex: what a report says was trained on.
std::string fingerprint(const Dataset& data);

}  // namespace firn
