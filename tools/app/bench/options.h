// What the benchmarks of `firn bench` are asked for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/base/cpu.h"
#include "engine/base/real.h"
#include "tools/app/cli/console.h"
#include "tools/app/cli/range.h"
#include "tools/app/run/trace_file.h"

namespace firn::cli {

/// As typed; what is empty or 0 was not given, and every benchmark has its own usual value for it.
struct BenchOptions {
  std::string models, freezes;  ///< names with commas between them
  std::string sets;             ///< instruction sets with commas between them, or "all"
  std::string only;             ///< part of a kernel's name
  std::string peer;             ///< a command
  std::string peer_threads;     ///< numbers with commas between them
  std::vector<Index> threads, batches;
  Index pairs = 0;
  std::optional<double> seconds;
  bool exact = false;
  std::string precision = "fp32";      ///< of what is frozen
  std::string all_precision = "fp32";  ///< of all of it
  bool neighbour = false;
  TraceChoice trace;  ///< of step, one model and freeze

  /// The batch where a benchmark takes only one, 0 where it was not given.
  Index batch() const { return batches.empty() ? 0 : batches[0]; }
  std::vector<Index> batches_or_usual() const { return batches.empty() ? std::vector<Index>{0} : batches; }
  bool calibrate = false;  ///< forget what was measured of the machine before
};

/// One benchmark: prints its rows as soon as they are there. Throws Error.
using Benchmark = void (*)(const BenchOptions& options, Console& console);

/// Every set that this processor and build have; the naive loops only where there is nothing else.
std::vector<Isa> available_sets();
/// The sets that `sets` names, "all" being the available ones; `usual` where it is empty. Throws Error(usage)
/// for one that is unknown or not there.
std::vector<Isa> chosen_sets(const std::string& sets, const std::vector<Isa>& usual);

/// The whole numbers in "1,2,4"; none in "". Throws what `whole_in` throws.
std::vector<Index> numbers_in(const std::string& list, const Range& range, const Asked& asked);

/// "Intel Xeon; kernels: avx512: the widest that processor and build have".
std::string machine_line();

}  // namespace firn::cli
