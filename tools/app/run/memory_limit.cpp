#include "tools/app/run/memory_limit.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/parallel.h"
#include "optim/trainer/program_cache.h"
#include "tools/app/cost/machine.h"
#include "tools/app/cost/step_forecast.h"

namespace firn::cli {

void declare_memory(Arguments& arguments, std::string& memory) {
  arguments.option(
      "--memory", memory, "BYTES",
      "resident at most: data and features that would take more of it lie in files and are read "
      "as they are wanted, which changes no bit; with K, M or G behind it (as much as it takes)");
}

MemoryLimit::MemoryLimit(const std::string& text) {
  if (text.empty()) return;
  bytes_ = parse_bytes(text, "memory");
  if (bytes_ < 1) throw Error(Fault::usage, "memory", fmt::format("a limit of {}", text));
}

void MemoryLimit::share(DataOptions& data, Console& console) const {
  if (!given()) return;
  data.memory = std::max<Index>(1, bytes_ / kPart);
  const std::string pictures = cache_file("pictures");
  data.store = pictures.empty() ? "." : pictures;
  data.say = [&console](const std::string& what) { console.note(what); };
}

void MemoryLimit::share(DataOptions& data, CacheChoice& cache, Console& console) const {
  if (!given()) return;
  share(data, console);
  cache.most = bytes_ / kFeatures;
  cache.resident = bytes_ / kFeatureFile;
}

namespace {

/// Of a sample, wherever its numbers are: its label, its place in a part and in an epoch's order, and what
/// drawing the parts takes for a while; of numbers ranks and a column of them; of samples of different
/// lengths where each begins. The parts of a text are contiguous, and of
/// every sixteenth of its windows the place is kept.
double bytes_beside(const DataInfo& info) {
  constexpr double kPlace = sizeof(std::uint32_t), kDrawn = 4 * kPlace, kRanked = 3 * sizeof(double);
  if (info.label_each_step) return kPlace + sizeof(std::uint64_t) / 16.0;
  const bool lengths = info.kind == DataKind::tokens || info.kind == DataKind::sequence;
  const double drawn = kDrawn + (lengths ? sizeof(Index) : 0);
  if (info.targets == TargetKind::classes) return drawn;
  return drawn + static_cast<double>(info.classes.size()) * sizeof(double) +
         (info.targets == TargetKind::numbers ? kRanked : 0);
}

}  // namespace

double MemoryLimit::data_bytes(const DataParts& data) const {
  double bytes = static_cast<double>(data.names.size() * sizeof(std::string) + data.names_of_tokens);
  for (const DatasetPtr& part : {data.train, data.validation, data.test}) {
    if (!part) continue;
    const DataInfo& info = part->info();
    const double number = info.kind == DataKind::image ? 1 : sizeof(float);
    const double samples = static_cast<double>(part->size());
    const double all = samples * static_cast<double>(info.shape.count()) * number;
    bytes += std::min(all, static_cast<double>(bytes_ / kPart)) + samples * bytes_beside(info);
  }
  return bytes;
}

std::string MemoryLimit::text(double resident) const {
  return fmt::format("about {:.0f} MB resident, of --memory {:.0f} MB", resident / 1e6,
                     static_cast<double>(bytes_) / 1e6);
}

void MemoryLimit::check(double resident) const {
  if (!given() || resident <= static_cast<double>(bytes_)) return;
  throw Error(Fault::usage, "memory",
              text(resident) + ": a smaller --batch, a smaller network, or more of it frozen takes less");
}

void MemoryLimit::check_judging(const Session& session, ProgramCache& programs, Index batch, double answers,
                                Console& console) const {
  if (!given()) return;
  Machine machine(false);
  const Program& program = programs.inference(batch, session.recipe.input.sample);
  const StepBytes step = step_bytes(*session.model, program, 0, thread_count());
  const double resident = static_cast<double>(base_bytes(thread_count(), machine) + step.all()) +
                          data_bytes(session.data) + answers;
  machine.save();
  check(resident);
  console.note(text(resident));
}

}  // namespace firn::cli
