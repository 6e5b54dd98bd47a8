// A file of weights, as a verb takes it: what it says of its model, and that model with its numbers. It is
// read, or refused with Error(model_file) or Error(usage).
#include "layers/weights.h"
#include "tests/fuzz/fuzz.h"
#include "tools/app/run/recipe.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace firn;
  return test::fuzz(data, size,
                    [](auto bytes) {
                      SafeTensors file = read_safetensors(bytes, "fuzz");
                      const cli::Recipe recipe =
                          cli::read_recipe(file, "fuzz", file.metadata.contains("firn.model") ? "" : "mlp");
                      Index numbers = 0;
                      for (const NamedTensor& t : file.tensors) numbers += t.tensor.count();
                      const ModelPtr model = cli::make_model(recipe, numbers, "fuzz", false);
                      load_weights(*model, std::move(file), "fuzz");
                      cli::to_metadata(recipe);
                    },
                    {Fault::model_file, Fault::usage});
}
