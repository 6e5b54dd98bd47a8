// A piece of work that one process of many does: on one machine, or on several that share a folder.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace firn::cli {

/// In seconds.
struct LeaseTimes {
  double beat = 10;    ///< the holder counts up its file so often
  double stale = 120;  ///< a file of another machine that has stood still so long is of a holder that is gone
};

/// A file that says who works: "machine process beat host time". It is made and taken over by link and
/// rename, which network file systems do in one step too, and it needs neither their locks nor equal clocks:
/// who waits looks whether the file changes, by its own clock. A holder on the same machine that is dead is
/// known at once.
///
/// A lease saves work and guards nothing: a holder that sleeps longer than `stale` (a stopped virtual
/// machine) may find that another one does the same work. So the work must come to the same, whoever does it,
/// and leave its result as a whole (`atomic_write`).
class Lease {
 public:
  /// Waits until nobody holds the file `path`, and takes it; null once `over()` is true, which is asked
  /// before each try: the work is done already, or this process is to stop. The folder must be there. Throws
  /// Error(failure).
  static std::unique_ptr<Lease> take(const std::string& path, const std::function<bool()>& over,
                                     const LeaseTimes& times = {});
  /// Gives it back.
  ~Lease();
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

 private:
  Lease(std::string path, std::string owner, double beat);
  void beat_on(double seconds);
  bool mine() const;

  std::string path_, owner_;
  std::mutex guard_;
  std::condition_variable ended_;
  bool end_ = false;
  std::thread beats_;
};

}  // namespace firn::cli
