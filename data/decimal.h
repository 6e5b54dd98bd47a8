// Numbers as tables write them.
#pragma once

#include <string_view>

namespace firn {

enum class Decimal {
  finite,    ///< also what is so small that it rounds to zero
  infinite,  ///< "inf", or too large for a float
  none,      ///< no number; NaN is none
};

/// Reads all of `text` as a decimal number, with a sign and an exponent or not, into the nearest float.
/// `point` parts the whole from the fraction: '.' or ','. `value` is set where the number is finite.
Decimal read_decimal(std::string_view text, float& value, char point = '.');
Decimal read_decimal(std::string_view text, double& value, char point = '.');

}  // namespace firn
