// The text of a network: it is made, written and read back, or refused with Error(usage); what a hostile file
// says of sizes costs no memory.
#include <string>

#include "engine/base/bytes.h"
#include "layers/network/network.h"
#include "layers/parameter_budget.h"
#include "tests/fuzz/fuzz.h"

using namespace firn;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > 4096) return 0;
  return test::fuzz(
      data, size,
      [](auto bytes) {
        static const InputSpec inputs[] = {{Shape{8, 8, 2}}, {Shape{6, 5}}, {Shape{7}}, {Shape{6}, 9, true}};
        const InputSpec& input = inputs[static_cast<unsigned>(bytes[0]) % 4];
        const ParameterBudget budget(1 << 16);
        const ModelPtr model =
            make_network("fuzz", parse_network(as_text(bytes.subspan(1)), "fuzz"), "fuzz", input, 3);
        const std::string text = network_text(model->spec());
        const ModelPtr again = make_network("fuzz", parse_network(text, "again"), "again", input, 3);
        if (network_text(again->spec()) != text) __builtin_trap();
      },
      {Fault::usage, Fault::model_file});
}
