// A program in words: the teaching view.
#pragma once

#include <string>

#include "engine/program/program.h"

namespace firn {

/// Every step with what it computes, what is kept and for whom, every gradient left out and why, and the
/// totals.
std::string listing(const Program& program);

/// "1.50 M", "12.3 k": a number with three digits and a decimal prefix.
std::string short_number(double value);
/// "1.50 MiB": bytes with a binary prefix.
std::string short_bytes(double bytes);

}  // namespace firn
