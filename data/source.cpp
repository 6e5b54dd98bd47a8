#include "data/source.h"

#include <fmt/core.h>

#include "data/digits.h"
#include "engine/base/error.h"
#include "engine/base/glob.h"

namespace firn {

namespace {

DataParts digits(const std::string&, const DataOptions&) {
  return open_digits();
}

constexpr DataSource kSources[] = {
    {"digits", "1,797 handwritten digits of 8 x 8 (UCI, CC BY 4.0), embedded", false, digits, nullptr},
};

}  // namespace

std::vector<DataSource> data_sources() {
  return {std::begin(kSources), std::end(kSources)};
}

DataParts open_data(const std::string& spec, const DataOptions& options) {
  std::vector<std::string> names;
  for (const DataSource& source : kSources) {
    if (source.name == spec) return source.open({}, options);
    names.emplace_back(source.name);
  }
  throw Error(Fault::usage, "data", fmt::format("unknown data '{}'{}", spec, did_you_mean(spec, names)));
}

}  // namespace firn
