// Patterns on dotted names, and the nearest name to a mistyped one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace firn {

/// Whether all of `text` matches: `*` any characters, dots among them; `?` one character; `[a-z]`, `[!a-z]`
/// one character of a set (or not of it). A `[` that is never closed stands for itself.
bool glob_match(std::string_view pattern, std::string_view text);

/// Changes that turn a into b: characters inserted, deleted, replaced, neighbours swapped; no part is changed
/// twice (Damerau 1964, the restricted distance). ASCII letters of either case are equal.
int edit_distance(std::string_view a, std::string_view b);

/// The candidate nearest to `wanted`, the first of equals; empty when even that one is more than 1 + a third
/// of `wanted` away.
std::string nearest_name(std::string_view wanted, std::span<const std::string> candidates);

/// " (did you mean NAME?)" for the nearest candidate, or nothing.
std::string did_you_mean(std::string_view wanted, std::span<const std::string> candidates);

}  // namespace firn
