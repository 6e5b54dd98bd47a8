// Any bytes: they are read, alone and as the test part of the same bytes, or refused with Error(data).
#include "data/csv.h"
#include "data/label_names.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace firn;
  for (const char* label : {"", "first", "2"}) {
    test::fuzz(data, size, [&](auto bytes) {
      const CsvTable table = parse_csv(bytes, "fuzz", {.label = label});
      parse_csv(bytes, "again", {}, &table, "fuzz");
      TextLabels labels{table.labels, table.classes};
      TextLabels* const parts[] = {&labels};
      is_measure(labels, table.survey.point);
      merge_classes(parts, table.survey.point);
    });
  }
  return test::fuzz(data, size, [](auto bytes) {
    parse_csv(bytes, "fuzz", {.features = {"a", "b"}, .feature_count = 2, .unlabelled = true});
  });
}
