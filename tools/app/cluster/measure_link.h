// What lies between the ranks of a run, measured.
#pragma once

#include <string>

#include "engine/base/communicator.h"
#include "engine/program/rank_time.h"

namespace firn::cli {

/// Between rank 0 and the last one, in some milliseconds; the others wait for nothing. Rank 0 has the result,
/// others zeros. The bytes that are sent so count nowhere.
Link measure_link(Communicator& ranks);

/// "0.05 ms and 9.4 Gbit/s between them"
std::string link_text(const Link& link);

}  // namespace firn::cli
