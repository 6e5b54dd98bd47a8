#include "optim/trainer/program_cache.h"

#include <algorithm>

namespace firn {

ProgramCache::ProgramCache(const Model& model, ProgramSettings settings)
    : model_(model), settings_(std::move(settings)), parameters_(model.parameters()) {
  wanted_.flags.resize(parameters_.size());
}

Program& ProgramCache::find(bool training, Index batch, const Shape& sample) {
  wanted_.training = training;
  wanted_.batch = batch;
  wanted_.sample.assign(sample.sizes().begin(), sample.sizes().end());
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    wanted_.flags[i] = training && parameters_[i].parameter->trainable();
  }
  const auto found = programs_.find(wanted_);
  ++clock_;
  if (found != programs_.end()) {
    found->second.asked = clock_;
    return *found->second.program;
  }
  if (programs_.size() >= kMost) forget_oldest();

  Graph::Options options;
  options.mode = training ? Mode::train : Mode::infer;
  options.seed = settings_.seed;
  options.batch_statistics = settings_.batch_statistics;
  options.dropout_in_frozen = settings_.dropout_in_frozen;
  options.exact = settings_.exact;
  ProgramOptions program_options;
  program_options.fuse = settings_.fuse;
  program_options.workspace = workspace_;
  std::unique_ptr<Program> program;
  if (training) {
    Model::Training built = model_.training_graph(batch, sample, options, settings_.loss);
    program = Program::training(std::move(built.graph), built.loss, program_options);
  } else {
    program = Program::inference(model_.inference_graph(batch, sample, options), program_options);
  }
  ++compiled_;
  return *programs_.emplace(wanted_, Entry{std::move(program), clock_}).first->second.program;
}

void ProgramCache::forget_oldest() {
  programs_.erase(std::min_element(programs_.begin(), programs_.end(), [](const auto& a, const auto& b) {
    return a.second.asked < b.second.asked;
  }));
}

Program& ProgramCache::training(Index batch, const Shape& sample) {
  return find(true, batch, sample);
}

Program& ProgramCache::inference(Index batch, const Shape& sample) {
  return find(false, batch, sample);
}

}  // namespace firn
