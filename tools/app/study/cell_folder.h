// What processes that share a study's folder leave in it: runs/NAME/cells.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/app/study/cell_file.h"
#include "tools/app/study/grid.h"

namespace firn::cli {

/// A file for each cell and source that is done, which is there whole or not at all, and beside it a lease
/// while a process works on it (lease.h).
class CellFolder {
 public:
  /// `run`: the study's folder. Nothing is made.
  explicit CellFolder(const std::string& run) : folder_(run + "/cells") {}

  /// With what lies above it. Throws Error(failure).
  void make() const;
  /// Nothing where there is none, or none that can be read: it is made again then.
  std::optional<CellRecord> cell(const std::string& key) const;
  std::optional<OriginRecord> origin(const std::string& key) const;
  void put_cell(const std::string& key, const CellResult& result) const;
  void put_origin(const std::string& key, const OriginResult& result) const;
  std::string cell_lease(const std::string& key) const { return file(key, "lease"); }
  std::string origin_lease(const std::string& key) const { return file("source-" + key, "lease"); }

 private:
  std::string file(const std::string& name, const char* ending) const {
    return folder_ + "/" + name + "." + ending;
  }
  std::string folder_;
};

/// What `gather` found.
struct Gathered {
  std::size_t cells = 0;  ///< that the store had not
  std::string isa;        ///< "avx2", or "avx2 (12), avx512 (188)": numbers of cells
  bool mixed = false;     ///< by several instruction sets, whose last bits differ
};
/// Writes what the folder has of the plan, and the store has not, into it.
Gathered gather(const Plan& plan, const CellFolder& folder, Store& store);

}  // namespace firn::cli
