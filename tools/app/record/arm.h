// The coordinates of a study: an arm is one way to train, a cell an arm with a seed, an origin what cells of
// one model and seed start from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/real.h"

namespace firn::cli {

/// The source that is none: weights are new.
inline constexpr std::string_view kRandomSource = "random";
/// The first half of the target's classes; the arm then learns the second half.
inline constexpr std::string_view kHalfSource = "half";
/// The target's own training part.
inline constexpr std::string_view kSelfSource = "self";
/// Strokes and shapes that firn draws (data/drawn.h), of the target's size.
inline constexpr std::string_view kDrawnSource = "drawn";
/// "weights:FILE" is a source that is learned already.
inline constexpr std::string_view kWeightsSource = "weights:";

inline constexpr std::string_view kWholePart = "all";
inline constexpr std::string_view kSecondHalf = "second half";

/// What is the same for all arms that are held against each other.
struct Budget {
  Index steps = 240;
  Index batch = 32;
  Index source_epochs = 10;
  double source_rate = 2e-3;                    ///< of Adam on the source
  std::vector<double> rates{5e-4, 2e-3, 8e-3};  ///< of Adam; of several each arm and seed tries all
  bool exact = false;
  std::string precision = "fp32";         ///< or "bf16": of products, activations and their gradients
  std::string frozen_precision = "fp32";  ///< the same of what is frozen
  friend bool operator==(const Budget&, const Budget&) = default;
};

/// What a policy is held against at equal cost. Written before the policy's text: "equal-steps:freezeout".
enum class Control {
  none,
  steps,   ///< full tuning in so few steps that it costs as much
  random,  ///< a frozen prefix drawn again and again, which costs as much
  rates,   ///< the policy's rates, and nothing frozen
};
/// "equal-steps:"; empty for none.
std::string control_text(Control control);

struct Arm {
  std::string model;
  std::string source;
  std::string target;
  std::string part{kWholePart};  ///< of the target's classes
  Index labels = 0;  ///< a class (of a language model, of numbers and of several labels: in all); 0: all
  std::string freeze = "0";     ///< as `Model::set_freeze` takes it
  std::string policy;           ///< as `parse_policy` takes it; empty: none
  std::string bn = "frozen";    ///< or "batch"
  std::string dropout = "off";  ///< in the frozen part; or "on"
  double freeze_at = 0;         ///< share of the steps after which `freeze` holds
  Budget budget = {};
  Index blocks = 0;           ///< the model's
  std::string target_sha256;  ///< of its training and its test part
  std::string source_sha256;  ///< of the source or of its weights file; empty: there is none

  // What follows from the data, no part of its key.
  std::string score = "accuracy";  ///< what stands for accuracy in its results: "R²", "macro F1"
  bool score_is_share = true;      ///< from 0 to 1
  bool by_class = true;            ///< labels are counted by class, else samples in all

  /// One line that is equal for equal arms.
  std::string content() const;
  std::string key() const;
  /// "first 2 frozen", "full tuning", "scratch", "policy autofreeze"; what else is unusual behind a comma.
  std::string name() const;
  /// The length of the frozen prefix; -1 where `freeze` names something else or a policy decides.
  Index frozen_blocks() const;
  /// Whether the weights come from a source.
  bool transfers() const { return source != kRandomSource; }
  /// Whether these are learned by the study itself.
  bool learns_source() const { return transfers() && !source.starts_with(kWeightsSource); }
  /// Everything trains from the first step to the last, by no policy.
  bool full() const { return freeze == "0" && policy.empty(); }
  /// Nothing but what `freeze` says decides, from the first step on.
  bool is_static() const { return policy.empty() && freeze_at <= 0; }
  Control control() const;
  /// Whether it is told what another training has cost, which comes before it.
  bool takes_cost() const { return control() == Control::steps || control() == Control::random; }
  /// The policy's text without the control's.
  std::string policy_text() const { return policy.substr(control_text(control()).size()); }
  /// The arm whose cost a control of steps or random freezing takes.
  Arm controlled() const;
  /// The arm of full tuning of the same source, data and budget.
  Arm full_tuning() const;
};

/// Whether arms are answers to one question: the same model learns the same from the same labels with the
/// same budget.
bool same_task(const Arm& a, const Arm& b);

struct Cell {
  std::string key;
  std::size_t arm = 0;  ///< in the plan
  std::uint64_t seed = 1;
  std::string origin;  ///< key; empty: none
};

/// Weights that are learned once on the source.
struct Origin {
  std::string key;
  std::size_t arm = 0;  ///< one of the arms that start from it
  std::uint64_t seed = 1;
};

std::string cell_key(const Arm& arm, std::uint64_t seed);
/// What everything that a cell draws depends on: labels, weights, orders, policies. One for all arms of a
/// target, so that they are paired, and another for each target, so that sets of one study are independent.
std::uint64_t draws_seed(const Arm& arm, std::uint64_t seed);
/// Empty where the arm needs no training on a source.
std::string origin_key(const Arm& arm, std::uint64_t seed);

/// The first 16 hex digits of the SHA-256 of `content`.
std::string short_hash(std::string_view content);
/// The shortest digits that read back as `value`.
std::string number_text(double value);
/// A source or target for people: of "weights:FILE" and "kind:PATH" the last name of the path, others as they
/// are.
std::string data_name(const std::string& spec);
/// A model for people: its name, or of a network's text the words that fit 40 characters, "conv 8 3x3, relu,
/// ...".
std::string network_name(const std::string& model);
/// "5", or "all" for 0.
std::string labels_text(Index labels);
/// "1 label a class", "5 labels a class", "all labels".
/// Not `by_class`: "5 labelled samples".
std::string labels_name(Index labels, bool by_class = true);
std::string labels_name(const Arm& arm);

}  // namespace firn::cli
