#include "layers/layer_spec.h"

#include <fmt/core.h>

#include <algorithm>

namespace firn {

std::string exact_text(real value) {
  return fmt::format("{}", value);
}

LayerSpec& LayerSpec::bare(std::string attribute, std::string value) {
  attributes.push_back({std::move(attribute), std::move(value), true});
  return *this;
}

LayerSpec& LayerSpec::bare(std::string attribute, Index value) {
  return bare(std::move(attribute), std::to_string(value));
}

LayerSpec& LayerSpec::option(std::string attribute, std::string value, const std::string& usual) {
  if (value != usual) attributes.push_back({std::move(attribute), std::move(value)});
  return *this;
}

LayerSpec& LayerSpec::option(std::string attribute, Index value, Index usual) {
  return option(std::move(attribute), std::to_string(value), std::to_string(usual));
}

LayerSpec& LayerSpec::option(std::string attribute, real value, real usual) {
  return option(std::move(attribute), exact_text(value), exact_text(usual));
}

LayerSpec& LayerSpec::flag(std::string attribute, bool on) {
  if (on) attributes.push_back({std::move(attribute), {}});
  return *this;
}

LayerSpec& LayerSpec::body(std::string called, std::vector<LayerSpec> layers) {
  bodies.push_back({std::move(called), std::move(layers)});
  return *this;
}

const std::string* LayerSpec::find(const std::string& attribute) const {
  const auto found = std::find_if(attributes.begin(), attributes.end(),
                                  [&](const Attribute& a) { return a.name == attribute; });
  return found == attributes.end() ? nullptr : &found->value;
}

std::string LayerSpec::text() const {
  std::string text = name.empty() ? kind : name + ": " + kind;
  for (const Attribute& a : attributes) {
    if (!a.bare) text += " " + a.name;
    if (!a.value.empty()) text += " " + a.value;
  }
  if (!tied.empty()) text += " tied";
  for (const std::string& parameter : tied) text += " " + parameter;
  if (!from.empty()) text += " from";
  for (const std::string& source : from) text += " " + source;
  for (const Body& body : bodies) {
    text += (body.name.empty() ? " {" : " " + body.name + " {");
    for (std::size_t i = 0; i < body.layers.size(); ++i) text += (i > 0 ? ", " : " ") + body.layers[i].text();
    text += " }";
  }
  return text;
}

}  // namespace firn
