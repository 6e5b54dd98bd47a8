// What the cells and origins of a plan take, and what they share.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "engine/base/real.h"

namespace firn::cli {

/// Frozen features that a cell wants: who wants them first computes them.
struct SharedNeed {
  std::size_t features = 0;       ///< which: of one frozen part
  double seconds = 0;             ///< of a sample
  std::vector<std::size_t> sets;  ///< of samples, in `WorkForecast::sets`
};

/// Processor seconds that a plan takes, predicted.
struct WorkForecast {
  std::vector<double> cells;                     ///< by cell, without what it may share
  std::vector<std::optional<SharedNeed>> needs;  ///< by cell; empty: none has any
  std::vector<std::vector<Index>> sets;          ///< of samples, by numbers from 0 that all sets share
  std::vector<double> origins;                   ///< by origin
  double before = 0;                             ///< on one thread: data read
  std::vector<double> timings;                   ///< on one thread: steps whose cost is measured
  std::vector<std::vector<std::size_t>> timed;   ///< by cell: which of them it wants; empty: none has any
  double after = 0, after_cell = 0;              ///< on one thread: tables and page; more for each cell
  double pictures = 0;  ///< by the clock: of a look inside, which a budget leaves out where it does not fit

  /// By cell, each with the features that no cell before it has computed.
  std::vector<double> cells_in_order() const;
  /// Of tables and page.
  double end() const { return after + after_cell * static_cast<double>(cells.size()); }
  /// Of what is done on one thread.
  double alone() const;
  /// Of the whole on so many threads, by the clock.
  double wall(int threads) const;
  /// Of these cells and origins alone, in this order, and of no pictures.
  WorkForecast of(std::span<const std::size_t> some_cells, std::span<const std::size_t> some_origins) const;
};

/// What cells have had computed or measured.
class SharedWork {
 public:
  explicit SharedWork(const WorkForecast& work) : work_(work) {}
  /// Has the cell compute what is missing of its features; the seconds of that.
  double add(std::size_t cell);
  /// Has what is missing of its timings made.
  double time(std::size_t cell);
  /// What is known of all that these cells want.
  SharedWork of(std::span<const std::size_t> cells) const;

 private:
  struct Computed {
    std::set<std::size_t> sets;
    std::vector<bool> samples;
  };
  const WorkForecast& work_;
  std::map<std::size_t, Computed> computed_;  // by features
  std::set<std::size_t> timed_;
};

}  // namespace firn::cli
