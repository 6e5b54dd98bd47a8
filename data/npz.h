// The archives that numpy.savez and savez_compressed write.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace firn {

/// One array of an archive.
struct NpzEntry {
  std::string name;  ///< without ".npy"
  bool deflated = false;
  std::uint32_t crc = 0;              ///< of the .npy
  std::uint64_t size = 0;             ///< of the .npy
  std::span<const std::byte> packed;  ///< as it lies in the file
};

/// The arrays of a .npz file, in its order. Throws Error(data) with the offset for what is no zip archive of
/// arrays stored or deflated, for two of one name, and for one that claims to unpack to more than 100 times
/// the file.
std::vector<NpzEntry> read_npz(std::span<const std::byte> bytes, const std::string& path);

/// The .npy of an entry, unpacked. Throws Error(data) where it has not the size or the check sum that it
/// claims.
std::vector<std::byte> unpack(const NpzEntry& entry, const std::string& path);

}  // namespace firn
