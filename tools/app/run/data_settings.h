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

}  // namespace firn::cli
