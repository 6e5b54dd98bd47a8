// Whether a file lies with another machine.
#pragma once

#include <cstdint>
#include <string>

namespace firn::cli {

/// The name of a file system, by the number that statfs(2) gives it, that several machines may write at a
/// time: "NFS", "Lustre"; empty for one of this machine's own.
std::string network_file_system(std::uint64_t magic);
/// Of the file, or of the folder that it would lie in.
std::string network_file_system_of(const std::string& path);

/// Why SQLite's write-ahead log is not used for that file; empty where it is.
/// https://www.sqlite.org/wal.html, section 1: "All processes using a database must be on the same host".
std::string wal_refusal(const std::string& path);

}  // namespace firn::cli
