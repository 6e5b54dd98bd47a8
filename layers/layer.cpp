#include "layers/layer.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "layers/parameter_budget.h"
#include "layers/tied_parameters.h"
#include "layers/units.h"

namespace firn {

Flow Layer::Child::build(Graph& graph, Flow in) const {
  const Scope scope(graph, name);
  return layer->build(graph, in);
}

LayerSpec Layer::Child::spec() const {
  LayerSpec spec = layer->spec();
  spec.name = name;
  spec.tied = layer->tied_;
  return spec;
}

std::vector<LayerSpec> layers_of(const Layer& layer) {
  LayerSpec spec = layer.spec();
  if (spec.kind == "group") return std::move(spec.bodies[0].layers);
  return {std::move(spec)};
}

Flow Layer::join(Graph& graph, std::span<const Flow> in) const {
  if (in.size() == 1) return build(graph, in[0]);
  throw Error(Fault::usage, spec().kind,
              fmt::format("reads one value, not {} (layer {})", in.size(), graph.label()));
}

std::vector<NamedParameter> Layer::parameters() const {
  std::vector<NamedParameter> all;
  collect({}, all);
  return all;
}

void Layer::collect(const std::string& prefix, std::vector<NamedParameter>& out) const {
  for (const Owned& own : owned_) out.push_back({dotted(prefix, own.name), own.parameter});
  for (const Child& child : children_) child.layer->collect(dotted(prefix, child.name), out);
}

void Layer::initialise(std::uint64_t seed) {
  initialise(seed, scheme_);
}

void Layer::initialise(std::uint64_t seed, Scheme scheme) {
  scheme_ = scheme;
  for (const Owned& own : owned_) {
    if (own.shared) continue;
    Parameter& parameter = *own.parameter;
    fill(parameter.mutable_value(), own.fill, scheme, Random(seed, "init " + parameter.name()));
    parameter.touch();
  }
  for (const Child& child : children_) child.layer->initialise(seed, scheme);
}

void Layer::zero_initialise() {
  for (Owned& own : owned_) {
    const Role role = own.parameter->role();
    if (role == Role::weight || role == Role::bias) own.fill = {};
  }
  for (const Child& child : children_) child.layer->zero_initialise();
}

FreezeSet Layer::freeze_set() const {
  FreezeSet set;
  for (const NamedParameter& p : parameters()) set.add(marked_frozen(*p.parameter));
  return set;
}

void Layer::set_trainable(const std::string& pattern, bool trainable) {
  for (const SelectedUnits& selected : select_units(parameters(), pattern)) {
    firn::set_trainable(selected, trainable);
  }
}

ParameterPtr Layer::own(std::string name, Shape shape, Role role, Fill fill, FileLayout layout,
                        bool* transposed) {
  if (ParameterPtr tied = TiedParameters::take(name)) {
    auto wanted = std::make_shared<Parameter>(name, Tensor(shape), role, std::move(layout));
    const auto lies = [](const Parameter& p) {
      return std::tuple(p.value().shape(), p.layout().view, p.layout().axes);
    };
    const bool same = lies(*tied) == lies(*wanted);
    const bool turns = transposed != nullptr && shape.rank() == 2 &&
                       tied->layout().view == wanted->layout().view &&
                       tied->layout().axes == std::vector<int>{0, 1};
    if (tied->role() != role || role == Role::statistic || tied->file_shape() != wanted->file_shape() ||
        (!same && !turns)) {
      throw Error(Fault::usage, "tied",
                  fmt::format("{} {} cannot be the {} of this layer, which is {}", tied->name(),
                              tied->file_shape().text(), name, wanted->file_shape().text()));
    }
    if (transposed != nullptr) *transposed = !same;
    owned_.push_back({std::move(name), tied, fill, true});
    return tied;
  }
  ParameterBudget::take(shape.count());
  auto parameter = std::make_shared<Parameter>(name, Tensor(shape), role, std::move(layout));
  owned_.push_back({std::move(name), parameter, fill, false});
  return parameter;
}

void Layer::share(std::string name, ParameterPtr parameter) {
  owned_.push_back({std::move(name), std::move(parameter), {}, true});
  rename();
}

void Layer::adopt(std::string name, std::shared_ptr<Layer> layer) {
  if (!layer) throw Error(Fault::usage, "layer", fmt::format("the child {} is missing", name));
  children_.push_back({std::move(name), std::move(layer)});
  rename();
}

void Layer::rename() {
  std::set<const Parameter*> named;
  for (const NamedParameter& p : parameters()) {
    if (named.insert(p.parameter.get()).second) p.parameter->set_name(p.name);
  }
}

}  // namespace firn
