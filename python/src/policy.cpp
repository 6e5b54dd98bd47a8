// Policies: those of the registry, and those that are written in Python.
#include "optim/policy.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "optim/policies/registry.h"
#include "python/src/module.h"
#include "tools/app/api/fit_options.h"

namespace firn::python {

using namespace nb::literals;

namespace {

/// A policy whose decisions Python makes. `begin(run)` hears what it is for; `decide(now)` gives for each
/// block whether it trains and the factor on its rate, or None: as before.
class OwnPolicy : public FreezePolicy {
 public:
  OwnPolicy(std::string text, const nb::object& begin, const nb::object& decide, Needs needs)
      : text_(std::move(text)), begin_(kept(begin)), decide_(kept(decide)), needs_(needs) {}

  std::string text() const override { return text_; }
  Needs needs(const PolicyMoment&) const override { return needs_; }
  /// Nobody can say what it will do.
  bool freezes_head() const override { return true; }
  bool depends_on_epochs() const override { return true; }

  void decide(const PolicyMoment& now, std::span<BlockPlan> plan) override {
    const nb::gil_scoped_acquire gil;
    const nb::object answer = (*decide_)(now);
    if (answer.is_none()) return;
    const auto wanted = nb::cast<std::vector<std::tuple<bool, double>>>(answer);
    for (std::size_t i = 0; i < plan.size() && i < wanted.size(); ++i)
      plan[i] = {.trains = std::get<0>(wanted[i]), .rate = std::get<1>(wanted[i])};
  }

 protected:
  void begin() override {
    const nb::gil_scoped_acquire gil;
    (*begin_)(run());
  }

 private:
  using Kept = std::shared_ptr<const nb::object>;
  /// Whoever lets go of it last may be without Python's lock.
  static Kept kept(const nb::object& object) {
    return Kept(new nb::object(object), [](const nb::object* last) {
      const nb::gil_scoped_acquire gil;
      delete last;
    });
  }

  std::string text_;
  Kept begin_, decide_;
  Needs needs_;
};

void set_policy(FitOptions& options, const std::string& text, const nb::object& begin,
                const nb::object& decide, bool gradient_norms, bool weight_norms, bool changes) {
  Needs needs;
  needs.gradient_norms = gradient_norms;
  needs.weight_norms = weight_norms;
  needs.keep_weights = needs.weight_changes = changes;
  options.own_policy = std::make_shared<OwnPolicy>(text, begin, decide, needs);
}

using Key = std::tuple<std::string, std::string, std::string>;

std::vector<std::tuple<std::string, std::string, std::vector<Key>>> policies() {
  std::vector<std::tuple<std::string, std::string, std::vector<Key>>> all;
  for (const PolicyEntry& entry : policy_registry()) {
    std::vector<Key> keys;
    for (const PolicyKey& key : entry.keys) keys.emplace_back(key.name, key.usual, key.text);
    all.emplace_back(entry.name, entry.text, std::move(keys));
  }
  return all;
}

}  // namespace

void bind_policy(nb::module_& m) {
  nb::class_<BlockStatistics>(m, "BlockStatistics",
                              "What is known of a block: what a policy has in ``needs``.")
      .def_ro("trains", &BlockStatistics::trains, "It had a gradient in the last step.")
      .def_ro("gradient_norm", &BlockStatistics::gradient_norm,
              "2-norm in the last step; 0 where it is frozen.")
      .def_ro("weight_norm", &BlockStatistics::weight_norm, "2-norm before the last update.")
      .def_ro("change", &BlockStatistics::change,
              "Mean of abs((before - now) / before) of its weights in the last step that it trained in; "
              "infinite before.");
  nb::class_<PolicyMoment>(m, "Moment", "A step that is about to be made.")
      .def_ro("step", &PolicyMoment::step, "Steps made so far, over all epochs.")
      .def_ro("epoch", &PolicyMoment::epoch, "Counted from 0.")
      .def_ro("step_of_epoch", &PolicyMoment::step_of_epoch)
      .def_ro("schedule_factor", &PolicyMoment::schedule_factor, "Of the rate, by the schedule.")
      .def_ro("epoch_loss", &PolicyMoment::epoch_loss, "Mean of the epoch before; 0 in the first.")
      .def_prop_ro("blocks", [](const PolicyMoment& now) {
        return std::vector<BlockStatistics>(now.blocks.begin(), now.blocks.end());
      });
  nb::class_<PolicyStart>(m, "PolicyRun", "What a policy is told before the first step.")
      .def_prop_ro(
          "blocks",
          [](const PolicyStart& start) {
            std::vector<std::string> names;
            for (const PolicyBlock& block : start.blocks) names.push_back(block.name);
            return names;
          },
          "The names, from the input to the head, of those of which something may train.")
      .def_ro("epochs", &PolicyStart::epochs)
      .def_ro("steps_per_epoch", &PolicyStart::steps_per_epoch)
      .def_ro("seed", &PolicyStart::seed);
  m.def("policies", &policies, "Name, line, and keys with their usual values and lines, of each.");
  m.def(
      "check_policy", [](const std::string& text) { parse_policy(text); }, "text"_a,
      "Throws UsageError for what no policy is called.");
  m.def("set_policy", &set_policy, "options"_a, "text"_a, "begin"_a, "decide"_a, "gradient_norms"_a,
        "weight_norms"_a, "changes"_a);
}

}  // namespace firn::python
