#include "tools/app/record/network_folder.h"

#include <fmt/core.h>
#include <sys/vfs.h>

#include <filesystem>

namespace firn::cli {

std::string network_file_system(std::uint64_t magic) {
  struct Known {
    std::uint32_t magic;
    const char* name;
  };
  // statfs(2); of those that its table lacks the sources: BeeGFS, GPFS, OrangeFS, Lustre.
  constexpr Known kKnown[] = {
      {0x6969, "NFS"},          {0x517B, "SMB"},       {0xFF534D42, "CIFS"}, {0xFE534D42, "SMB"},
      {0x0BD00BD0, "Lustre"},   {0x47504653, "GPFS"},  {0x00C36400, "Ceph"}, {0x19830326, "BeeGFS"},
      {0x20030528, "OrangeFS"}, {0x5346414F, "AFS"},   {0x6B414653, "AFS"},  {0x73757245, "Coda"},
      {0x01161970, "GFS2"},     {0x7461636F, "OCFS2"},
  };
  for (const Known& known : kKnown) {
    if ((magic & 0xFFFFFFFF) == known.magic) return known.name;
  }
  return {};
}

std::string network_file_system_of(const std::string& path) {
  struct statfs place {};
  const std::string folder = std::filesystem::path(path).parent_path().string();
  if (::statfs(path.c_str(), &place) != 0 && ::statfs(folder.empty() ? "." : folder.c_str(), &place) != 0)
    return {};
  return network_file_system(static_cast<std::uint64_t>(place.f_type));
}

std::string wal_refusal(const std::string& path) {
  const std::string name = network_file_system_of(path);
  if (name.empty()) return {};
  return fmt::format(
      "{} lies on {}: SQLite's write-ahead log wants memory that all its writers share, which machines do "
      "not, "
      "and a second one would damage it; a rollback journal is kept instead, and one process writes",
      path, name);
}

}  // namespace firn::cli
