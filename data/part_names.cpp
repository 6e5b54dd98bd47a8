#include "data/part_names.h"

#include <algorithm>
#include <string>
#include <utility>

namespace firn {

std::optional<SetPart> part_named(std::string_view name) {
  static constexpr std::pair<std::string_view, SetPart> kNames[] = {
      {"train", SetPart::train},      {"training", SetPart::train},        {"val", SetPart::validation},
      {"valid", SetPart::validation}, {"validation", SetPart::validation}, {"dev", SetPart::validation},
      {"test", SetPart::test},        {"testing", SetPart::test}};
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b; };
  for (const auto& [known, part] : kNames) {
    if (std::equal(name.begin(), name.end(), known.begin(), known.end(), same)) return part;
  }
  return std::nullopt;
}

std::string_view part_name(SetPart part) {
  return part == SetPart::train ? "train" : part == SetPart::validation ? "validation" : "test";
}

DatasetPtr& part_of(DataParts& parts, SetPart part) {
  return part == SetPart::train ? parts.train : part == SetPart::validation ? parts.validation : parts.test;
}

}  // namespace firn
