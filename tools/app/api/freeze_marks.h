#pragma once

#include <string>
#include <vector>

#include "layers/model.h"

namespace firn {

/// What a model's parameters are marked as, to be put back.
class FreezeMarks {
 public:
  explicit FreezeMarks(const Model& model);
  /// The marks as they were.
  void restore() const;
  /// The names of the parameters that were frozen, all of them or in part: "fc1.weight[0:16]".
  const std::vector<std::string>& frozen() const { return frozen_; }
  /// The names of those of which something trained.
  const std::vector<std::string>& training() const { return training_; }

 private:
  struct Mark {
    ParameterPtr parameter;
    bool trains;
    std::vector<UnitRange> part;
  };
  std::vector<Mark> marks_;
  std::vector<std::string> frozen_, training_;
};

/// Freezes what `spec` names (`Model::set_freeze`) besides what is frozen; the names of all that it names.
/// Throws what `Model::set_freeze` throws; nothing is changed then.
std::vector<std::string> freeze_more(Model& model, const std::string& spec);
/// Lets what `spec` names train again: "all", a block by name or number, a pattern; the names of all that it
/// names.
std::vector<std::string> thaw_some(Model& model, const std::string& spec);

}  // namespace firn
