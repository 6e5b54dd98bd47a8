#include "tools/app/verbs/merge.h"

#include <fmt/core.h>

#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "engine/base/write_place.h"
#include "optim/trainer/checkpoint.h"

namespace firn::cli {

namespace {

class Merge : public Verb {
 public:
  void declare(Arguments& arguments) override {
    arguments.example("resnet20.safetensors runs/tuned/checkpoint.safetensors -o tuned.safetensors",
                      "what a run changed, with what it began from");
    arguments.example("runs/tuned/checkpoint.safetensors -o tuned.safetensors",
                      "with the base.safetensors beside it");
    arguments.positional("BASE", first_, "the weights that the run began with; may be left out");
    arguments.positional("CHECKPOINT", second_, "a run's checkpoint");
    arguments.option("-o,--output", output_, "FILE", "the whole weights file that is written (-: to stdout)");
  }
  int run(Console& console) override;

 private:
  std::string first_, second_, output_;
};

int Merge::run(Console& console) {
  const std::string& path = second_.empty() ? first_ : second_;
  const std::string base = second_.empty() ? "" : first_;
  if (path.empty()) throw Error(Fault::usage, "merge", "a checkpoint is needed");
  if (output_.empty()) throw Error(Fault::usage, "merge", "-o FILE is needed");
  console.make_way_for(output_, {path, base});
  const Checkpoint checkpoint = load_checkpoint(path);
  if (checkpoint.base.name.empty() && !base.empty()) {
    throw Error(Fault::usage, "merge", fmt::format("{} holds all of its weights: it has no base", path));
  }
  Index changed = 0, changed_bytes = 0;
  for (const NamedTensor& item : checkpoint.state.tensors) {
    if (!item.name.starts_with("weights.")) continue;
    ++changed;
    changed_bytes += item.tensor.bytes();
  }
  const SafeTensors whole = load_whole(path, base);
  save_safetensors(output_, whole.tensors, whole.metadata);
  const auto tensors = static_cast<Index>(whole.tensors.size());
  if (console.json()) {
    console.close(JsonObject()
                      .add("checkpoint", path)
                      .add("base", checkpoint.base.name)
                      .add("base_sha256", checkpoint.base.sha256)
                      .add("output", output_)
                      .add("tensors", tensors)
                      .add("from_checkpoint", changed)
                      .add("sha256", write_place(output_).into
                                         ? sha256_hex(write_safetensors(whole.tensors, whole.metadata))
                                         : file_sha256(output_)));
  } else if (!console.quiet()) {
    console.out(fmt::format("{}: {} tensors, {} of them ({} bytes) from {}, the others from {}", output_,
                            tensors, changed, changed_bytes, path,
                            checkpoint.base.name.empty() ? "nowhere: there are none" : checkpoint.base.name));
  }
  return 0;
}

}  // namespace

VerbPtr make_merge() {
  return std::make_unique<Merge>();
}

}  // namespace firn::cli
