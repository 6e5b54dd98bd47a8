#include "tools/app/cost/machine.h"

#include <fmt/core.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/base/atomic_file.h"
#include "engine/base/bytes.h"
#include "engine/base/cores.h"
#include "engine/base/cpu.h"
#include "engine/base/json_read.h"
#include "engine/base/parallel.h"
#include "engine/base/rng.h"
#include "tools/app/cli/json.h"
#include "tools/app/cli/version.h"
#include "tools/app/cost/timing.h"

namespace firn::cli {

namespace {

constexpr std::uint64_t kLargest = 16 << 20;  // bytes of the file

std::string machine_name() {
  return fmt::format("{}; {} cores; firn {} {}; {}", cpu_name(), cpu_count(), version(), commit(),
                     compiler());
}

/// The numbers of a file that is whole and of this machine; empty for any other.
PriceList parse(std::string_view text) {
  const nlohmann::json file = try_json(text, {.bytes = kLargest, .depth = 2});
  if (!file.is_object() || file.value("schema", nlohmann::json()) != kJsonSchema ||
      file.value("machine", nlohmann::json()) != machine_name())
    return {};
  PriceList numbers;
  const auto found = file.find("numbers");
  if (found == file.end() || !found->is_object()) return {};
  for (const auto& [key, value] : found->items()) {
    const double number = value.is_number() ? value.get<double>() : -1;
    if (!(number >= 0 && std::isfinite(number))) return {};
    numbers[key] = number;
  }
  return numbers;
}

/// GFLOP/s of multiply-adds in registers, in this thread's own time.
double own_peak() {
  const PeakKernels& peak = kernels().peak;
  constexpr Index kCalls = 100'000;
  const double seconds =
      median_own_seconds(0.03, 1, [&] { peak.multiply_add(kCalls, real(0.999), real(0.001)); });
  return 2e-9 * static_cast<double>(peak.chains * kCalls) / seconds;
}

double measure_optimizer(Optimizer& optimizer, const std::vector<Index>& counts, Index all, int threads) {
  Tensor gradient(Shape{all});
  Random random(1, "optimizer");
  for (real& value : gradient.values()) value = static_cast<real>(random.uniform(-1e-3, 1e-3));
  std::vector<ParameterPtr> parameters;
  std::vector<GradientView> gradients;
  Index at = 0;
  for (const Index count : counts) {
    parameters.push_back(std::make_shared<Parameter>("", Tensor(Shape{count}), Role::weight));
    gradients.push_back({parameters.back().get(), gradient.data() + at, count});
    at += count;
  }
  const int before = thread_count();
  set_thread_count(threads);
  const double seconds = median_own_seconds(0.03, threads, [&] { optimizer.step(gradients); });
  set_thread_count(before);
  return seconds;
}

}  // namespace

std::string cache_file(const std::string& name) {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  if (cache != nullptr && *cache == '/') return std::string(cache) + "/firn/" + name;
  return home != nullptr && *home == '/' ? std::string(home) + "/.cache/firn/" + name : "";
}

Machine::Machine(bool anew) : path_(cache_file("machine.json")) {
  if (!anew) read();
  known_ = numbers_.size();
}

void Machine::read() {
  std::error_code failed;
  if (path_.empty() || !std::filesystem::is_regular_file(path_, failed)) return;
  try {
    numbers_ = parse(as_text(read_file(path_, Fault::failure, kLargest)));
  } catch (const Error&) {
    numbers_.clear();
  }
}

double Machine::number(const std::string& key, const std::function<double()>& measure) {
  const auto found = numbers_.find(key);
  if (found != numbers_.end()) return found->second;
  const double measured = measure();
  return numbers_[key] = measured;
}

Overheads Machine::overheads(int threads) {
  std::optional<Overheads> both;
  const auto get = [&] {
    if (!both) both = measure_overheads(threads);
    return *both;
  };
  return {number(fmt::format("region, {} threads", threads), [&] { return get().region; }),
          number(fmt::format("barrier, {} threads", threads), [&] { return get().barrier; })};
}

double Machine::peak(int threads) {
  return threads * number(fmt::format("GFLOP/s, {}", isa_name(selected_isa())), [] { return own_peak(); });
}

double Machine::optimizer_seconds(const OptimizerMaker& make, const std::vector<Index>& counts, int threads) {
  Index all = 0;
  for (const Index count : counts) all += count;
  if (all == 0) return 0;
  const auto optimizer = make();
  return number(fmt::format("step of {}, {} tensors, {} numbers, {} threads", optimizer->text(),
                            counts.size(), all, threads),
                [&] { return measure_optimizer(*optimizer, counts, all, threads); });
}

void Machine::save() {
  if (path_.empty() || measured() == 0) return;
  JsonObject numbers;
  for (const auto& [key, value] : numbers_) numbers.add(key, value);
  JsonObject file;
  file.add("schema", kJsonSchema).add("machine", machine_name()).add("numbers", numbers);
  try {
    std::filesystem::create_directories(std::filesystem::path(path_).parent_path());
    atomic_write(path_, file.text() + "\n");
    known_ = numbers_.size();
  } catch (const std::exception&) {
    path_.clear();
  }
}

}  // namespace firn::cli
