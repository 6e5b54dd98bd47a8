#include "tools/app/run/keeper.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>

#include "engine/base/atomic_file.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/base/seconds.h"
#include "layers/foreign/import.h"
#include "layers/weights.h"
#include "tools/app/run/freezing.h"

namespace firn::cli {

namespace {

namespace fs = std::filesystem;

constexpr const char* kBase = "base.safetensors";
constexpr double kMinute = 60;

/// What the folder's files said when a checkpoint was made goes with it: they may have been written further.
void add_texts(const RunFolder& folder, SafeTensors& to) {
  const StateWriter writer = StateWriter(to).part("folder");
  writer.text("metrics", folder.metrics());
  writer.text("results", folder.results());
}

/// A second name for a file, which stays what it is when the first one is replaced; `copied`: not by one that
/// leads to the first.
void keep(const std::string& file, const std::string& path, bool copied) {
  std::error_code code;
  const fs::path real = fs::canonical(file, code);
  if (!code) fs::create_hard_link(real, path, code);
  if (code && copied) return atomic_write(path, as_text(read_file(file, Fault::model_file)));
  if (code) fs::create_symlink(fs::absolute(file), path, code);
  if (code) throw Error(Fault::failure, "run", fmt::format("{}: {}", path, code.message()));
}

}  // namespace

void declare_keep(Arguments& arguments, KeepChoice& choice) {
  arguments.option("--checkpoint-every", choice.every, "N", at_least(0),
                   "write a checkpoint every N steps (0: after each epoch and each minute)");
}

RunKeeper::RunKeeper(RunFolder& folder, const Session& session, Trainer& trainer, const KeepChoice& choice)
    : folder_(folder),
      session_(session),
      trainer_(trainer),
      every_(choice.every),
      metadata_(to_metadata(session.recipe)) {}

bool RunKeeper::begin(const std::string& weights, bool has_policy) {
  auto found = folder_.unfinished() ? generations().find() : std::nullopt;
  if (found) {
    const std::string& path = found->path;
    Checkpoint& checkpoint = found->checkpoint;
    damage_ = found->damage;
    newest_is_damaged_ = !damage_.empty();
    base_ = checkpoint.base;
    if (!base_.name.empty()) {
      require_base(checkpoint, path, folder_.file(kBase));
      // The session has read the weights that it began with, which may have another head.
      std::error_code code;
      const bool link = fs::is_symlink(folder_.file(kBase), code);
      if (base_.name == kBase && !link) load_weights(*session_.model, folder_.file(kBase));
    }
    const StateReader from(std::move(checkpoint.state), path);
    trainer_.resume(from, base_.tensors);
    const StateReader texts = from.part("folder");
    folder_.restore(texts.text("metrics"), texts.text("results"));
    epochs_ = trainer_.epoch() - 1;
    if (folder_.longer()) save();
    return true;
  }
  const bool needed = anything_frozen(*session_.model) || has_policy;
  // Without what it began with the command could not go on.
  if (needed || folder_.replaces(weights)) write_base(weights);
  if (!needed) base_ = {};
  return false;
}

void RunKeeper::write_base(const std::string& weights) {
  const std::string path = folder_.file(kBase);
  std::error_code code;
  fs::remove(path, code);
  // A checkpoint is no base, and what another program wrote is none that can be merged with.
  if (!weights.empty() && !is_foreign_network(weights) && !is_checkpoint(load_safetensors(weights))) {
    keep(weights, path, folder_.replaces(weights));
    base_.name = fs::path(weights).filename().string();
    if (base_.name == kBase) base_.name = "./" + weights;  // not the folder's own
    base_.tensors = session_.loaded;
  } else {
    save_weights(*session_.model, path, metadata_);
    base_.name = kBase;
    for (const NamedParameter& p : session_.model->parameters()) base_.tensors.insert(p.name);
  }
  base_.sha256 = file_sha256(path);
}

/// Whether a run of more epochs could begin with this one.
bool RunKeeper::may_go_on() const {
  const Index epochs = trainer_.epochs();
  return trainer_.why_no_beginning(epochs, 2 * epochs).empty();
}

void RunKeeper::save() {
  const double begin = seconds_now();
  Checkpoint checkpoint = make_checkpoint(*session_.model, trainer_, base_, metadata_, false);
  add_texts(folder_, checkpoint.state);
  generations().save(checkpoint, newest_is_damaged_);
  newest_is_damaged_ = false;
  if (folder_.staged()) {
    save_whole();  // whoever reads the old run's weights finds some
    folder_.publish();
  }
  saved_ = seconds_now();
  cost_ = seconds_since(begin);
}

void RunKeeper::after_step() {
  const bool due =
      every_ > 0 ? trainer_.steps() % every_ == 0 : seconds_since(saved_) > std::max(kMinute, kShare * cost_);
  if (due) save();
}

void RunKeeper::after_epoch() {
  ++epochs_;
  // Weights without a checkpoint are those of a finished run: there is one before there are weights.
  const bool first = epochs_ == 1 && !folder_.has(kCheckpoint);
  const bool last = trainer_.over() && may_go_on();
  if (first || last || (every_ == 0 && seconds_since(saved_) > kShare * cost_)) save();
}

void RunKeeper::save_whole() const {
  folder_.flush();
  save_safetensors(folder_.file("best.safetensors"), trainer_.best_weights(), metadata_);
  save_weights(*session_.model, folder_.file("last.safetensors"), metadata_);
}

void RunKeeper::interrupt() {
  save();
  save_whole();
}

void RunKeeper::fail() {
  if (epochs_ > 0) save_whole();
}

void RunKeeper::finish() {
  if (!newest_is_damaged_) generations().drop_previous();
  std::error_code code;
  if (may_go_on()) {
    auto found = generations().find();
    if (!found) throw Error(Fault::failure, "run", fmt::format("{}: the checkpoint is gone", folder_.path()));
    found->checkpoint.finished = true;
    save_checkpoint(folder_.file(kCheckpoint), found->checkpoint);
    if (base_.name.empty()) fs::remove(folder_.file(kBase), code);
  } else if (!base_.name.empty()) {
    save_checkpoint(folder_.file(kCheckpoint),
                    make_checkpoint(*session_.model, trainer_, base_, metadata_, true));
  } else {
    fs::remove(folder_.file(kCheckpoint), code);
    if (!code) fs::remove(folder_.file(kBase), code);
  }
  if (code) throw Error(Fault::failure, "run", fmt::format("{}: {}", folder_.path(), code.message()));
  generations().drop_previous();
}

}  // namespace firn::cli
