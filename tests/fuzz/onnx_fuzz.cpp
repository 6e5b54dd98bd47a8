// Any bytes as an ONNX model: a network, or one typed error.
#include "layers/foreign/blocks.h"
#include "layers/foreign/export.h"
#include "layers/foreign/onnx.h"
#include "layers/network/text.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return firn::test::fuzz(data, size,
                          [](auto bytes) {
                            firn::read_own_onnx(bytes, "fuzz");
                            const firn::ForeignGraph graph = firn::read_onnx(bytes, "fuzz");
                            firn::network_text(firn::foreign_blocks(firn::Translator(graph).run()));
                          },
                          {firn::Fault::model_file});
}
