// What the shape rules of the operations share.
#pragma once

#include <fmt/core.h>

#include <span>
#include <string>
#include <string_view>

#include "engine/base/error.h"
#include "engine/graph/graph.h"

namespace firn {

/// Throws Error(usage): `[op] message (layer where)`.
[[noreturn]] inline void shape_error(std::string_view op, const std::string& where,
                                     const std::string& message) {
  throw Error(Fault::usage, op, where.empty() ? message : fmt::format("{} (layer {})", message, where));
}

/// Throws unless the two shapes are the same.
inline void require_same(std::string_view op, const std::string& where, const Shape& a, const Shape& b) {
  if (a != b) shape_error(op, where, fmt::format("shapes {} and {} differ", a.text(), b.text()));
}

/// Throws unless input i holds elements of this type.
inline void require_type(std::string_view op, const std::string& where, const Spec& spec, DType type,
                         std::string_view what) {
  if (spec.type != type) {
    shape_error(op, where,
                fmt::format("{} {} must hold {}", what, spec.shape.text(),
                            type == DType::int32 ? "indices" : "numbers"));
  }
}

/// Rows of a (..., columns) value in this call.
inline Index rows_of(const Call& call, int input) {
  const Index columns = call.in_shape(input)[-1];
  return columns > 0 ? call.in_count(input) / columns : 0;
}

}  // namespace firn
