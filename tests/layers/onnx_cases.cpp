// onnx_cases FOLDER: writes every model and kind of layer as ONNX, with samples and firn's logits beside it,
// for check_onnx.py to hold against other programs.
#define DOCTEST_CONFIG_DISABLE
#include <doctest/doctest.h>

#include <cstdio>
#include <string>

#include "data/npy.h"
#include "engine/base/error.h"
#include "layers/foreign/export.h"
#include "layers/foreign/import.h"
#include "layers/weights.h"
#include "tests/layers/export_networks.h"

namespace {

using namespace firn;
using namespace firn::test;

void put(const Model& model, const std::string& folder, const std::string& name) {
  const Feeds feeds = make_feeds(model, 3);
  const bool image = feeds.x.shape().rank() == 4;
  save_npy(folder + "/" + name + ".x.npy", image ? feeds.x.permuted(std::vector<int>{0, 3, 1, 2}) : feeds.x);
  if (feeds.lengths.defined()) save_npy(folder + "/" + name + ".lengths.npy", feeds.lengths);
  save_npy(folder + "/" + name + ".logits.npy", logits(model, feeds));
  export_onnx(model, folder + "/" + name + ".onnx");
  export_onnx(model, folder + "/" + name + ".folded.onnx", {.fold = true});
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) {
    std::fputs("usage: onnx_cases FOLDER\n", stderr);
    return 2;
  }
  try {
    const std::string folder = words[1];
    for (const ModelPtr& model : export_models()) put(*model, folder, model->name());
    for (const char* name : kSharedNetworks) {
      const std::string file = shared_folder() + "/models/" + name + "/model.pt2";
      if (!std::filesystem::exists(file)) continue;
      const ImportedNetwork network = import_network(file);
      const ModelPtr model =
          make_network(name, parse_network(network.text, name), name, network.input, network.classes);
      load_weights(*model, network.file, name);
      put(*model, folder, std::string("shared_") + name);
    }
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
