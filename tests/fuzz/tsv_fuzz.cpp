// Any bytes: they are read, or refused with Error(data); an option that does not fit them is Error(usage).
// The first byte chooses the options.
#include "data/tsv.h"

#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned choice = data[0];
  firn::DataOptions options;
  options.tokens = (choice & 1) != 0 ? "words" : "";
  options.lower_case = (choice & 2) != 0;
  options.header = (choice & 4) != 0 ? "yes" : (choice & 8) != 0 ? "no" : "";
  options.label = (choice & 16) != 0 ? "2" : "";
  options.unlabelled = (choice & 32) != 0;
  const char* path = (choice & 64) != 0 ? "fuzz.csv" : "fuzz.tsv";
  return firn::test::fuzz(data + 1, size - 1, [&](auto bytes) {
    try {
      firn::parse_tsv(bytes, path, options);
    } catch (const firn::Error& error) {
      if (options.label.empty() || error.fault() != firn::Fault::usage) throw;
    }
  });
}
