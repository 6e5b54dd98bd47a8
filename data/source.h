// Opens data by name, by kind and path, or by what lies at a path.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "data/dataset.h"

namespace firn {

struct DataOptions {
  Index size = 0;  ///< images are resized to size × size; 0: as they are (folders: 64)
  bool skip_bad =
      false;  ///< leave out images that cannot be read, and say which in `notes`; else they are an error
  Index limit = 5000;                   ///< words: at most so many of each language
  Index window = 64;                    ///< text: characters of a sample
  std::vector<std::string> vocabulary;  ///< text: its characters in order; empty: the sorted ones of the file
};

/// One row of the registry.
struct DataSource {
  std::string_view name;  ///< "digits", or the kind of "kind:path"
  std::string_view summary;
  bool takes_path;
  DataParts (*open)(const std::string& path, const DataOptions& options);
  bool (*recognises)(const std::string& path);  ///< whether a plain path is this kind's; null: never
};

/// All known sources, names first.
std::vector<DataSource> data_sources();

/// Opens `digits`, `fashion-mnist`, `words`; or `kind:path` with kind idx, cifar10, folder, tsv, csv, npy or
/// text; or a plain path, recognised by what lies there. Where a set has no test part, every fifth sample of
/// a class (in the order of the file) is test. Throws Error(usage) for an unknown name, with the nearest
/// known one; Error(data) for what is missing or damaged, with path and offset.
DataParts open_data(const std::string& spec, const DataOptions& options = {});

}  // namespace firn
