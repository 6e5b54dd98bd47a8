#include "tools/app/bench/model.h"

#include <algorithm>
#include <filesystem>

#include "tools/app/run/networks.h"
#include "tools/app/run/session.h"

namespace firn::cli {

ModelEntry bench_entry(const std::string& name) {
  std::error_code code;
  if (is_known_model(name) || !std::filesystem::exists(name, code)) return find_model(name);
  SessionChoice choice;
  choice.model.weights = name;
  const Session session = open_session(choice);
  ModelEntry entry;
  entry.name = name;
  entry.default_input = session.recipe.input;
  entry.usual_classes = session.recipe.classes;
  entry.usual_batch = usual_batch(session.recipe);
  entry.make = [recipe = session.recipe](const InputSpec&, Index) { return make_model(recipe); };
  return entry;
}

BenchModel::BenchModel(const std::string& name, const std::string& freeze, Index batch, bool exact,
                       DType frozen, DType all, std::shared_ptr<StepTrace> trace) {
  const ModelEntry entry = bench_entry(name);
  batch_ = batch > 0 ? batch : entry.usual_batch;
  model_ = entry.make(entry.default_input, entry.usual_classes);
  model_->initialise(0);
  model_->set_freeze(freeze == "0" ? "none" : freeze);
  feeds_ = std::make_unique<RandomBatch>(*model_, batch_, model_->input().sample);
  ProgramSettings settings;
  settings.exact = exact;
  settings.types = {all, frozen};
  settings.trace = std::move(trace);
  programs_ = std::make_unique<ProgramCache>(*model_, settings);
  const auto parameters = model_->parameters();
  const bool trains = std::any_of(parameters.begin(), parameters.end(), [](const NamedParameter& p) {
    return p.parameter->trainable() && p.parameter->role() != Role::statistic;
  });
  optimizer_ = make_optimizer();
  if (!trains) return;
  training_ = &programs_->training(batch_, model_->input().sample);
  feeds_->feed(*training_, *model_);
}

Program& BenchModel::forward_program() {
  if (forward_ == nullptr) {
    forward_ = &programs_->inference(batch_, model_->input().sample);
    feeds_->feed(*forward_, *model_);
  }
  return *forward_;
}

void BenchModel::step() {
  if (training_ == nullptr) return forward();
  training_->run(number_++);
  optimizer_->step(training_->gradients());
}

}  // namespace firn::cli
