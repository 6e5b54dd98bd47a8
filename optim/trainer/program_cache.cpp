#include "optim/trainer/program_cache.h"

#include <algorithm>

namespace firn {

ProgramCache::ProgramCache(const Model& model, ProgramSettings settings)
    : model_(model), settings_(std::move(settings)), parameters_(model.parameters()) {
  wanted_.flags.resize(parameters_.size());
}

Program& ProgramCache::find(Kind kind, Index batch, const Shape& sample, const Seam* from, const Seam* to) {
  const bool training = kind == Kind::training;
  wanted_.kind = kind;
  wanted_.from = from != nullptr ? from->child : 0;
  wanted_.to = to != nullptr ? to->child : 0;
  wanted_.batch = batch;
  wanted_.sample.assign(sample.sizes().begin(), sample.sizes().end());
  wanted_.live.clear();
  // What is frozen decides what an inference computes in bf16.
  const bool matter = training || settings_.frozen_precision == Precision::bf16;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Parameter& parameter = *parameters_[i].parameter;
    wanted_.flags[i] = matter && parameter.trainable();
    const Live* live = training ? parameter.live() : nullptr;
    for (std::size_t j = 0; live != nullptr && j < live->ranges.size(); ++j) {
      wanted_.live.emplace_back(i, live->ranges[j]);
    }
  }
  const auto found = programs_.find(wanted_);
  ++clock_;
  if (found != programs_.end()) {
    found->second.asked = clock_;
    return *found->second.program;
  }
  const Key key = wanted_;  // compiling the head's step asks for the whole one
  std::unique_ptr<Program> program = compile(kind, batch, sample, from, to);
  if (programs_.size() >= kMost) forget_oldest();
  ++compiled_;
  return *programs_.emplace(key, Entry{std::move(program), clock_}).first->second.program;
}

std::unique_ptr<Program> ProgramCache::compile(Kind kind, Index batch, const Shape& sample, const Seam* from,
                                               const Seam* to) {
  Graph::Options options;
  options.mode = kind == Kind::training ? Mode::train : Mode::infer;
  options.seed = settings_.seed;
  options.batch_statistics = settings_.batch_statistics;
  options.dropout_in_frozen = settings_.dropout_in_frozen;
  options.exact = settings_.exact;
  options.frozen_precision = settings_.frozen_precision;
  ProgramOptions program_options;
  program_options.fuse = settings_.fuse;
  program_options.workspace = workspace_;
  if (kind == Kind::features) {
    return Program::inference(model_.features_graph(batch, sample, *to, options, from), program_options);
  }
  if (kind == Kind::inference) {
    return Program::inference(from != nullptr ? model_.head_inference_graph(batch, *from, options)
                                              : model_.inference_graph(batch, sample, options),
                              program_options);
  }
  if (from != nullptr) program_options.slice_rows = training(batch, sample).plan().slice_rows;
  Model::Training built = from != nullptr ? model_.head_training_graph(batch, *from, options, settings_.loss)
                                          : model_.training_graph(batch, sample, options, settings_.loss);
  return Program::training(std::move(built.graph), built.loss, program_options);
}

void ProgramCache::forget_oldest() {
  programs_.erase(std::min_element(programs_.begin(), programs_.end(), [](const auto& a, const auto& b) {
    return a.second.asked < b.second.asked;
  }));
}

Program& ProgramCache::training(Index batch, const Shape& sample) {
  return find(Kind::training, batch, sample);
}

Program& ProgramCache::inference(Index batch, const Shape& sample) {
  return find(Kind::inference, batch, sample);
}

Program& ProgramCache::head_training(Index batch, const Shape& sample, const Seam& seam) {
  return find(Kind::training, batch, sample, &seam);
}

Program& ProgramCache::head_inference(Index batch, const Seam& seam) {
  return find(Kind::inference, batch, seam.features, &seam);
}

Program& ProgramCache::features(Index batch, const Shape& sample, const Seam& to, const Seam* from) {
  return find(Kind::features, batch, from != nullptr ? from->features : sample, from, &to);
}

}  // namespace firn
