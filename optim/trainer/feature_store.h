// Rows of numbers, one for each sample, in memory or in a mapped file.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>
#include <vector>

#include "engine/tensor/tensor.h"

namespace firn {

struct FeatureStoreOptions {
  Index rows = 0, width = 0;   ///< samples, and numbers of each; at least 1
  DType type = DType::number;  ///< bf16: rounded to the nearest, ties to even; else kept as they are
  bool on_disk = false;
  std::string folder = {};  ///< of the file; empty: the system's for temporary files
  /// Of the file about so many bytes are resident at a time, others read again when they are wanted; 0: as
  /// many as the system keeps.
  Index resident = 0;
};

/// Memory is taken as rows are written. The file has no name: it is gone with the store, however the process
/// ends, and all of its space is reserved at once.
class FeatureStore {
 public:
  /// Throws Error(failure) naming folder and bytes when the file or its space cannot be had.
  explicit FeatureStore(const FeatureStoreOptions& options);
  ~FeatureStore();
  FeatureStore(const FeatureStore&) = delete;
  FeatureStore& operator=(const FeatureStore&) = delete;

  /// Bytes of all rows.
  Index bytes() const { return bytes_; }
  static Index bytes_for(const FeatureStoreOptions& options);
  bool on_disk() const { return options_.on_disk; }
  DType type() const { return options_.type; }
  Index rows() const { return options_.rows; }

  bool has(Index row) const { return written_[static_cast<std::size_t>(row)]; }
  bool complete() const { return count_ == options_.rows; }
  Index written() const { return count_; }

  void put(Index row, const real* from);
  /// Requires `has(row)`.
  void get(Index row, real* to) const;

 private:
  FeatureStoreOptions options_;
  Index bytes_ = 0;
  void touch() const;

  std::byte* block_ = nullptr;
  mutable std::atomic<Index> touched_ = 0;  // bytes since pages were last given back
  std::vector<bool> written_;
  Index count_ = 0;
};

}  // namespace firn
