#include "tools/app/study/presets.h"

#include <fmt/core.h>

#include "engine/base/error.h"
#include "engine/base/glob.h"

namespace firn::cli {

namespace {

constexpr const char* kTransferredPrefix = "random-frozen,k=*,first=copied,rest=random";

Grid labels() {
  Grid g;
  g.claim = 1;
  g.title = "Freezing and the number of labels";
  g.question = "With few labels, does freezing early layers beat tuning everything, and with many lose?";
  g.labels = {2, 5, 20, 0};
  g.random_frozen = true;
  g.seeds = 5;
  return g;
}

Grid depth() {
  Grid g;
  g.claim = 2;
  g.title = "Which layers transfer";
  g.question = "Do early layers transfer and late ones not, and does co-adaptation break in the middle?";
  g.sources = {std::string(kDrawnSource), std::string(kHalfSource), std::string(kSelfSource)};
  g.freeze = {"*"};
  // BnB, AnB and their controls, the same copies tuned: BnB+, AnB+.
  g.policies = {kTransferredPrefix, std::string(kTransferredPrefix) + ",tuned=on"};
  g.random_frozen = true;
  g.seeds = 5;
  return g;
}

Grid early() {
  Grid g;
  g.claim = 3;
  g.title = "When to freeze, and how much";
  g.question = "Does freezing too much, or too early in training, hurt?";
  g.sources = {std::string(kRandomSource)};
  g.labels = {20, 0};
  g.freeze_at = {0, 0.1, 0.25, 0.5, 0.75};
  g.seeds = 5;
  return g;
}

Grid families(const DataInfo& target) {
  Grid g;
  g.claim = 4;
  g.title = "Convolutions against recurrence";
  g.question = "Do CNNs and LSTMs want different cuts?";
  if (target.kind == DataKind::image) g.models = {"cnn", "rowlstm2"};
  if (target.kind == DataKind::tokens && !target.label_each_step) g.models = {"textcnn", "textlstm"};
  g.labels = {5, 20, 0};
  g.seeds = 5;
  return g;
}

Grid adaptive() {
  Grid g;
  g.claim = 5;
  g.title = "Policies that decide while training";
  g.question = "Do adaptive policies reach the accuracy of full tuning at less cost?";
  g.labels = {20, 0};
  g.freeze = {"0"};
  g.policies = {"freezeout", "autofreeze", "egeria",    "slimfit", "layerout",
                "auto-rgn",  "gradual",    "fine-tune", "lp-ft",   "head"};
  // What costs as much: fewer steps of full tuning, random freezing; and rates without freezing.
  for (const char* policy : {"freezeout", "autofreeze", "slimfit"}) {
    for (const Control control : {Control::steps, Control::random})
      g.policies.push_back(control_text(control) + policy);
  }
  for (const char* policy : {"freezeout", "gradual", "lp-ft"})
    g.policies.push_back(control_text(Control::rates) + policy);
  g.seeds = 5;
  return g;
}

Grid regularisers(const DataInfo& target) {
  Grid g;
  g.claim = 6;
  g.title = "Batch norm, dropout and freezing";
  g.question =
      "Does it matter for frozen layers whether batch norms keep their statistics and dropout is on?";
  if (target.kind == DataKind::image) g.models = {"bncnn"};
  if (target.kind == DataKind::tokens && !target.label_each_step) g.models = {"textcnn"};
  g.labels = {5, 0};
  g.bn = {"frozen", "batch"};
  g.dropout = {"off", "on"};
  g.seeds = 5;
  return g;
}

}  // namespace

std::vector<std::string> preset_names() {
  return {"labels", "depth", "early", "families", "adaptive", "regularisers", "claims"};
}

std::vector<Grid> preset(const std::string& name, const DataInfo& target) {
  const std::vector<std::string> names = preset_names();
  std::vector<Grid> all{labels(), depth(), early(), families(target), adaptive(), regularisers(target)};
  std::vector<Grid> chosen;
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].name = names[i];
    if (name == names[i] || name == "claims") chosen.push_back(std::move(all[i]));
  }
  if (chosen.empty()) {
    throw Error(Fault::usage, "study",
                fmt::format("no preset is called {}{}", name, did_you_mean(name, names)));
  }
  return chosen;
}

}  // namespace firn::cli
