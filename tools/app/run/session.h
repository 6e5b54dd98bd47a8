// A model and its data, fitted to each other: what every verb but a few begins with.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "data/loader.h"
#include "layers/model.h"
#include "tools/app/run/options.h"
#include "tools/app/run/recipe.h"

namespace firn::cli {

enum class Purpose {
  train,    ///< the classes are the data's
  judge,    ///< the classes are the weights', and every class of the data must be among them
  predict,  ///< the classes are the weights'; other classes of the data are passed over
  look,     ///< no data is needed
};

struct SessionChoice {
  Purpose purpose = Purpose::look;
  ModelChoice model;
  DataChoice data;
  InputChoice input;
  std::uint64_t seed = 1;
  Index labels = 0;  ///< train: so many samples of each class, validation among them; 0: all
};

struct Session {
  Recipe recipe;                   ///< of `model`
  TaskPtr task;                    ///< what the model's answers are for
  ModelPtr model;                  ///< initialised, or with the weights loaded; nothing is frozen
  DataParts data;                  ///< as the model takes it; null without data
  DataParts labelled;              ///< the same with the data's own classes
  std::set<std::string> loaded;    ///< parameters that the weights gave
  std::vector<std::string> notes;  ///< what the reader should be told
};

/// Opens the data, makes the model for it, loads the weights (those of a run where its folder is named).
///
/// Without weights numbers are standardised by the training part's own mean and deviation; images for a model
/// with a rule of its own (published weights of resnet20, ...) are resized and scaled by that, where the
/// channels are the rule's. With weights their recipe holds: images are resized to their size, grey is
/// repeated for weights that want colour and colour made grey for those that want grey, characters and
/// classes are matched by name.
///
/// Throws Error(usage) where model, weights and data do not fit, and what opening and loading throw.
Session open_session(const SessionChoice& choice);

/// The scheme of a name that --init takes.
Scheme scheme_of(const std::string& name);

/// The two halves of it for data that is open already, in `session.data`.
/// Of a model that starts anew: the recipe says what the data is and how it is prepared, by the training
/// part's own mean and deviation where `standardised`. `outline`: nothing is told by the numbers.
void take_preparation(Session& session, bool standardised, bool outline = false);
/// Of weights: the data is made what their recipe says. `choice.model.weights` is what errors call them.
void fit_to_weights(const SessionChoice& choice, Session& session, bool outline = false);

/// The part of a set that --split names: "train", "validation", "test", or "all", in the order of the files.
/// Throws Error(data) where there is none.
DatasetPtr part_of(const DataParts& parts, const std::string& split);

/// Throws Error(data) where there is nothing to train on.
void require_train(const DataParts& parts);

/// A loader's options for this session: its preparation of the samples, the width of token batches.
LoaderOptions loader_options(const Session& session, Index batch, std::uint64_t seed);

/// "--data is needed" and the like.
void require(const std::string& value, const std::string& option, const std::string& verb);

}  // namespace firn::cli
