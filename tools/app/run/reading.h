// The options that say how data is read: which sets each is for, and how a run's config keeps them.
#pragma once

#include <string>

#include "data/dataset.h"
#include "data/options.h"
#include "engine/base/json_read.h"
#include "tools/app/cli/json.h"

namespace firn::cli {

/// Throws Error(usage) for an option in `given` that `parts` have no use for: which sets it is for.
void check_reading(const DataOptions& given, const DataParts& parts);
/// The same of files and folders before they are read, as far as their kind alone tells.
void check_source(const DataOptions& given, const std::string& spec);
/// The same where there is no data; --vocabulary is the model's then.
void check_no_reading(const DataOptions& given);

/// What is asked for, as fields of config.json; what is not is left out, or 0.
JsonObject reading_json(DataOptions options);
/// The way back. Throws what `JsonFields` does.
DataOptions reading_of(const JsonFields& config);
/// What `options` do not ask for they take from `usual`.
void complete_reading(DataOptions& options, const DataOptions& usual);

}  // namespace firn::cli
