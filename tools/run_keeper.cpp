#include "tools/run_keeper.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>

#include "engine/base/error.h"
#include "layers/weights.h"
#include "tools/freezing.h"

namespace firn::cli {

namespace {

namespace fs = std::filesystem;

constexpr const char* kCheckpoint = "checkpoint.safetensors";
constexpr const char* kBase = "base.safetensors";
constexpr double kMinute = 60;
constexpr double kShare = 20;  // at most one part in so many of the time goes into checkpoints

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// What the folder's files said when a checkpoint was made goes with it: they may have been written further.
void add_texts(const RunFolder& folder, SafeTensors& to) {
  const StateWriter writer = StateWriter(to).part("folder");
  writer.text("metrics", folder.metrics());
  writer.text("results", folder.results());
}

}  // namespace

void declare_keep(Arguments& arguments, KeepChoice& choice) {
  arguments.option("--checkpoint-every", choice.every, "N",
                   "write a checkpoint every N steps (0: after each epoch and each minute)");
}

RunKeeper::RunKeeper(RunFolder& folder, const Session& session, Trainer& trainer, const KeepChoice& choice)
    : folder_(folder),
      session_(session),
      trainer_(trainer),
      every_(choice.every),
      generations_(folder.file(kCheckpoint)),
      metadata_(to_metadata(session.recipe)) {}

bool RunKeeper::begin(const std::string& weights, bool has_policy) {
  auto found = folder_.unfinished() ? generations_.find() : std::nullopt;
  if (found) {
    const std::string& path = found->path;
    Checkpoint& checkpoint = found->checkpoint;
    damage_ = found->damage;
    newest_is_damaged_ = !damage_.empty();
    base_ = checkpoint.base;
    if (!base_.name.empty()) {
      require_base(checkpoint, path, folder_.file(kBase));
      std::error_code code;
      // Where it is a link the session has read the file already, which may have another head.
      if (!fs::is_symlink(folder_.file(kBase), code)) load_weights(*session_.model, folder_.file(kBase));
    }
    const StateReader from(std::move(checkpoint.state), path);
    trainer_.resume(from, base_.tensors);
    const StateReader texts = from.part("folder");
    folder_.restore(texts.text("metrics"), texts.text("results"));
    epochs_ = trainer_.epoch() - 1;
    return true;
  }
  if (anything_frozen(*session_.model) || has_policy) write_base(weights);
  return false;
}

void RunKeeper::write_base(const std::string& weights) {
  const std::string path = folder_.file(kBase);
  std::error_code code;
  fs::remove(path, code);
  // A checkpoint is no base, and what lies in this folder is overwritten.
  const bool link = !weights.empty() && !is_checkpoint(load_safetensors(weights)) &&
                    !fs::equivalent(fs::path(weights).parent_path() / ".", folder_.path(), code);
  if (link) {
    fs::create_symlink(fs::absolute(weights), path, code);
    if (code) throw Error(Fault::failure, "run", fmt::format("{}: {}", path, code.message()));
    base_.name = fs::path(weights).filename().string();
    base_.tensors = session_.loaded;
  } else {
    save_weights(*session_.model, path, metadata_);
    base_.name = kBase;
    for (const NamedParameter& p : session_.model->parameters()) base_.tensors.insert(p.name);
  }
  base_.sha256 = file_sha256(path);
}

void RunKeeper::save(bool finished) {
  const auto begin = Clock::now();
  Checkpoint checkpoint = make_checkpoint(*session_.model, trainer_, base_, metadata_, finished);
  if (!finished) add_texts(folder_, checkpoint.state);
  generations_.save(checkpoint, newest_is_damaged_);
  newest_is_damaged_ = false;
  saved_ = Clock::now();
  cost_ = seconds_since(begin);
}

void RunKeeper::after_step() {
  const bool due =
      every_ > 0 ? trainer_.steps() % every_ == 0 : seconds_since(saved_) > std::max(kMinute, kShare * cost_);
  if (due) save();
}

void RunKeeper::after_epoch() {
  ++epochs_;
  if (every_ == 0 && (epochs_ == 1 || seconds_since(saved_) > kShare * cost_)) save();
}

void RunKeeper::save_whole() {
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
  save_whole();
  if (!base_.name.empty()) {
    save(true);
    return generations_.drop_previous();
  }
  generations_.drop_previous();
  std::error_code code;
  fs::remove(folder_.file(kCheckpoint), code);
  if (code)
    throw Error(Fault::failure, "run", fmt::format("{}: {}", folder_.file(kCheckpoint), code.message()));
}

}  // namespace firn::cli
