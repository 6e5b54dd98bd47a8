#include "tools/app/bench/options.h"

#include <fmt/core.h>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "engine/base/split.h"
#include "tools/app/run/options.h"

namespace firn::cli {

namespace {

Isa find_set(const std::string& name) {
  std::vector<std::string> names;
  for (const Isa isa : kIsas) {
    names.emplace_back(isa_name(isa));
    if (names.back() == name) return isa;
  }
  throw Error(Fault::usage, "bench",
              fmt::format("--isa {}: no such instruction set{}", name, did_you_mean(name, names)));
}

}  // namespace

std::vector<Isa> available_sets() {
  std::vector<Isa> sets;
  for (const Isa isa : kIsas) {
    if (isa != Isa::naive && isa_available(isa)) sets.push_back(isa);
  }
  if (sets.empty()) sets.push_back(Isa::naive);
  return sets;
}

std::vector<Isa> chosen_sets(const std::string& sets, const std::vector<Isa>& usual) {
  if (sets.empty()) return usual;
  if (sets == "all") return available_sets();
  std::vector<Isa> chosen;
  for (const std::string& name : split(sets, ',')) {
    chosen.push_back(find_set(name));
    if (!isa_available(chosen.back()))
      throw Error(Fault::usage, "bench", fmt::format("--isa {}: this processor or build has none", name));
  }
  return chosen;
}

std::vector<Index> numbers_in(const std::string& list, const Range& range, const Asked& asked) {
  std::vector<Index> numbers;
  if (list.empty()) return numbers;
  for (const std::string& text : split(list, ',')) numbers.push_back(whole_in(text, range, asked));
  return numbers;
}

std::string machine_line() {
  return fmt::format("{}; kernels: {}", cpu_name(), isa_reason());
}

}  // namespace firn::cli
