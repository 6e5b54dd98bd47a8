#include "tools/app/verbs/export.h"

#include <fmt/core.h>

#include <filesystem>

#include "engine/base/error.h"
#include "layers/foreign/export.h"
#include "layers/network/text.h"
#include "layers/weights.h"
#include "tools/app/run/data.h"
#include "tools/app/run/networks.h"
#include "tools/app/run/session.h"

namespace firn::cli {

namespace {

class Export : public Verb {
 public:
  void declare(Arguments& arguments) override {
    arguments.example("runs/cnn-digits-1 -o model.onnx", "a run's best weights as an ONNX model");
    arguments.example("--weights tuned.safetensors --fold -o model.onnx",
                      "batch norms as part of the convolutions before them");
    arguments.example("resnet18.pt2 -o resnet18.safetensors",
                      "weights with PyTorch's names, and the network");
    arguments.positional("RUN", word_,
                         "a run's folder or a weights file, as --weights; or a model, as --model");
    arguments.option("-o,--output", output_, "FILE", "the file that is written (-: to stdout)");
    arguments.choice("--format", format_, {"onnx", "safetensors"}, "of the file; by its ending");
    arguments.flag("--fold", fold_,
                   "batch norms become part of the weights before them: for use, not training");
    declare_model(arguments, session_.model);
    declare_input(arguments, session_.input);
  }
  int run(Console& console) override;

 private:
  void take_word();
  void take_format();

  SessionChoice session_;
  std::string word_, output_, format_;
  bool fold_ = false;
};

/// The name or text of a model, or what --weights takes.
void Export::take_word() {
  std::error_code code;
  const bool there = std::filesystem::exists(word_, code);
  const bool text = word_.find_first_of(" ,{[") != std::string::npos;
  if (word_.empty() || there || (!is_known_model(word_) && !text))
    return take_run_word(word_, session_.model, "export");
  if (!session_.model.name.empty())
    throw Error(Fault::usage, "export", fmt::format("'{}' was not expected beside --model", word_));
  session_.model.name = word_;
}

void Export::take_format() {
  if (output_.empty()) throw Error(Fault::usage, "export", "-o FILE is needed");
  if (!format_.empty()) return;
  for (const char* known : {"onnx", "safetensors"}) {
    if (output_.ends_with(std::string(".") + known)) format_ = known;
  }
  if (format_.empty())
    throw Error(Fault::usage, "export",
                fmt::format("'{}' ends with neither .onnx nor .safetensors: say --format", output_));
}

int Export::run(Console& console) {
  take_word();
  take_format();
  console.make_way_for(output_, {session_.model.weights});
  session_.purpose = Purpose::look;
  Session session = open_session(session_);
  console.notes(session.notes);
  Recipe& recipe = session.recipe;
  // What the numbers of tokens stand for is not said where there are no weights.
  for (Index token = static_cast<Index>(recipe.vocabulary.size()); token < recipe.input.vocabulary; ++token)
    recipe.vocabulary.push_back(std::to_string(token));
  ModelPtr model = session.model;
  if (fold_) {
    model = with_norms_folded(*model);
    recipe.plain_head = false;
  }
  recipe.network = network_text(model->spec());
  std::map<std::string, std::string> metadata = to_metadata(recipe);
  if (format_ == "onnx") {
    export_onnx(*model, output_, {.metadata = std::move(metadata)});
  } else {
    save_weights(*model, output_, metadata);
  }
  if (session_.model.weights.empty())
    console.note("there are no weights (--weights): the numbers are those that training begins with");
  Index numbers = 0, norms = 0, norms_before = 0;
  for (const NamedParameter& p : model->parameters()) {
    numbers += p.parameter->value().count();
    norms += p.name.ends_with(".running_var");
  }
  for (const NamedParameter& p : session.model->parameters())
    norms_before += p.name.ends_with(".running_var");
  const auto tensors = static_cast<Index>(model->parameters().size());
  if (console.json()) {
    console.close(JsonObject()
                      .add("output", output_)
                      .add("format", format_)
                      .add("model", recipe.model)
                      .add("tensors", tensors)
                      .add("numbers", numbers)
                      .add("norms_folded", norms_before - norms));
  } else if (!console.quiet()) {
    std::string line =
        fmt::format("{}: {} of {} tensors, {} numbers", output_, recipe.model, tensors, numbers);
    if (fold_) line += fmt::format("; {} of {} batch norms folded", norms_before - norms, norms_before);
    console.out(line);
  }
  return 0;
}

}  // namespace

VerbPtr make_export() {
  return std::make_unique<Export>();
}

}  // namespace firn::cli
