// Files as NumPy writes them, for tests.
#pragma once

#include <string>

namespace firn::test {

/// A .npy of version 1: `descr` as "<f4", `shape` as "(2, 3)", the elements as they lie in memory.
inline std::string npy(const std::string& descr, const std::string& shape, const std::string& elements,
                       bool fortran = false) {
  const std::string header = "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") +
                             ", 'shape': " + shape + ", }          \n";
  std::string text("\x93NUMPY\x01\x00", 8);
  text += static_cast<char>(header.size() & 0xff);
  text += static_cast<char>(header.size() >> 8);
  return text + header + elements;
}

}  // namespace firn::test
