// What a cell or a source came to, as one small file: how processes that share a folder hand their results to
// the one that writes the tables.
#pragma once

#include <optional>
#include <string>

#include "tools/app/study/store.h"

namespace firn::cli {

/// By whom and with what a file was made.
struct MadeBy {
  std::string commit, isa;
};

/// JSON on one line. Numbers are written so that they read back as the same bits.
std::string cell_json(const std::string& key, const MadeBy& by, const CellResult& result);
std::string origin_json(const std::string& key, const MadeBy& by, const OriginResult& result);

struct CellRecord {
  MadeBy by;
  CellResult result;
};
struct OriginRecord {
  MadeBy by;
  OriginResult result;
};
/// Of the file `path`. Throws Error(data) where it cannot be read, is not one of the key `key`, or holds what
/// no cell comes to.
CellRecord read_cell(const std::string& path, const std::string& key);
OriginRecord read_origin(const std::string& path, const std::string& key);

}  // namespace firn::cli
