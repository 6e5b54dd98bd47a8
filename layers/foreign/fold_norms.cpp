#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "engine/base/error.h"
#include "layers/foreign/export.h"
#include "layers/network/network.h"

namespace firn {

namespace {

/// A batch norm that is left out: whose work the layer `into` does.
struct FoldedNorm {
  std::string into, norm;  ///< dotted
  double epsilon = 1e-5;
};

bool takes_norms(const LayerSpec& spec) {
  return spec.kind == "conv" || spec.kind == "dense";
}

/// Takes the norm away that `at[i]` is; the layer of weights gets a bias.
void fold_into(LayerSpec& weighty, const LayerSpec& norm, const std::string& prefix,
               std::vector<FoldedNorm>& left_out) {
  std::erase_if(weighty.attributes, [](const LayerSpec::Attribute& a) { return a.name == "no_bias"; });
  FoldedNorm one{dotted(prefix, weighty.name), dotted(prefix, norm.name)};
  if (const std::string* epsilon = norm.find("epsilon")) one.epsilon = std::stod(*epsilon);
  left_out.push_back(std::move(one));
}

void fold_row(std::vector<LayerSpec>& row, const std::string& prefix, std::vector<FoldedNorm>& left_out);

/// The layers of a graph, each of which says what it reads.
void fold_graph(std::vector<LayerSpec>& layers, const std::string& prefix,
                std::vector<FoldedNorm>& left_out) {
  std::map<std::string, int> readers;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (layers[i].from.empty()) layers[i].from = {i > 0 ? layers[i - 1].name : "in"};
    for (const std::string& read : layers[i].from) ++readers[read];
  }
  for (std::size_t i = 0; i < layers.size();) {
    const std::string norm = layers[i].name, source = layers[i].from[0];
    const auto into = std::find_if(layers.begin(), layers.begin() + static_cast<std::ptrdiff_t>(i),
                                   [&](const LayerSpec& one) { return one.name == source; });
    const bool fits = layers[i].kind == "norm" && into != layers.begin() + static_cast<std::ptrdiff_t>(i) &&
                      takes_norms(*into) && readers[source] == 1 &&
                      // The last layer is the graph's value: what does its work must be the last then.
                      (i + 1 < layers.size() || into + 1 == layers.begin() + static_cast<std::ptrdiff_t>(i));
    if (!fits) {
      ++i;
      continue;
    }
    fold_into(*into, layers[i], prefix, left_out);
    readers[source] = readers[norm];
    layers.erase(layers.begin() + static_cast<std::ptrdiff_t>(i));
    for (LayerSpec& one : layers) std::replace(one.from.begin(), one.from.end(), norm, source);
  }
}

void fold_bodies(LayerSpec& spec, const std::string& prefix, std::vector<FoldedNorm>& left_out) {
  for (LayerSpec::Body& body : spec.bodies) {
    const std::string inner = dotted(dotted(prefix, spec.name), body.name);
    if (spec.kind == "graph") fold_graph(body.layers, inner, left_out);
    fold_row(body.layers, inner, left_out);
  }
}

void fold_row(std::vector<LayerSpec>& row, const std::string& prefix, std::vector<FoldedNorm>& left_out) {
  for (std::size_t i = 0; i < row.size(); ++i) {
    fold_bodies(row[i], prefix, left_out);
    // In a graph neighbours need not read each other.
    if (i == 0 || row[i].kind != "norm" || !takes_norms(row[i - 1]) || !row[i].from.empty()) continue;
    fold_into(row[i - 1], row[i], prefix, left_out);
    row.erase(row.begin() + static_cast<std::ptrdiff_t>(i--));
  }
}

}  // namespace

ModelPtr with_norms_folded(const Model& model) {
  LayerSpec spec = model.spec();
  std::vector<FoldedNorm> left_out;
  for (LayerSpec::Body& block : spec.bodies) fold_row(block.layers, "", left_out);
  // A block of norms alone is none any more.
  std::erase_if(spec.bodies, [](const LayerSpec::Body& block) { return block.layers.empty(); });
  ModelPtr made = make_network(model.name(), parse_network(network_text(spec), "export"), "export",
                               model.input(), model.width());
  made->set_image_rule(model.image_rule());

  std::map<std::string, ParameterPtr> from;
  for (const NamedParameter& p : model.parameters()) from.emplace(p.name, p.parameter);
  std::map<std::string, ParameterPtr> to;
  for (const NamedParameter& p : made->parameters()) to.emplace(p.name, p.parameter);
  for (const auto& [name, parameter] : to) {
    if (const auto found = from.find(name); found != from.end()) {
      const std::span<const real> values = found->second->value().values();
      std::copy(values.begin(), values.end(), parameter->mutable_value().data());
    }
    parameter->touch();
  }
  for (const FoldedNorm& one : left_out) {
    const Parameter* weight_of = from.at(dotted(one.into, "weight")).get();
    if (std::count_if(from.begin(), from.end(), [&](const auto& p) { return p.second.get() == weight_of; }) >
        1)
      throw Error(Fault::usage, "export",
                  fmt::format("layer {}: its weight is another layer's too, which {} is no part of: without "
                              "--fold it goes out as it is",
                              one.into, one.norm));
    const auto numbers = [&](const char* name) { return from.at(dotted(one.norm, name))->value().data(); };
    const real *scale = numbers("weight"), *shift = numbers("bias"), *mean = numbers("running_mean"),
               *variance = numbers("running_var");
    // In memory the outputs are the last axis of every weight.
    Tensor& weight = to.at(dotted(one.into, "weight"))->mutable_value();
    Tensor& bias = to.at(dotted(one.into, "bias"))->mutable_value();
    const Index outputs = bias.count();
    for (Index c = 0; c < outputs; ++c) {
      const double factor =
          static_cast<double>(scale[c]) / std::sqrt(static_cast<double>(variance[c]) + one.epsilon);
      for (Index i = c; i < weight.count(); i += outputs)
        weight.data()[i] = static_cast<real>(static_cast<double>(weight.data()[i]) * factor);
      bias.data()[c] =
          static_cast<real>((static_cast<double>(bias.data()[c]) - static_cast<double>(mean[c])) * factor +
                            static_cast<double>(shift[c]));
    }
  }
  return made;
}

}  // namespace firn
