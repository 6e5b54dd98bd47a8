// Where the path of an output leads: to a file that is replaced, or to something that is written into.
#pragma once

#include <sys/types.h>

#include <string>

namespace firn {

struct WritePlace {
  std::string path;     ///< behind all symbolic links
  bool into = false;    ///< a device, a FIFO, an open descriptor: never replaced
  int descriptor = -1;  ///< this process's own, as "-" and /dev/stdout name it; -1: `path` is opened
  bool exists = false;  ///< the file that is to be replaced
  mode_t mode = 0;      ///< and what it keeps
  uid_t owner = 0;
  gid_t group = 0;
};

/// "-" is stdout; /dev/stdout, /dev/fd/N and /proc/self/fd/N are those descriptors, whatever is behind them;
/// anything else that is no regular file is opened and written into; of a regular file and of a name that is
/// free the links are followed. Throws Error(failure) for a folder, a ring of links, and a file that may not
/// be written.
WritePlace write_place(const std::string& path);

/// Whether what is written to `path` goes to this process's stdout.
bool leads_to_stdout(const std::string& path);

}  // namespace firn
