// What finetune does where nothing else is said, for all who train or advise by its recipe.
#pragma once

#include <string>

#include "layers/model.h"
#include "optim/trainer/trainer.h"
#include "tools/app/run/session.h"
#include "tools/app/run/training.h"

namespace firn::cli {

/// Whether more than the last block trains as the flags are.
bool backbone_trains(const Model& model);

struct FinetuneChoice {
  bool head_alone = true;    ///< nothing but the head trains, from the first epoch to the last
  bool replace_head = true;  ///< it is new
  bool standardised = true;  ///< wanted where it is new
  Index batch = 64;
};

/// Fills in epochs (20, of a head alone as many as make 400 steps) and augmentation (mirrored where the
/// weights were trained so) where they were left open, and says in `config` how a new head is trained. True
/// where it is as if its features were standardised, which takes a dense layer at the end.
bool resolve_finetune(const FinetuneChoice& choice, const Session& session, TrainingChoice& training,
                      TrainConfig& config);
/// What is said of such a head.
std::string standardised_text(const TrainConfig& config);

}  // namespace firn::cli
