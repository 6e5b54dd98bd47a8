#include "layers/weights.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <set>
#include <string_view>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "engine/tensor/safetensors.h"

namespace firn {

namespace {

constexpr std::size_t kNamesShown = 5;

[[noreturn]] void refuse(const std::string& path, const std::string& message) {
  throw Error(Fault::model_file, "weights", fmt::format("{}: {}", path, message));
}

/// "a, b and 7 more"
std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kNamesShown); ++i)
    text += (i > 0 ? ", " : "") + names[i];
  if (names.size() > kNamesShown) text += fmt::format(" and {} more", names.size() - kNamesShown);
  return text;
}

bool is_counter(const std::string& name) {
  return name == "num_batches_tracked" || name.ends_with(".num_batches_tracked");
}

/// Takes off what stands before all names, as long as none of them is one of `known`.
void unwrap(SafeTensors& file, const std::set<std::string>& known) {
  std::vector<std::string*> names;
  for (NamedTensor& t : file.tensors) names.push_back(&t.name);
  for (UnreadTensor& t : file.unread) names.push_back(&t.name);
  const auto wrapped_by = [&](std::string_view wrapper) {
    return std::all_of(names.begin(), names.end(), [&](const std::string* name) {
      return name->starts_with(wrapper) && name->size() > wrapper.size();
    });
  };
  constexpr std::array kWrappers = {"module.", "_orig_mod.", "model.", "state_dict."};
  while (!names.empty() && std::none_of(names.begin(), names.end(),
                                        [&](const std::string* name) { return known.contains(*name); })) {
    const auto* wrapper = std::find_if(kWrappers.begin(), kWrappers.end(), wrapped_by);
    if (wrapper == kWrappers.end()) return;
    for (std::string* name : names) name->erase(0, std::string_view(*wrapper).size());
  }
}

bool same_numbers(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.type() == b.type() &&
         std::memcmp(a.raw(), b.raw(), static_cast<std::size_t>(a.bytes())) == 0;
}

void check_fits(const Parameter& parameter, const std::string& name, const Tensor& tensor,
                const std::string& path) {
  if (tensor.type() != DType::number) refuse(path, fmt::format("{} does not hold real numbers", name));
  if (tensor.shape() != parameter.file_shape()) {
    refuse(path, fmt::format("{} is {} in the file, the model wants {}", name, tensor.shape().text(),
                             parameter.file_shape().text()));
  }
  require_finite(name, tensor, path);
}

/// Throws for a glob that names nothing of either side.
void check_skips(const std::vector<std::string>& skips, const std::vector<std::string>& names) {
  for (const std::string& skip : skips) {
    if (std::any_of(names.begin(), names.end(),
                    [&](const auto& name) { return names_parameter(skip, name); }))
      continue;
    throw Error(Fault::usage, "weights",
                fmt::format("no parameter is called {}{}", skip, did_you_mean(skip, names)));
  }
}

}  // namespace

std::string unwrapped(const std::string& name) {
  std::string_view rest = name;
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view wrapper : {"module.", "_orig_mod."}) {
      if (!rest.starts_with(wrapper)) continue;
      rest.remove_prefix(wrapper.size());
      again = true;
    }
  }
  return std::string(rest);
}

std::string non_finite_text(const std::string& name, const Tensor& tensor) {
  const auto values = tensor.values();
  const auto found = std::find_if_not(values.begin(), values.end(), [](real x) { return std::isfinite(x); });
  if (found == values.end()) return "";
  std::string place;
  Index rest = found - values.begin();
  for (int axis = tensor.shape().rank() - 1; axis >= 0; --axis) {
    const Index size = tensor.shape()[axis];
    place = fmt::format("{}{}{}", rest % size, place.empty() ? "" : ",", place);
    rest /= size;
  }
  return fmt::format("{}[{}] is {}", name, place, *found);
}

void require_finite(const std::string& name, const Tensor& tensor, const std::string& path) {
  const std::string text = non_finite_text(name, tensor);
  if (text.empty()) return;
  throw Error(Fault::non_finite, "weights",
              fmt::format("{}: {}; finite numbers within a float's range are wanted", path, text));
}

LoadReport load_weights(Layer& layer, const std::string& path, const LoadOptions& options) {
  return load_weights(layer, load_safetensors(path), path, options);
}

LoadReport load_weights(Layer& layer, SafeTensors file, const std::string& path, const LoadOptions& options) {
  LoadReport report;
  report.metadata = std::move(file.metadata);

  const std::vector<NamedParameter> parameters = layer.parameters();
  std::set<std::string> known;
  for (const NamedParameter& p : parameters) known.insert(p.name);
  unwrap(file, known);
  for (const UnreadTensor& t : file.unread) {
    if (known.contains(t.name))
      refuse(path, fmt::format("{} {}, the model wants real numbers", t.name, t.why));
  }
  std::vector<std::string> names;
  std::map<std::string, const Tensor*> in_file;
  for (const NamedTensor& t : file.tensors) {
    const bool asked_for = known.contains(t.name);
    if (!asked_for && (is_counter(t.name) || t.tensor.type() != DType::number)) continue;
    in_file.emplace(t.name, &t.tensor);
    names.push_back(t.name);
  }
  for (const NamedParameter& p : parameters) names.push_back(p.name);
  check_skips(options.skip, names);
  const auto skipped = [&](const std::string& name) {
    return std::any_of(options.skip.begin(), options.skip.end(),
                       [&](const std::string& skip) { return names_parameter(skip, name); });
  };

  std::map<const Parameter*, std::pair<Parameter*, const Tensor*>> found;
  std::vector<std::pair<Parameter*, const Tensor*>> taken;
  for (const NamedParameter& p : parameters) {
    const auto entry = in_file.find(p.name);
    if (entry == in_file.end() || skipped(p.name)) continue;
    check_fits(*p.parameter, p.name, *entry->second, path);
    const auto [before, is_first] =
        found.emplace(p.parameter.get(), std::pair{p.parameter.get(), entry->second});
    if (!is_first && !same_numbers(*before->second.second, *entry->second)) {
      refuse(path, fmt::format("{} has other numbers than {}, with which it is shared", p.name,
                               p.parameter->name()));
    }
    if (is_first) {
      taken.push_back(before->second);
      report.loaded.push_back(p.name);
    }
  }
  std::set<const Parameter*> looked_for;
  for (const NamedParameter& p : parameters) {
    const bool first_name = looked_for.insert(p.parameter.get()).second;
    if (first_name && !found.contains(p.parameter.get()) && !skipped(p.name))
      report.missing.push_back(p.name);
  }
  for (const auto& [name, tensor] : in_file) {
    if (!known.contains(name) && !skipped(name)) report.unexpected.push_back(name);
  }
  if (options.strict && !report.missing.empty()) {
    std::string hint;
    if (!report.unexpected.empty()) hint = fmt::format("; it has {}", listed(report.unexpected));
    refuse(path, fmt::format("the file lacks {}{}", listed(report.missing), hint));
  }
  if (options.strict && !report.unexpected.empty()) {
    refuse(path, fmt::format("the model has no {}", listed(report.unexpected)));
  }
  if (taken.empty() && !parameters.empty() && options.skip.empty()) {
    refuse(path,
           fmt::format("none of its tensors is one of the model's; it has {}", listed(report.unexpected)));
  }
  for (const auto& [parameter, tensor] : taken) parameter->from_file(*tensor);
  return report;
}

std::vector<NamedTensor> weights_of(const Layer& layer) {
  std::vector<NamedTensor> tensors;
  std::set<const Parameter*> taken;
  for (const NamedParameter& p : layer.parameters()) {
    if (taken.insert(p.parameter.get()).second) tensors.push_back({p.name, p.parameter->to_file()});
  }
  return tensors;
}

void save_weights(const Layer& layer, const std::string& path,
                  const std::map<std::string, std::string>& metadata) {
  save_safetensors(path, weights_of(layer), metadata);
}

}  // namespace firn
