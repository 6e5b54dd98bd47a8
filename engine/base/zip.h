// Zip archives: what numpy.savez and torch.export.save write.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/error.h"

namespace firn {

/// Which members are read, and how a fault is named.
struct ZipRule {
  std::string operation = "zip";
  Fault fault = Fault::data;
  std::string kind = "zip";       ///< of archive: ".npz"
  std::string member = "member";  ///< what one is called
  std::string_view ending = {};   ///< others are passed over; it is no part of the names
  bool stored = false;            ///< members that are packed are refused
};

struct ZipEntry {
  std::string name;
  bool deflated = false;
  std::uint32_t crc = 0;              ///< of what is unpacked
  std::uint64_t size = 0;             ///< unpacked
  std::uint64_t at = 0;               ///< where `packed` begins in the file
  std::span<const std::byte> packed;  ///< as it lies in the file
};

/// The members of an archive, in its order. Throws Error with the offset for what is no archive of members
/// stored or deflated, for two of one name, and for one that claims to unpack to more than 100 times the
/// file.
std::vector<ZipEntry> read_zip(std::span<const std::byte> bytes, const std::string& path,
                               const ZipRule& rule = {});

/// The bytes of a member. Throws Error where it has not the size or the check sum that it claims.
std::vector<std::byte> unpack(const ZipEntry& entry, const std::string& path, const ZipRule& rule = {});
/// Throws unless `bytes`, which are the unpacked ones, have the check sum of the archive's list.
void check_sum(const ZipEntry& entry, std::span<const std::byte> bytes, const std::string& path,
               const ZipRule& rule = {});

}  // namespace firn
