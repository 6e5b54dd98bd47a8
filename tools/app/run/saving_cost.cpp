#include "tools/app/run/saving_cost.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>
#include <span>
#include <system_error>

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/seconds.h"
#include "engine/base/sha256.h"
#include "tools/app/run/folder.h"
#include "tools/app/run/freezing.h"
#include "tools/app/run/keeper.h"

namespace firn::cli {

namespace {

/// A name in a folder; what lies there goes with it. Of a process that is killed the next one that holds the
/// folder takes it away.
class PassingFile {
 public:
  explicit PassingFile(const std::string& folder)
      : path_(fmt::format("{}/.firn.{}-price.tmp", folder, ::getpid())) {}
  ~PassingFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  PassingFile(const PassingFile&) = delete;
  PassingFile& operator=(const PassingFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

double write_seconds(const std::string& path, const std::string& text) {
  const double begin = seconds_now();
  Sha256().update(std::as_bytes(std::span(text))).hex();
  atomic_write(path, text);
  return seconds_since(begin);
}

}  // namespace

FilePrices file_prices(const std::string& folder, Machine& machine, double small_file) {
  constexpr int kFileTimes = 4;
  constexpr std::size_t kSmallFile = 1000, kLargeFile = 4 << 20;
  FilePrices prices{.file = small_file};
  try {
    const PassingFile file(folder);
    const auto seconds = [&](std::size_t bytes) {
      return write_seconds(file.path(), std::string(bytes, 'x'));
    };
    if (small_file <= 0) {
      seconds(kSmallFile);
      for (int i = 0; i < kFileTimes; ++i) prices.file += seconds(kSmallFile) / kFileTimes;
    }
    prices.byte = machine.number("a byte of a file", [&] {
      return std::max(0.0, seconds(kLargeFile) - prices.file) / static_cast<double>(kLargeFile);
    });
  } catch (const Error&) {  // the run will say so
  }
  return prices;
}

double opening_seconds(const Saving& saving, const FilePrices& prices) {
  constexpr double kOpening = 2;  // config, environment
  return kOpening * prices.file + (saving.from_base ? prices.of(saving.base) : 0);
}

Saving saving_of(const Model& model, int slots, bool has_policy, bool weights) {
  Saving saving;
  std::set<const Parameter*> seen;
  double trained = 0;
  for (const NamedParameter& p : model.parameters()) {
    if (!seen.insert(p.parameter.get()).second) continue;
    const auto bytes = static_cast<double>(p.parameter->value().bytes());
    saving.weights += bytes;
    if (p.parameter->trainable()) trained += bytes;
  }
  saving.from_base = has_policy || anything_frozen(model);
  if (saving.from_base && !weights) saving.base = saving.weights;
  // Weights, those of the best epoch, the optimizer's state.
  saving.checkpoint = trained * (2 + slots);
  return saving;
}

double saving_seconds(const Saving& saving, const FilePrices& prices, Index done, Index epochs,
                      double training) {
  const double checkpoint = prices.of(saving.checkpoint);
  const auto most = [&](double every) {
    const auto left = static_cast<double>(epochs - done);
    return std::min(left, std::ceil(training / std::max(1e-9, every)));
  };
  const double checkpoints = most(RunKeeper::kShare * checkpoint) + (done == 0 ? 1 : 0);
  const double metrics = 2 * (most(RunFolder::kEvery) + 1);
  constexpr double kOthers = 4;  // confusion, metrics with the result, page, the last checkpoint
  return checkpoints * checkpoint + (metrics + kOthers) * prices.file + 2 * prices.of(saving.weights);
}

}  // namespace firn::cli
