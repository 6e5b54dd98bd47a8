// `firn bench compare`: firn's steps against a peer's, pair by pair.
#pragma once

#include "tools/app/bench/options.h"

namespace firn::cli {

/// For each model and way of freezing `pairs` pairs of measurements, one of the peer and one of firn right
/// after another, in turns the one and the other first; printed is the median of the pairs' ratios firn /
/// peer with its quartiles, for a step and for a forward pass, and the resident memory of both.
///
/// The peer is the shell's command `peer` followed by --models M --freeze F --threads T --seconds S, with
/// OMP_NUM_THREADS=T; it prints a JSON object on a line with model, freeze, batch, step_ms, forward_ms and
/// rss_mb. With several `peer_threads` the better of its times counts. firn measures in a process of its own
/// as well: both begin cold, their peak memory is that of the one row, and no threads or caches of one
/// are around while the other is timed.
///
/// Throws Error(failure) when the peer fails or prints no such row.
void bench_compare(const BenchOptions& options, Console& console);

}  // namespace firn::cli
