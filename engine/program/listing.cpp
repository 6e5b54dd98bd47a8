#include "engine/program/listing.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "engine/program/cost.h"

namespace firn {

namespace {

std::string scaled(double value, double base, const std::array<const char*, 5>& units) {
  std::size_t unit = 0;
  while (value >= base && unit + 1 < units.size()) {
    value /= base;
    ++unit;
  }
  const int digits = value >= 100 || (unit == 0 && value == static_cast<double>(static_cast<Index>(value)))
                         ? 0
                     : value >= 10 ? 1
                                   : 2;
  return fmt::format("{:.{}f} {}", value, digits, units[unit]);
}

const char* pass_letter(Pass pass) {
  return pass == Pass::forward ? "F" : pass == Pass::input_gradient ? "X" : "W";
}

void print_step(std::string& out, const Step& step) {
  const Node& node = *step.node;
  const Cost cost = node.op()->cost(node);
  const std::string macs = cost.macs > 0 ? short_number(cost.macs) + "MAC" : "";
  const std::string target = node.assigns() ? " -> " + node.assigns()->name() : "";
  out += fmt::format("  {} {:<22} {:<44} {:<20} {:>10}\n", pass_letter(node.pass()), node.label(),
                     node.text() + target, node.outputs()[0].shape.text(), macs);
}

void print_kept(std::string& out, const ProgramCost& cost) {
  out += cost.kept.empty() ? "kept for the backward pass: nothing\n" : "kept for the backward pass\n";
  for (const Kept& kept : cost.kept) {
    std::string readers;
    for (const std::string& reader : kept.readers) readers += (readers.empty() ? "" : ", ") + reader;
    out += fmt::format("    {:<22} {:<44} {:>10}  for {}\n", kept.label, kept.what,
                       short_bytes(static_cast<double>(kept.bytes)), readers);
  }
}

void print_left_out(std::string& out, const Program& program) {
  if (program.left_out().empty()) return;
  out += "left out\n";
  for (const LeftOut& item : program.left_out()) {
    out += fmt::format("  {} {:<22} {:<44} {:<20} {:>10}\n", pass_letter(item.pass), item.label, item.what,
                       item.reason, item.macs > 0 ? short_number(item.macs) + "MAC" : "");
  }
}

}  // namespace

std::string short_number(double value) {
  return scaled(value, 1000, {"", "k", "M", "G", "T"});
}

std::string short_bytes(double bytes) {
  return scaled(bytes, 1024, {"B", "KiB", "MiB", "GiB", "TiB"});
}

std::string listing(const Program& program) {
  const Plan& plan = program.plan();
  const ProgramCost cost = cost_of(program);
  std::string out =
      fmt::format("{}, batch {} in {} slice{} of {}; F forward, X input gradient, W weight gradient\n",
                  program.is_training() ? "training step" : "inference", plan.batch, plan.slices,
                  plan.slices == 1 ? "" : "s", plan.slice_rows);
  if (!plan.once.empty()) {
    out += "once, not in a step (depends on nothing that trains)\n";
    for (const Step& step : plan.once) print_step(out, step);
  }
  for (std::size_t i = 0; i < plan.groups.size(); ++i) {
    const Group& group = plan.groups[i];
    out += fmt::format("{} {}\n", i + 1,
                       group.per_slice ? "for each slice, on one thread" : "in pieces, on all threads");
    for (const int step : group.steps) print_step(out, plan.steps[static_cast<std::size_t>(step)]);
  }
  if (program.is_training()) {
    print_kept(out, cost);
    print_left_out(out, program);
  }
  double left_out = 0;
  for (const LeftOut& item : program.left_out()) left_out += item.macs;
  out += fmt::format(
      "total: {} kernels a step, {} once; F {}MAC, X {}MAC, W {}MAC; left out {}MAC; kept {}; "
      "arena {} + {} a thread\n",
      plan.steps.size(), plan.once.size(), short_number(cost.total.forward.macs),
      short_number(cost.total.input_gradient.macs), short_number(cost.total.weight_gradient.macs),
      short_number(left_out), short_bytes(static_cast<double>(cost.kept_bytes)),
      short_bytes(static_cast<double>(plan.shared_bytes)),
      short_bytes(static_cast<double>(plan.local_bytes)));
  return out;
}

}  // namespace firn
