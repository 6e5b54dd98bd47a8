// Freezing as every verb writes it, and the table that says what came of it.
#pragma once

#include <string>
#include <vector>

#include "layers/model.h"
#include "layers/units.h"
#include "optim/trainer/program_cache.h"
#include "tools/app/cli/json.h"
#include "tools/app/run/options.h"

namespace firn::cli {

/// Freezes what is chosen; where nothing is, what the model says itself. Throws Error(usage) with the nearest
/// name for what matches nothing.
void apply_freeze(Model& model, const FreezeChoice& choice);

/// Sets what holds for frozen batch norms, for dropout, and for how precisely the frozen part is computed.
/// Throws Error(usage) for what excludes each other.
void apply_freeze_rules(const FreezeChoice& choice, bool exact, ProgramSettings& settings);

/// A thaw that is due before an epoch.
struct Thaw {
  Index epoch;
  std::string pattern;
};

/// Reads EPOCH:PATTERN. Throws Error(usage) on anything else, and for a pattern that matches nothing.
std::vector<Thaw> parse_thaws(const Model& model, const FreezeChoice& choice);

/// Lets "all", a block by number or name, or what `Layer::thaw` takes train again.
void thaw(Model& model, const std::string& pattern);

/// True where a parameter or a part of one does not train.
bool anything_frozen(const Model& model);

/// A block a line with its parameters and whether it is frozen; a tensor a line of those that are frozen in
/// part ("48 of 64 channels frozen"); what is in force for batch norm, dropout and
/// convolutions.
std::string freeze_table(const Model& model, const FreezeChoice& choice, bool exact);
JsonObject freeze_json(const Model& model, const FreezeChoice& choice);

/// "yes", "no", or "3 of 4, 1 in part": tensors of these that do not train, and that do in part.
std::string frozen_text(const std::vector<NamedParameter>& parameters);
/// Numbers that gradients can change: all but running statistics.
Index parameter_count(const std::vector<NamedParameter>& parameters, bool only_trainable = false);

}  // namespace firn::cli
