// A data set and how it is read, in one text, as a study's grid names its targets and sources.
#pragma once

#include <string>

#include "data/options.h"

namespace firn::cli {

/// A set, and how it is read.
struct NamedSet {
  std::string spec;  ///< as `open_data` takes it
  DataOptions options;
};
/// Of "tsv:news.tsv,tokens=words,vocabulary=2000": behind the set options without their dashes, a list's
/// words with + between them, what only stands there with =on. Others are `usual`. Throws Error(usage) for
/// values that they do not take; what is no option's name is taken for a part of the path.
NamedSet named_set(const std::string& text, const DataOptions& usual);

}  // namespace firn::cli
