// The options that several verbs share, each group declared in one call.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/options.h"
#include "engine/graph/graph.h"
#include "tools/app/cli/arguments.h"
#include "tools/app/cli/setting.h"

namespace firn::cli {

struct ModelChoice {
  std::string name;                ///< empty: what the weights say
  std::string weights;             ///< a safetensors file or a checkpoint; empty: none
  std::string base;                ///< of a checkpoint; empty: beside it
  std::string from, to;            ///< where a network of another program is cut
  bool replace_head = false;       ///< not where the weights and the data both predict the next character
  bool keep_head = false;          ///< finetune: the head of the weights is wanted
  std::string init = "pytorch";    ///< how new weights are drawn: the name of a `Scheme`
  std::string head_init = "zero";  ///< of a replaced head; or "random", drawn as `init` says
};

/// --validation: no part is held out to choose by.
constexpr const char* kNoValidation = "none";

struct DataChoice {
  std::string spec;              ///< as `open_data` takes it
  DataOptions options;           ///< as asked for
  DataOptions usual = {};        ///< how it is read where nothing is asked for: as the run's own data was
  std::uint64_t split_seed = 0;  ///< of the parts that are drawn
  std::string validation;        ///< other data; empty: the data's own, or drawn from it; or `kNoValidation`
  std::string group;             ///< as `find_groups` takes it
};

struct FreezeChoice {
  std::string freeze;                  ///< as `Model::set_freeze` takes it
  std::string until;                   ///< all blocks before this one
  std::vector<std::string> thaw;       ///< EPOCH:PATTERN
  std::string bn = "frozen";           ///< or "batch"
  std::string dropout = "off";         ///< or "on"
  std::string precision = "fp32";      ///< of the frozen part, or "bf16"
  std::string all_precision = "fp32";  ///< of all of it, or "bf16"
  bool any() const { return !freeze.empty() || !until.empty(); }
};

struct RunChoice {
  std::uint64_t seed = 1;
  Index threads = 0;  ///< 0: one a core
  Index batch = 0;    ///< 0: the verb's own
  bool exact = false;
};

/// What a model looks at when there is no data: --input H,W,C, --classes; --vocabulary is the data's.
struct InputChoice {
  std::vector<Index> sample;
  Index classes = 0;
};

/// Words that several settings take.
inline const std::vector<std::string> kNormRules{"frozen", "batch"}, kDropoutRules{"off", "on"},
    kPrecisions{"fp32", "bf16"};

/// What is frozen and what holds there, in the order in which config.json has it.
Settings freeze_settings(FreezeChoice& choice);
Settings run_settings(RunChoice& choice);
/// --exact and --frozen-precision alone.
Setting exact_setting(bool& exact);
Setting frozen_precision_setting(std::string& precision);

void declare_model(Arguments& arguments, ModelChoice& choice);
/// --head-init
void declare_head_init(Arguments& arguments, ModelChoice& choice);
void declare_data(Arguments& arguments, DataChoice& choice);
/// `in_training`: --thaw too.
void declare_freeze(Arguments& arguments, FreezeChoice& choice, bool in_training);
void declare_run(Arguments& arguments, RunChoice& choice);
void declare_input(Arguments& arguments, InputChoice& choice);
/// Of it what verbs with data need: --input.
void declare_sample(Arguments& arguments, InputChoice& choice);
/// --exact, which `declare_run` declares too.
void declare_exact(Arguments& arguments, bool& exact);
/// --frozen-precision, which `declare_freeze` declares too.
void declare_precision(Arguments& arguments, std::string& precision);
/// What it says, or --precision. Throws Error(usage) for bf16 together with --exact.
DType frozen_precision(const std::string& precision, bool exact,
                       const std::string& option = "--frozen-precision");
/// What is in force for products in the frozen part: "in bf16 (--frozen-precision bf16): ...", or nothing.
/// `all`: in all of the network, for --precision.
std::string precision_text(const std::string& precision, bool all = false);
/// --calibrate: see `Machine`.
void declare_calibrate(Arguments& arguments, bool& calibrate);
/// What is in force for convolutions.
std::string exact_text(bool exact);

/// Makes the number of threads what was asked for.
void use_threads(const RunChoice& choice);

/// A whole number, all of `text`. Throws Error(usage) naming `what`.
Index whole_number(const std::string& text, const std::string& what);

}  // namespace firn::cli
