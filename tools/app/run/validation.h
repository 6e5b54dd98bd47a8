// Data with the parts that the options ask for: --validation SPEC, --split-seed, --group.
#pragma once

#include <string>

#include "data/options.h"
#include "tools/app/run/options.h"

namespace firn::cli {

/// What `choice` says of the parts.
SplitOptions split_options(const DataChoice& choice);

/// The data of `choice`, its validation part from other data where it names some. Throws Error(usage) for an
/// option of `choice` that is for other kinds of data, and what opening and `open_validation` throw.
DataParts open_with_validation(const DataChoice& choice, const DataOptions& options);

/// All samples of `spec` as `like` has its own: images of its size and channels, tokens of its vocabulary,
/// labels at the places of its classes, matched by name. `options` are those that `like` was opened with.
/// Throws Error(usage) for samples of another kind or shape and for a class that `like` lacks, and what
/// opening throws.
DatasetPtr open_validation(const std::string& spec, const DataInfo& like, DataOptions options);

}  // namespace firn::cli
