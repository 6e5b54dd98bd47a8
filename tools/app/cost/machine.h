// What has been measured of this machine, kept from one run of the program to the next.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/program/price.h"
#include "optim/optimizer.h"

namespace firn::cli {

/// Makes optimizers of one kind; one is used for one list of parameters.
using OptimizerMaker = std::function<std::unique_ptr<Optimizer>()>;

/// Times of kernels, of the optimizer and of the threads, and the peak; each is measured when it is asked for
/// first. The file is machine.json in $XDG_CACHE_HOME/firn, else in $HOME/.cache/firn; without either of
/// them, or where it cannot be written, everything is measured in every run. It holds for one processor, its
/// number of cores and one build of the program: another one begins anew, and so does a file that is damaged.
class Machine {
 public:
  /// Reads the file; `anew`: forgets it.
  explicit Machine(bool anew);

  Overheads overheads(int threads);
  /// GFLOP/s of the instruction set in force, so many times that of one thread.
  double peak(int threads);
  /// Seconds of a step of this optimizer for parameters of these counts of numbers.
  double optimizer_seconds(const OptimizerMaker& make, const std::vector<Index>& counts, int threads);
  PriceList& prices() { return numbers_; }
  /// Any other number that is not negative; `measure` gives it when it is not known.
  double number(const std::string& key, const std::function<double()>& measure);

  /// Writes what is new. Never throws: what cannot be kept is measured again.
  void save();
  /// "" where nothing is kept.
  const std::string& path() const { return path_; }
  Index measured() const { return static_cast<Index>(numbers_.size() - known_); }

 private:
  void read();

  std::string path_;
  PriceList numbers_;  // prices by their keys, all else by words
  std::size_t known_ = 0;
};

/// $XDG_CACHE_HOME/firn/NAME, $HOME/.cache/firn/NAME, or "".
std::string cache_file(const std::string& name);

}  // namespace firn::cli
