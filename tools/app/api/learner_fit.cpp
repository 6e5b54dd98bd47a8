// How a learner is made, trained and kept.
#include "tools/app/api/learner.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "data/targets.h"
#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "layers/foreign/import.h"
#include "layers/models/input.h"
#include "layers/network/text.h"
#include "layers/tasks/registry.h"
#include "layers/units.h"
#include "layers/weights.h"
#include "tools/app/api/learner_parts.h"
#include "tools/app/cli/range.h"
#include "tools/app/run/learning.h"
#include "tools/app/run/networks.h"

namespace firn {

namespace {

/// Throws Error(usage) for a number that `firn train` would not take either.
void check_number(const char* option, double value, const cli::Range& range, bool whole) {
  if (range.holds(value)) return;
  throw Error(Fault::usage, "fit", fmt::format("{} {}: want {}", option, value, range.text(whole)));
}

void check_word(const char* option, const std::string& word, const std::vector<std::string>& known,
                const char* operation = "fit") {
  if (std::find(known.begin(), known.end(), word) != known.end()) return;
  throw Error(Fault::usage, operation,
              fmt::format("{} '{}' is none of {}{}", option, word, fmt::join(known, ", "),
                          did_you_mean(word, known)));
}

}  // namespace

void check_batch(Index batch) {
  check_number("batch", static_cast<double>(batch), cli::kBatch, true);
}

void check_options(const FitOptions& o) {
  check_batch(o.batch);
  cli::LearningChoice choice = learning_choice(o);
  cli::Settings freezing = cli::freeze_settings(choice.freeze);
  for (cli::Setting& setting : freezing) {  // by the names of `FitOptions`
    if (setting.place == cli::Setting::Place(&choice.freeze.bn)) setting.key = "frozen_norm";
    if (setting.place == cli::Setting::Place(&choice.freeze.dropout)) setting.key = "frozen_dropout";
  }
  cli::require_valid(cli::training_settings(choice.training), "fit");
  cli::require_valid(freezing, "fit");
  cli::require_valid(cli::policy_settings(choice.policy), "fit");
  cli::require_valid(cli::cache_settings(choice.cache), "fit");
  if (o.own_policy && !o.thaw.empty())
    throw Error(Fault::usage, "policy",
                "a policy and thaw exclude each other: the policy decides what thaws");
}

cli::LearningChoice learning_choice(const FitOptions& o) {
  cli::LearningChoice choice;
  cli::TrainingChoice& training = choice.training;
  training.epochs = o.epochs;
  training.optimizer = o.optimizer;
  training.rate = o.rate;
  training.momentum = o.momentum;
  training.nesterov = o.nesterov;
  training.betas = o.betas;
  training.alpha = o.alpha;
  training.epsilon = o.epsilon;
  training.decay = o.decay;
  training.schedule = o.schedule;
  training.clip = o.clip;
  training.smoothing = o.smoothing;
  training.augment = o.augment;
  training.block_rates = o.block_rates;
  training.patience = o.patience;
  training.class_weights = o.class_weights;
  choice.freeze.thaw = o.thaw;
  choice.freeze.bn = o.frozen_norm;
  choice.freeze.dropout = o.frozen_dropout;
  choice.freeze.all_precision = o.precision;
  choice.freeze.precision = o.frozen_precision;
  choice.policy = {o.policy, o.frozen_state, o.thaw_warm_up};
  choice.cache.cache = o.cache;
  choice.run.seed = o.seed;
  choice.run.batch = o.batch;
  choice.run.exact = o.exact;
  return choice;
}

namespace {

cli::Session loaded_session(const std::string& path, const std::string& model) {
  cli::SessionChoice choice;
  choice.purpose = cli::Purpose::predict;
  choice.model.weights = path;
  choice.model.name = model;
  return cli::open_session(choice);
}

/// As long as no data has said how targets are prepared.
TargetScale plain_scale(const std::string& task, Index width) {
  if (!answers_with_numbers(task)) return {};
  const auto count = static_cast<std::size_t>(width);
  return {std::vector<double>(count, 0), std::vector<double>(count, 1)};
}

/// Gives the parameters of `to` what those of the same name and shape in `from` have, `skip` aside.
void take_parameters(const Model& from, Model& to, const std::vector<NamedParameter>& skip) {
  for (const NamedParameter& p : to.parameters()) {
    const auto named = [&](const NamedParameter& other) { return other.name == p.name; };
    if (std::any_of(skip.begin(), skip.end(), named)) continue;
    const std::vector<NamedParameter> all = from.parameters();
    const auto found = std::find_if(all.begin(), all.end(), named);
    if (found == all.end() || found->parameter->shape() != p.parameter->shape()) continue;
    p.parameter->from_file(found->parameter->to_file());
    p.parameter->set_frozen_units(found->parameter->partly_frozen());
    p.parameter->set_trainable(found->parameter->trainable());
  }
}

}  // namespace

Learner::Learner(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Learner::~Learner() = default;
Learner::Learner(Learner&&) noexcept = default;
Learner& Learner::operator=(Learner&&) noexcept = default;

Learner::Learner(const LearnerStart& start) : parts_(std::make_unique<Parts>()) {
  check_word("init", start.init, {"pytorch", "he", "xavier", "orthogonal"}, "model");
  std::vector<std::string> tasks;
  for (const TaskEntry& entry : task_registry()) tasks.emplace_back(entry.name);
  check_word("task", start.task, tasks, "model");
  const ModelEntry entry = cli::model_entry(start.model);
  cli::Session& session = parts_->session;
  cli::Recipe& recipe = session.recipe;
  recipe.model = entry.name;
  recipe.network = entry.network;
  recipe.input = start.input;
  recipe.input.each_step = start.task == "next-token";
  recipe.classes = start.width;
  recipe.task = start.task;
  recipe.targets = plain_scale(start.task, start.width);
  recipe.images = start.input.vocabulary == 0 && start.input.sample.rank() == 3;
  session.model = cli::make_model(recipe);
  session.model->initialise(start.seed, cli::scheme_of(start.init));
  recipe.network = network_text(session.model->spec());
  session.task = cli::make_task(recipe);
  parts_->called = entry.name;
  parts_->known = entry.network.empty();
}

Learner::Learner(const std::string& path, const std::string& model) : parts_(std::make_unique<Parts>()) {
  if (model.empty() && is_foreign_network(path)) {
    *this = of_network(path);
    return;
  }
  parts_->session = loaded_session(path, model);
  parts_->notes = std::exchange(parts_->session.notes, {});
  parts_->called = path;
  parts_->prepared = true;
}

Model& Learner::model() {
  return *parts_->session.model;
}
const Model& Learner::model() const {
  return *parts_->session.model;
}
const Task& Learner::task() const {
  return *parts_->session.task;
}
const std::vector<std::string>& Learner::names() const {
  return parts_->session.recipe.class_names;
}
bool Learner::prepared() const {
  return parts_->prepared;
}
const std::vector<std::string>& Learner::notes() const {
  return parts_->notes;
}
std::string Learner::network() const {
  return parts_->session.recipe.network;
}

DataKind Learner::kind() const {
  const cli::Recipe& recipe = parts_->session.recipe;
  return recipe.input.vocabulary > 0       ? DataKind::tokens
         : recipe.images                   ? DataKind::image
         : recipe.input.sample.rank() == 2 ? DataKind::sequence
                                           : DataKind::vector;
}

void Learner::Parts::require_samples(const DataInfo& info) const {
  const InputSpec& input = session.model->input();
  const bool tokens = info.kind == DataKind::tokens;
  const bool steps = info.kind == DataKind::sequence && input.sample.rank() == info.shape.rank();
  const bool fits = tokens != (input.vocabulary > 0) ? false
                    : tokens                         ? true
                    : steps                          ? info.shape.tail(1) == input.sample.tail(1)
                                                     : info.shape == input.sample;
  if (!fits) {
    throw Error(Fault::usage, "data",
                fmt::format("samples of {} are {} {}, {} takes {}", info.name, data_kind_name(info.kind),
                            info.shape.text(), session.model->name(), describe(input)));
  }
  if (session.model->each_step() != info.label_each_step && info.labelled) {
    throw Error(Fault::usage, "data",
                fmt::format("{} {} an answer for each step, {} {}", info.name,
                            info.label_each_step ? "wants" : "does not want", session.model->name(),
                            session.model->each_step() ? "gives one" : "gives one a sample"));
  }
}

void Learner::Parts::require_answers(const DataInfo& info) const {
  const auto wanted = static_cast<Index>(info.classes.size());
  if (wanted != session.model->width()) {
    throw Error(Fault::usage, "data",
                fmt::format("{} has {} classes, {} answers in {}: a new head does in others", info.name,
                            wanted, session.model->name(), session.model->width()));
  }
  if (!prepared && info.kind == DataKind::tokens &&
      static_cast<Index>(info.vocabulary.size()) != session.model->input().vocabulary) {
    throw Error(Fault::usage, "data",
                fmt::format("{} has tokens of {} kinds, {} takes {}", info.name, info.vocabulary.size(),
                            session.model->name(), session.model->input().vocabulary));
  }
}

void Learner::Parts::take(const DataParts& data) {
  if (!data.train) throw Error(Fault::data, "data", "there is no training part");
  require_samples(data.info());
  require_answers(data.info());
  const cli::Recipe before = session.recipe;
  const TaskPtr task = session.task;
  try {
    session.data = data;
    if (!session.data.all) session.data.all = data.train;
    if (data.info().targets == TargetKind::numbers) {
      const bool own = prepared && !new_head;
      const TargetScale scale = own ? session.recipe.targets : target_scale_of(*data.train);
      for (DatasetPtr* part :
           {&session.data.train, &session.data.validation, &session.data.test, &session.data.all})
        if (*part) *part = with_target_scale(*part, scale);
    }
    if (prepared) {
      cli::SessionChoice choice;
      choice.purpose = cli::Purpose::train;
      choice.model.weights = called;
      choice.model.replace_head = new_head;
      cli::fit_to_weights(choice, session);
    } else {
      const ImageRule rule = known ? session.model->image_rule() : ImageRule{};
      const Shape& shape = data.info().shape;
      const bool ruled = (rule.size > 0 || !rule.mean.empty()) && data.info().kind == DataKind::image &&
                         (rule.mean.empty() || static_cast<Index>(rule.mean.size()) == shape[2]);
      if (ruled) session.recipe.preprocess = cli::preprocess_of(rule);
      cli::take_preparation(session, !ruled);
    }
    session.task = cli::make_task(session.recipe);
    if (session.task->width() != session.model->width() ||
        session.task->each_step() != session.model->each_step())
      throw Error(Fault::usage, "data",
                  fmt::format("{} is for {}, {} is not", data.info().name, session.task->name(), called));
  } catch (...) {
    session.recipe = before;
    session.task = task;
    session.data = session.labelled = {};
    session.notes.clear();
    throw;
  }
}

History Learner::fit(const DataParts& data, const FitOptions& options, const TrainHooks& hooks) {
  check_options(options);
  Parts& parts = *parts_;
  cli::LearningChoice choice = learning_choice(options);
  cli::parse_augment(choice.training.augment);  // a fault in it shows before data is read
  cli::resolve_training(choice.training, *parts.session.model);
  TrainConfig config = cli::make_config(choice.training);
  config.restore_best = options.restore_best;
  config.policy = options.own_policy;
  choice.keep_best = options.restore_best;
  struct Release {
    Parts& parts;
    ~Release() {
      parts.session.data = parts.session.labelled = {};
      parts.session.notes.clear();
    }
  } release{parts};
  parts.take(data);
  cli::Learning learning(parts.session, choice, config);
  parts.notes = parts.session.notes;
  const std::vector<std::string>& told = data.info().notes;
  parts.notes.insert(parts.notes.end(), told.begin(), told.end());
  parts.prepared = true;
  parts.new_head = false;
  parts.programs.reset();
  TrainHooks all = hooks;
  all.before_epoch = [&](Index epoch) {
    for (const cli::Thaw& due : learning.thaws()) {
      if (due.epoch == epoch) cli::thaw(*parts.session.model, due.pattern);
    }
    if (hooks.before_epoch) hooks.before_epoch(epoch);
  };
  return learning.trainer().run(all);
}

void Learner::new_head(Index width, const std::string& task, const std::string& init, std::uint64_t seed) {
  check_word("init", init, {"zero", "random"}, "head");
  check_word("task", task, task_names(), "head");
  Parts& parts = *parts_;
  if (parts.session.model->each_step())
    throw Error(Fault::usage, "head", parts.session.model->name() + " answers each step: its head stays");
  cli::Recipe recipe = parts.session.recipe;
  recipe.classes = width;
  recipe.class_names.clear();
  recipe.task = task;
  recipe.targets = plain_scale(task, width);
  recipe.plain_head = true;
  const ModelPtr model = cli::make_model(recipe);
  model->initialise(seed);
  const std::vector<NamedParameter> head =
      model->block_parameters(static_cast<int>(model->blocks().size()) - 1);
  take_parameters(*parts.session.model, *model, head);
  for (const NamedParameter& p : head) {
    if (init == "zero") p.parameter->mutable_value().fill(0);
    p.parameter->touch();
  }
  recipe.network = network_text(model->spec());
  parts.session.task = cli::make_task(recipe);
  parts.session.recipe = std::move(recipe);
  parts.session.model = model;
  parts.programs.reset();
  parts.new_head = true;
}

void Learner::save(const std::string& path) const {
  save_weights(model(), path, cli::to_metadata(parts_->session.recipe));
}

std::vector<std::byte> Learner::to_bytes() const {
  return write_safetensors(weights_of(model()), cli::to_metadata(parts_->session.recipe));
}

Learner Learner::from_bytes(std::span<const std::byte> bytes, bool prepared) {
  const std::string called = "the bytes of a model";
  SafeTensors file = read_safetensors(bytes, called);
  auto parts = std::make_unique<Parts>();
  cli::Session& session = parts->session;
  session.recipe = cli::read_recipe(file, called, "");
  Index numbers = 0;
  for (const NamedTensor& t : file.tensors) numbers += t.tensor.count();
  session.model = cli::make_model(session.recipe, numbers, called, false);
  session.task = cli::make_task(session.recipe);
  session.recipe.network = network_text(session.model->spec());
  load_weights(*session.model, std::move(file), called);
  parts->called = session.recipe.model;
  parts->prepared = prepared;
  return Learner(std::move(parts));
}

}  // namespace firn
