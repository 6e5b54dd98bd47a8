// Any bytes as a .pt2, and as the graph and the list of weights within one: a network, or one typed error.
#include "engine/base/bytes.h"
#include "layers/foreign/blocks.h"
#include "layers/foreign/pt2.h"
#include "layers/network/text.h"
#include "tests/fuzz/fuzz.h"
#include "tests/layers/foreign_write.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace firn;
  return test::fuzz(data, size,
                    [](auto bytes) {
                      const auto read = [](std::span<const std::byte> file) {
                        network_text(foreign_blocks(Translator(read_pt2(file, "fuzz")).run()));
                      };
                      if (bytes.size() > 1 && bytes[0] == std::byte{'P'}) return read(bytes);
                      test::Pt2Parts parts = test::small_pt2();
                      const std::string text(as_text(bytes.subspan(std::min<std::size_t>(1, bytes.size()))));
                      (bytes.size() > 0 && bytes[0] == std::byte{'w'} ? parts.weights : parts.graph) = text;
                      read(as_bytes(test::pt2(parts)));
                    },
                    {Fault::model_file});
}
