// Opens data by name, by kind and path, or by what lies at a path.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "data/dataset.h"
#include "data/options.h"

namespace firn {

/// One row of the registry.
struct DataSource {
  std::string_view name;     ///< "digits", or the kind of "kind:path"
  std::string_view summary;  ///< one line for help texts
  DataParts (*open)(const std::string& path, const DataOptions& options);
  bool (*recognises)(
      const std::string& path);  ///< whether what lies at a path is of this kind; null: takes no path
};

/// All known sources, those without a path first.
std::vector<DataSource> data_sources();

/// Opens `digits`, `drawn`, `fashion-mnist`, `words`; or `kind:path` with kind idx, cifar10, bitmaps, folder,
/// tsv, csv, npy or text; or a plain path, recognised by what lies there. Parts that its files do not hold
/// are drawn as `complete_parts` says. Throws Error(usage) for an unknown name, with
/// the nearest known one; Error(data) for what is missing or damaged, with path and offset.
DataParts open_data(const std::string& spec, const DataOptions& options = {});

/// The name in the registry of what `open_data` would open, without reading more than tells it. Throws what
/// that throws before it opens anything.
std::string data_source_of(const std::string& spec);

}  // namespace firn
