// What must be known besides the weights to use a model: how data becomes what it was trained on, and what
// its answers mean. Kept in the metadata of firn's own weights; for others taken from the model's own rule.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/token_rule.h"
#include "data/transform.h"
#include "data/value_range.h"
#include "engine/tensor/safetensors.h"
#include "layers/model.h"
#include "layers/task.h"

namespace firn::cli {

struct Recipe {
  std::string model;    ///< the name of a model, or what a network of one's own is called
  std::string network;  ///< its text (`parse_network`); empty: the registry's model of that name
  InputSpec input;
  std::string task = "classification";   ///< a `Task`'s name
  Index classes = 0;                     ///< the width of the model's output
  std::vector<std::string> class_names;  ///< empty: not known
  std::vector<std::string> vocabulary;   ///< of tokens
  TokenRule tokens;                      ///< what a token is
  std::vector<std::string> features;     ///< of a table: the columns' names; empty: not known
  std::string label;                     ///< of a table: the name or number of the label's column
  std::string layout;                    ///< of an array: its dimensions
  TargetScale targets;                   ///< of regression: what its targets are prepared by
  std::optional<ValueRange> extent;      ///< of the numbers trained on, before `preprocess`
  Preprocess preprocess;
  Index shorter =
      0;  ///< of a picture, the side that it is scaled to before its middle is cut; 0: the sample's
  bool images = false;      ///< a sample is an image
  bool own = false;         ///< written by firn
  bool mirrored = false;    ///< trained on mirror images too
  std::string doubt = {};   ///< what the names of its weights leave open, as a sentence; empty: nothing
  bool plain_head = false;  ///< the head is `ModelEntry::make_plain`'s, where there is one
};

/// Entries firn.model, firn.network, firn.sample, firn.kind, firn.lengths, firn.classes, firn.class_names,
/// firn.vocabulary, firn.tokens and firn.lower_case where tokens are words or of small letters alone,
/// firn.scale, firn.mean, firn.deviation, firn.bgr, firn.mirrored where it was trained so, firn.shorter_side
/// where more than the sample's size is kept before its middle is cut, firn.head where it
/// is plain, firn.task where it is not what files without one are of: next-token for a charrnn of as many
/// classes as tokens, else classification; firn.target_mean and firn.target_deviation of regression;
/// firn.features and firn.label of tables, firn.layout of arrays, firn.extent (least and greatest number).
std::map<std::string, std::string> to_metadata(const Recipe& recipe);

/// The recipe of a weights file that lies at `weights`; of one that firn has not written with `model` (which
/// must be given then): its usual input, as many classes as the last of its tensors has rows, the class names
/// in class_names.txt and the vocabulary in NAME.vocab.json (a list of characters) beside it. Throws
/// Error(model_file) for metadata that is damaged, Error(usage) when the file is of another model than
/// `model`.
Recipe read_recipe(const SafeTensors& file, const std::string& weights, const std::string& model);

/// Samples of a batch where nothing else is asked for.
Index usual_batch(const Recipe& recipe);

/// The model of a recipe, its parameters zero. Throws what its maker throws.
ModelPtr make_model(const Recipe& recipe);
/// The same for weights of so many numbers: no larger than four times them, 64 MB and a head that is `new`;
/// else throws Error(model_file) naming `weights`.
ModelPtr make_model(const Recipe& recipe, Index numbers, const std::string& weights, bool new_head);

/// What the model's answers are for.
TaskPtr make_task(const Recipe& recipe);

/// The numbers that a model's own rule for images asks for; data gives pixels from 0 to 1.
Preprocess preprocess_of(const ImageRule& rule);

}  // namespace firn::cli
