// --memory: what is resident of a process that trains or judges is bounded.
#pragma once

#include <string>

#include "data/dataset.h"
#include "tools/app/cli/arguments.h"
#include "tools/app/cli/console.h"
#include "tools/app/run/caching.h"
#include "tools/app/run/options.h"
#include "tools/app/run/session.h"

namespace firn::cli {

void declare_memory(Arguments& arguments, std::string& memory);

/// What a limit leaves to whom. A part of the data that would take more than an eighth stays in its file, or
/// is brought into one; features beyond a quarter go to a file, of which a sixteenth is resident. The rest is
/// for the program and for pictures that are being decoded.
class MemoryLimit {
 public:
  /// `text`: as `parse_bytes` takes it; empty: there is none. Throws Error(usage).
  explicit MemoryLimit(const std::string& text);

  bool given() const { return bytes_ > 0; }
  /// `console` is told what takes long, and must outlive the data's opening.
  void share(DataOptions& data, Console& console) const;
  void share(DataOptions& data, CacheChoice& cache, Console& console) const;
  /// Resident bytes of data that was opened so: as many as it takes, or its share.
  double data_bytes(const DataParts& data) const;
  double feature_bytes() const { return static_cast<double>(bytes_ / kFeatures); }
  /// "about 312 MB resident, of --memory 500 MB"
  std::string text(double resident) const;
  /// Throws Error(usage) where more is needed.
  void check(double resident) const;
  /// Of a process that asks the model about the session's data, batch by batch, and keeps `answers` bytes:
  /// checked, and said. Does nothing without a limit.
  void check_judging(const Session& session, ProgramCache& programs, Index batch, double answers,
                     Console& console) const;

 private:
  static constexpr Index kPart = 8, kFeatures = 4, kFeatureFile = 16;
  Index bytes_ = 0;
};

}  // namespace firn::cli
