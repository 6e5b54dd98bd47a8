#include "tools/app/record/arm.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "engine/base/sha256.h"

namespace firn::cli {

namespace {

// Counts up when the same coordinates give other numbers: rows made before are then made again.
constexpr int kMethod = 5;

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

std::string rates_text(const std::vector<double>& rates) {
  std::string text;
  for (const double rate : rates) text += (text.empty() ? "" : " ") + number_text(rate);
  return text;
}

}  // namespace

std::string number_text(double value) {
  return fmt::format("{}", value);
}

std::string network_name(const std::string& model) {
  constexpr std::size_t most = 40;
  if (model.size() <= most && model.find('\n') == std::string::npos) return model;
  const std::size_t end = std::min(model.find('\n'), most);
  const std::size_t comma = model.rfind(',', end);
  return model.substr(0, comma == std::string::npos || comma == 0 ? end : comma) + ", ...";
}

std::string data_name(const std::string& spec) {
  const std::size_t colon = spec.find(':');
  std::string path = colon == std::string::npos ? spec : spec.substr(colon + 1);
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  const std::string name = path.substr(path.rfind('/') + 1);
  return name.empty() ? spec : name;
}

std::string labels_text(Index labels) {
  return labels > 0 ? fmt::format("{}", labels) : "all";
}

std::string labels_name(const Arm& arm) {
  return labels_name(arm.labels, arm.by_class);
}

std::string labels_name(Index labels, bool by_class) {
  if (labels > 0 && !by_class)
    return labels == 1 ? "1 labelled sample" : fmt::format("{} labelled samples", labels);
  return labels == 0   ? "all labels"
         : labels == 1 ? "1 label a class"
                       : fmt::format("{} labels a class", labels);
}

std::string short_hash(std::string_view content) {
  return sha256_hex(std::as_bytes(std::span(content.data(), content.size()))).substr(0, 16);
}

std::string Arm::content() const {
  std::string text = fmt::format(
      "method {}; model {}; source {} {}; target {} {}; part {}; labels {}; freeze {}; policy {}; bn {}; "
      "dropout {}; freeze_at {}; steps {}; batch {}; rates {}; exact {}",
      kMethod, model, source, source_sha256, target, target_sha256, part, labels, freeze, policy, bn, dropout,
      number_text(freeze_at), budget.steps, budget.batch, rates_text(budget.rates), budget.exact);
  if (budget.precision != "fp32") text += "; precision " + budget.precision;
  if (budget.frozen_precision != "fp32") text += "; frozen precision " + budget.frozen_precision;
  if (learns_source()) {
    text += fmt::format("; source_epochs {}; source_rate {}", budget.source_epochs,
                        number_text(budget.source_rate));
  }
  return text;
}

std::string control_text(Control control) {
  switch (control) {
    case Control::none:
      return {};
    case Control::steps:
      return "equal-steps:";
    case Control::random:
      return "equal-random:";
    case Control::rates:
      return "rates-only:";
  }
  return {};
}

Control Arm::control() const {
  for (const Control one : {Control::steps, Control::random, Control::rates}) {
    if (policy.starts_with(control_text(one))) return one;
  }
  return Control::none;
}

Arm Arm::controlled() const {
  Arm other = *this;
  other.policy = policy_text();
  return other;
}

std::string Arm::key() const {
  return short_hash(content());
}

Index Arm::frozen_blocks() const {
  return policy.empty() && is_number(freeze) ? static_cast<Index>(std::stoll(freeze)) : -1;
}

std::string Arm::name() const {
  const Index frozen = frozen_blocks();
  std::string text;
  if (!policy.empty()) {
    const Control one = control();
    text = one == Control::steps    ? "full tuning at the cost of " + policy_text()
           : one == Control::random ? "random freezing at the cost of " + policy_text()
           : one == Control::rates  ? "rates alone of " + policy_text()
                                    : "policy " + policy;
  } else if (full()) {
    text = transfers() ? "full tuning" : "scratch";
  } else {
    text = frozen >= 0 ? fmt::format("first {} frozen", frozen) : freeze + " frozen";
  }
  if (!transfers() && !full()) text = (is_static() ? "random, " : "scratch, ") + text;
  if (freeze_at > 0) text += fmt::format(" from {:.0f} % on", 100 * freeze_at);
  if (bn == "batch") text += ", batch statistics";
  if (dropout == "on") text += ", dropout in it";
  if (budget.precision != "fp32") text += ", " + budget.precision;
  return text;
}

Arm Arm::full_tuning() const {
  Arm other = *this;
  other.freeze = "0";
  other.policy.clear();
  other.bn = "frozen";
  other.dropout = "off";
  other.freeze_at = 0;
  return other;
}

bool same_task(const Arm& a, const Arm& b) {
  return a.model == b.model && a.target == b.target && a.part == b.part && a.labels == b.labels &&
         a.budget == b.budget;
}

std::string cell_key(const Arm& arm, std::uint64_t seed) {
  return short_hash(fmt::format("{}; seed {}", arm.content(), seed));
}

std::uint64_t draws_seed(const Arm& arm, std::uint64_t seed) {
  return std::stoull(short_hash(fmt::format("draws; {}; {}; {}", arm.target_sha256, arm.part, seed)), nullptr,
                     16);
}

std::string origin_key(const Arm& arm, std::uint64_t seed) {
  if (!arm.learns_source()) return {};
  return short_hash(fmt::format(
      "origin, method {}; model {}; source {} {}; target {} {}; batch {}; epochs {}; "
      "rate {}; exact {}; seed {}",
      kMethod, arm.model, arm.source, arm.source_sha256, arm.target, arm.target_sha256, arm.budget.batch,
      arm.budget.source_epochs, number_text(arm.budget.source_rate), arm.budget.exact, seed));
}

}  // namespace firn::cli
