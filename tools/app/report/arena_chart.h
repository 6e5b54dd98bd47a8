// The memory of a step as a picture: how long each value lives, and where.
#pragma once

#include <string>
#include <vector>

#include "engine/program/life_spans.h"
#include "tools/app/report/svg.h"

namespace firn::cli::report {

/// A program that was timed.
struct ArenaChart {
  std::string title;
  std::vector<LifeSpan> spans;     ///< of the program
  std::vector<const Step*> steps;  ///< in the order of running
  std::vector<double> seconds;     ///< of each of them
  Index shared_bytes = 0;          ///< that all threads see
  Index local_bytes = 0;           ///< of each thread's own
  double total_seconds() const;
};

/// One panel for each chart, beside each other and on one scale: time to the right, memory upwards, in the
/// lower band what each thread has of its own; a rectangle is a value, from its making to its last reading.
Svg draw(const std::vector<ArenaChart>& charts);
/// One panel on the scale that fits `beside` too.
Svg draw(const ArenaChart& chart, const std::vector<ArenaChart>& beside);

}  // namespace firn::cli::report
