// Text from anywhere made fit for a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace firn {

/// `text` with everything escaped that a terminal would obey or that would hide what stands there: control
/// characters and what is no UTF-8 as \x1b, C1 controls, line separators and the marks that turn the
/// direction of writing as \u202e. With `lines`, new lines and tabs stay.
std::string printable(std::string_view text, bool lines = false);

/// Bytes of the first character of a text that is not empty, where it may be shown as it is; else 0.
std::size_t shown_bytes(std::string_view text);

}  // namespace firn
