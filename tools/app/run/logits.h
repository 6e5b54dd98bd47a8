// Raw logits in a file.
#pragma once

#include <string>

#include "data/loader.h"
#include "layers/model.h"

namespace firn::cli {

/// Collects logits batch by batch, (samples,classes) or (samples,steps,classes) for a language model, and
/// writes them as float32 in NumPy's format. Does nothing where the path is empty.
class LogitsFile {
 public:
  LogitsFile(std::string path, const Model& model, const Dataset& data);
  /// For at most so many samples, of a model that answers once for each.
  LogitsFile(std::string path, const Model& model, Index samples);
  /// The rows of the next batch, in the order of the data.
  void add(const Batch& batch, const real* logits);
  /// The rows that were added. Throws Error(failure) when it cannot be written.
  void save() const;

 private:
  std::string path_;
  Tensor logits_;
  Index done_ = 0;
};

}  // namespace firn::cli
