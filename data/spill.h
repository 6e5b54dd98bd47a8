// Numbers one behind the other, of which it shows only in the end how many there are.
#pragma once

#include <fmt/core.h>

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data/options.h"
#include "data/scratch_file.h"

namespace firn {

/// Keeps them in memory, or where they are too many for it in a file without a name in `options.store`, which
/// is said before.
template <class Number>
class Spill {
 public:
  /// `what` they are: "the tokens of table.tsv".
  Spill(const DataOptions& options, std::string what) : options_(options), what_(std::move(what)) {}

  /// Those that are not in the file yet: what is put behind them is kept.
  std::vector<Number>& pending() { return pending_; }
  /// To be called now and then, with the bytes read so far and of all: what memory is too small for is
  /// written.
  void settle(std::uint64_t read, std::uint64_t all) {
    const std::uint64_t bytes = pending_.size() * sizeof(Number);
    if (file_ ? bytes < kTogether : !options_.too_large(bytes)) return;
    if (!file_) {
      if (options_.say) {
        const double expected =
            static_cast<double>(bytes) / static_cast<double>(read) * static_cast<double>(all);
        options_.say(
            fmt::format("{} are written into a file in {} that ends with this process, about {:.2f} GB",
                        what_, options_.store, expected / 1e9));
      }
      file_.emplace(options_.store, 0);
    }
    write();
  }
  /// The file, where there is one: all are in it then. Else they are pending.
  FileReaderPtr finish() {
    if (!file_) return nullptr;
    write();
    return file_->reader();
  }

 private:
  static constexpr std::uint64_t kTogether = std::uint64_t{1} << 18;  // bytes

  void write() {
    file_->write(std::as_bytes(std::span(pending_)));
    if (pending_.capacity() * sizeof(Number) > 2 * kTogether) pending_ = {};
    pending_.clear();
  }

  const DataOptions& options_;
  std::string what_;
  std::vector<Number> pending_;
  std::optional<ScratchFile> file_;
};

}  // namespace firn
