#include "optim/trainer/program_cache.h"
#include "layers/tasks/usual.h"

#include <algorithm>

namespace firn {

Graph::Options graph_options(const ProgramSettings& settings, const FreezeSet& freeze, Mode mode) {
  Graph::Options options;
  options.mode = mode;
  options.seed = settings.seed;
  options.batch_statistics = settings.batch_statistics;
  options.dropout_in_frozen = settings.dropout_in_frozen;
  options.exact = settings.exact;
  options.types = settings.types;
  options.freeze = freeze;
  options.initial_states = settings.initial_states && mode == Mode::infer;
  options.last_states = settings.last_states && mode == Mode::infer;
  return options;
}

ProgramCache::ProgramCache(const Model& model, ProgramSettings settings)
    : model_(model), settings_(std::move(settings)) {
  if (settings_.task == nullptr) settings_.task = usual_task(model);
}

Program& ProgramCache::find(Kind kind, Index batch, const ModelPart& part,
                            const std::optional<FreezeSet>& freeze) {
  wanted_.kind = kind;
  wanted_.from = part.from ? part.from->child : 0;
  wanted_.to = part.to ? part.to->child : 0;
  wanted_.batch = batch;
  wanted_.sample.assign(part.sample.sizes().begin(), part.sample.sizes().end());
  // What is frozen decides what an inference computes with narrow numbers.
  const bool in_part = settings_.types.frozen_narrow() && !settings_.types.all_narrow();
  const bool matters = kind == Kind::training || in_part;
  wanted_.freeze = !matters ? FreezeSet() : freeze ? *freeze : model_.freeze_set();
  const auto found = programs_.find(wanted_);
  ++clock_;
  if (found != programs_.end()) {
    found->second.asked = clock_;
    return *found->second.program;
  }
  const Key key = wanted_;  // compiling the head's step asks for the whole one
  std::unique_ptr<Program> program = compile(kind, batch, part, key.freeze);
  if (programs_.size() >= kMost) forget_oldest();
  ++compiled_;
  return *programs_.emplace(key, Entry{std::move(program), clock_}).first->second.program;
}

std::unique_ptr<Program> ProgramCache::compile(Kind kind, Index batch, const ModelPart& part,
                                               const FreezeSet& freeze) {
  const Graph::Options options =
      graph_options(settings_, freeze, kind == Kind::training ? Mode::train : Mode::infer);
  ProgramOptions program_options;
  program_options.fuse = settings_.fuse;
  program_options.workspace = workspace_;
  program_options.trace = settings_.trace;
  program_options.ranks = settings_.ranks;
  if (kind == Kind::inference) {
    return Program::inference(model_.inference_graph(batch, part, options), program_options);
  }
  if (part.from) program_options.slice_rows = training(batch, part.sample, freeze).plan().slice_rows;
  TrainingGraph built = training_graph(model_, task(), batch, part, options, settings_.loss);
  return Program::training(std::move(built.graph), built.loss, program_options);
}

void ProgramCache::forget_oldest() {
  programs_.erase(std::min_element(programs_.begin(), programs_.end(), [](const auto& a, const auto& b) {
    return a.second.asked < b.second.asked;
  }));
}

Program& ProgramCache::training(Index batch, const Shape& sample, std::optional<FreezeSet> freeze) {
  return find(Kind::training, batch, sample, freeze);
}

Program& ProgramCache::inference(Index batch, const Shape& sample, std::optional<FreezeSet> freeze) {
  return find(Kind::inference, batch, sample, freeze);
}

Program& ProgramCache::head_training(Index batch, const Shape& sample, const CutPoint& cut,
                                     std::optional<FreezeSet> freeze) {
  return find(Kind::training, batch, ModelPart(sample).behind(cut), freeze);
}

Program& ProgramCache::head_inference(Index batch, const CutPoint& cut, std::optional<FreezeSet> freeze) {
  return find(Kind::inference, batch, ModelPart(cut.features).behind(cut), freeze);
}

Program& ProgramCache::features(Index batch, const Shape& sample, const CutPoint& to, const CutPoint* from,
                                std::optional<FreezeSet> freeze) {
  if (from == nullptr) return find(Kind::inference, batch, ModelPart(sample).up_to(to), freeze);
  return find(Kind::inference, batch, ModelPart(from->features).behind(*from).up_to(to), freeze);
}

}  // namespace firn
