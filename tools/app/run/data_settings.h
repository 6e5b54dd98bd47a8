// The options that say how data is read, each written once: what the command line and config.json call it,
// what it takes, where its value lies, and which sets it is for.
#pragma once

#include <string_view>
#include <vector>

#include "data/dataset.h"
#include "data/options.h"
#include "tools/app/cli/arguments.h"
#include "tools/app/cli/setting.h"

namespace firn::cli {

struct DataSetting {
  Setting setting;
  bool (*takes)(const DataParts& parts);
  const char* scope;                           ///< which sets, for people
  std::vector<std::string_view> sources = {};  ///< it takes none of others; empty: the source does not tell
};

/// In the order of help and config.json. What weights keep themselves (tokens) has no key.
std::vector<DataSetting> data_settings(DataOptions& options);

/// Declares them all.
void declare_reading(Arguments& arguments, DataOptions& options);

/// A set, and how it is read.
struct Reading {
  std::string spec;  ///< as `open_data` takes it
  DataOptions options;
};
/// Of "tsv:news.tsv,tokens=words,vocabulary=2000": behind the set options without their dashes, a list's
/// words with + between them, what only stands there with =on. Others are `usual`. Throws Error(usage) for
/// values that they do not take; what is no option's name is taken for a part of the path.
Reading reading_of(const std::string& text, const DataOptions& usual);

}  // namespace firn::cli
