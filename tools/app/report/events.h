// Curves as TensorBoard reads them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace firn::cli::report {

/// CRC32C (Castagnoli; RFC 3720, appendix B.4).
std::uint32_t crc32c(std::string_view bytes);

/// A file of TensorFlow events in the making (tensorflow/core/util/event.proto, framed as records: length,
/// masked CRC32C of the length, bytes, masked CRC32C of the bytes, little-endian).
class EventFile {
 public:
  /// Begins with the version record "brain.Event:2" of this time, in seconds since 1970.
  explicit EventFile(double time);
  /// One number of a curve; `tag` names it: "loss/train".
  void scalar(std::string_view tag, std::int64_t step, double value, double time);
  const std::string& bytes() const { return bytes_; }

 private:
  void record(std::string_view event);
  std::string bytes_;
};

}  // namespace firn::cli::report
