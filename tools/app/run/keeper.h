// Keeps a run in its folder, so that the same command goes on with it whenever it was broken off.
#pragma once

#include <map>
#include <string>

#include "engine/base/seconds.h"
#include "optim/trainer/generations.h"
#include "tools/app/cli/arguments.h"
#include "tools/app/cli/console.h"
#include "tools/app/run/folder.h"
#include "tools/app/run/session.h"

namespace firn::cli {

struct KeepChoice {
  Index every = 0;  ///< steps from checkpoint to checkpoint; 0: each epoch and each minute
};

/// --checkpoint-every
void declare_keep(Arguments& arguments, KeepChoice& choice);

/// Writes checkpoint.safetensors while a run goes, keeps the one before, and writes the whole files when it
/// ends. Where something does not train from the start, the checkpoint leaves out what is as in the base:
/// base.safetensors in the folder, the file that the weights came from under a second name (a hard link, else
/// a symbolic one, else a copy), or one of the initial weights.
class RunKeeper {
 public:
  static constexpr double kShare = 20;  ///< at most one part in so many of the time goes into checkpoints

  /// Throws Error(usage) for a number of steps below 0. All must outlive it.
  RunKeeper(RunFolder& folder, const Session& session, Trainer& trainer, const KeepChoice& choice);

  /// Before the run, with the flags and weights that it begins with. Goes on where an unfinished run in the
  /// folder was (true; one that is to be longer is an unfinished one on disk by then), or writes the base.
  /// `weights`: the file that these came from; empty: none. Throws what `Generations::find`, `require_base`
  /// and `Trainer::resume` throw; nothing is written then.
  bool begin(const std::string& weights, bool has_policy);

  /// Why it did not go on from the newest checkpoint but from the one before; empty: it did.
  const std::string& damage() const { return damage_; }

  /// From the hooks of the same names, after all else that they do.
  void after_step();
  void after_epoch();
  /// The run as it stands, with its whole weights: from `stop`, before it throws.
  void interrupt();
  /// The whole weights of a run that failed, where an epoch of it is done.
  void fail();
  /// The run is over: all epochs and the whole weights. What else is to lie in the folder of a finished run
  /// comes before `finish`.
  void save_whole() const;
  /// The checkpoint stays where more epochs may go on from it; else it becomes one of weights alone, or none
  /// where it would hold everything.
  void finish();

 private:
  static constexpr const char* kCheckpoint = "checkpoint.safetensors";
  void save();
  void write_base(const std::string& weights);
  bool may_go_on() const;
  Generations generations() const { return Generations(folder_.file(kCheckpoint)); }

  RunFolder& folder_;
  const Session& session_;
  Trainer& trainer_;
  const Index every_;
  std::string damage_;
  bool newest_is_damaged_ = false;
  CheckpointBase base_;
  std::map<std::string, std::string> metadata_;
  double saved_ = seconds_now();
  double cost_ = 0;  // seconds that a checkpoint took
  Index epochs_ = 0;
};

}  // namespace firn::cli
