#include "tools/app/run/freezing.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "tools/app/cli/table.h"

namespace firn::cli {

namespace {

std::vector<std::string> block_names(const Model& model) {
  std::vector<std::string> names;
  for (const Model::Block& block : model.blocks()) names.push_back(block.name);
  return names;
}

/// The block of this name or number; -1 when there is none.
int find_block(const Model& model, const std::string& text) {
  const std::vector<std::string> names = block_names(model);
  const auto found = std::find(names.begin(), names.end(), text);
  if (found != names.end()) return static_cast<int>(found - names.begin());
  if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos) return -1;
  const Index number = whole_number(text, "thaw");
  if (number >= static_cast<Index>(names.size())) {
    throw Error(Fault::usage, "thaw", fmt::format("block {} of {}", number, names.size()));
  }
  return static_cast<int>(number);
}

/// The parameters that a pattern of --thaw names.
std::vector<SelectedUnits> thawed_by(const Model& model, const std::string& pattern) {
  std::vector<SelectedUnits> all;
  const int block = pattern == "all" ? -1 : find_block(model, pattern);
  if (pattern != "all" && block < 0) return select_units(model.parameters(), pattern);
  for (const NamedParameter& p : block < 0 ? model.parameters() : model.block_parameters(block)) {
    all.push_back({p.parameter, {{0, p.parameter->units()}}});
  }
  return all;
}

/// Numbers of a parameter that train.
Index trainable_count(const Parameter& parameter) {
  if (!parameter.trainable()) return 0;
  const TrainableRanges* live = parameter.trainable_ranges();
  return live != nullptr ? live->shape_in(parameter.shape()).count() : parameter.shape().count();
}

std::string rules_text(const FreezeChoice& choice) {
  return fmt::format(
      "in force: frozen batch norms use {} (--bn {}); dropout below the lowest layer that trains is {} "
      "(--dropout-in-frozen {})",
      choice.bn == "batch" ? "the batch's statistics" : "their running statistics", choice.bn, choice.dropout,
      choice.dropout);
}

}  // namespace

void apply_freeze(Model& model, const FreezeChoice& choice) {
  if (!choice.freeze.empty() && !choice.until.empty()) {
    throw Error(Fault::usage, "freeze", "--freeze and --freeze-until exclude each other");
  }
  if (!choice.any()) return model.freeze_own();
  if (choice.until.empty()) {
    model.set_freeze(choice.freeze);
    return;
  }
  const std::vector<std::string> names = block_names(model);
  const auto found = std::find(names.begin(), names.end(), choice.until);
  if (found == names.end()) {
    throw Error(
        Fault::usage, "freeze",
        fmt::format("{} has no block '{}'{}", model.name(), choice.until, did_you_mean(choice.until, names)));
  }
  model.set_freeze(found == names.begin() ? "none" : fmt::format("{}", found - names.begin()));
}

void apply_freeze_rules(const FreezeChoice& choice, bool exact, ProgramSettings& settings) {
  settings.batch_statistics = choice.bn == "batch";
  settings.dropout_in_frozen = choice.dropout == "on";
  settings.exact = exact;
  settings.types.all = frozen_precision(choice.all_precision, exact, "--precision");
  settings.types.frozen = frozen_precision(choice.precision, exact);
}

std::vector<Thaw> parse_thaws(const Model& model, const FreezeChoice& choice) {
  std::vector<Thaw> thaws;
  for (const std::string& text : choice.thaw) {
    const std::size_t colon = text.find(':');
    if (colon == std::string::npos) {
      throw Error(Fault::usage, "thaw", fmt::format("'{}': want EPOCH:WHAT, as in 3:all", text));
    }
    const Thaw one{whole_in(text.substr(0, colon), at_least(1), {"thaw", "epoch"}), text.substr(colon + 1)};
    thawed_by(model, one.pattern);
    thaws.push_back(one);
  }
  return thaws;
}

void thaw(Model& model, const std::string& pattern) {
  for (const SelectedUnits& selected : thawed_by(model, pattern)) set_trainable(selected, true);
}

bool anything_frozen(const Model& model) {
  const auto all = model.parameters();
  return std::any_of(all.begin(), all.end(), [](const auto& p) {
    return !p.parameter->trainable() || p.parameter->trainable_ranges() != nullptr;
  });
}

std::string frozen_text(const std::vector<NamedParameter>& parameters) {
  const auto frozen = std::count_if(parameters.begin(), parameters.end(),
                                    [](const auto& p) { return !p.parameter->trainable(); });
  const auto parts = std::count_if(parameters.begin(), parameters.end(),
                                   [](const auto& p) { return p.parameter->trainable_ranges() != nullptr; });
  if (parameters.empty()) return "-";
  const auto all = static_cast<std::ptrdiff_t>(parameters.size());
  if (frozen == all) return "yes";
  if (parts == 0) return frozen == 0 ? "no" : fmt::format("{} of {}", frozen, all);
  return frozen == 0 ? fmt::format("{} in part", parts)
                     : fmt::format("{} of {}, {} in part", frozen, all, parts);
}

Index parameter_count(const std::vector<NamedParameter>& parameters, bool only_trainable) {
  std::set<const Parameter*> seen;
  Index count = 0;
  for (const NamedParameter& p : parameters) {
    if (p.parameter->role() == Role::statistic || !seen.insert(p.parameter.get()).second) continue;
    count += only_trainable ? trainable_count(*p.parameter) : p.parameter->shape().count();
  }
  return count;
}

std::string freeze_table(const Model& model, const FreezeChoice& choice, bool exact) {
  Table table({"block", "<name", "parameters", "train", "<frozen"});
  for (std::size_t i = 0; i < model.blocks().size(); ++i) {
    const auto parameters = model.block_parameters(static_cast<int>(i));
    table.row({fmt::format("{}", i), model.blocks()[i].name, fmt::format("{}", parameter_count(parameters)),
               fmt::format("{}", parameter_count(parameters, true)), frozen_text(parameters)});
  }
  std::string text = table.text() + "\n";
  for (const NamedParameter& p : model.parameters()) {
    if (p.parameter->trainable_ranges() == nullptr) continue;
    text += fmt::format("{} {}: {}; {} of {} numbers train\n", p.name, p.parameter->file_shape().text(),
                        marked_frozen(*p.parameter).text(*p.parameter), trainable_count(*p.parameter),
                        p.parameter->shape().count());
  }
  const bool all = choice.all_precision == "bf16";
  const std::string precision = precision_text(all ? choice.all_precision : choice.precision, all);
  return text + rules_text(choice) + "; " + exact_text(exact) + (precision.empty() ? "" : "; " + precision);
}

JsonObject freeze_json(const Model& model, const FreezeChoice& choice) {
  std::vector<JsonObject> blocks;
  for (std::size_t i = 0; i < model.blocks().size(); ++i) {
    const auto parameters = model.block_parameters(static_cast<int>(i));
    JsonObject block;
    block.add("block", i).add("name", model.blocks()[i].name).add("parameters", parameter_count(parameters));
    block.add("train", parameter_count(parameters, true)).add("frozen", frozen_text(parameters));
    blocks.push_back(std::move(block));
  }
  FreezeChoice copy = choice;
  JsonObject object = to_json(freeze_settings(copy));
  object.add("blocks", blocks);
  std::vector<JsonObject> parts;
  for (const NamedParameter& p : model.parameters()) {
    if (p.parameter->trainable_ranges() == nullptr) continue;
    JsonObject part;
    part.add("parameter", p.name).add("units", p.parameter->units());
    part.add("frozen_units", text_of(p.parameter->frozen_units()));
    parts.push_back(part.add("train", trainable_count(*p.parameter)));
  }
  object.add("parts", parts);
  return object;
}

}  // namespace firn::cli
