// Plain text for a language model, from a file: windows of it, or Error(data).
#include "data/language.h"
#include "engine/base/bytes.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace firn;
  return test::fuzz(data, size, [](auto bytes) {
    test::put_file("text.txt", as_text(bytes));
    DataOptions options;
    options.window = 8;
    open_text(test::fuzz_folder() + "/text.txt", options);
  });
}
