// What a call threw.
#pragma once

#include <optional>
#include <string>

#include "engine/base/error.h"

namespace firn::test {

/// The error that `call` throws; nothing when it throws none. Other exceptions pass.
template <class Call>
std::optional<Error> error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  return {};
}

/// Whether `call` throws an error of this fault whose line holds `part`.
template <class Call>
bool fails_with(Fault fault, const std::string& part, Call call) {
  const std::optional<Error> error = error_of(call);
  return error && error->fault() == fault && std::string(error->what()).find(part) != std::string::npos;
}

}  // namespace firn::test
