#include "layers/foreign/pt2.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/base/printable.h"
#include "layers/foreign/pt2_archive.h"
#include "layers/foreign/pt2_operations.h"
#include "layers/foreign/state_inputs.h"

namespace firn {

namespace {

using Json = nlohmann::json;

constexpr Index kMajor = 8;  // of the schema, which its writers raise when older readers would go wrong
constexpr std::size_t kShownName = 80;

std::string shown(const std::string& name) {
  return printable(name.substr(0, kShownName));
}

/// Reads the graph out of its JSON. What `Json::at` throws for another structure becomes one error.
class GraphReader {
 public:
  GraphReader(const Pt2Archive& archive, const std::string& path) : archive_(archive) { graph_.path = path; }

  ForeignGraph read() {
    const Json file = archive_.model();
    try {
      read_file(file);
    } catch (const Json::exception&) {
      archive_.fail(fmt::format("the graph is not as the schema {} has it{}", kMajor,
                                at_.empty() ? "" : " at node " + shown(at_)));
    }
    return std::move(graph_);
  }

 private:
  void read_file(const Json& file) {
    const Json& version = file.at("schema_version");
    const Index major = version.at("major").get<Index>();
    if (major != kMajor) {
      archive_.fail(
          fmt::format("is written to version {}.{} of PyTorch's schema, firn knows {}: export it again with "
                      "a PyTorch that writes that (2.9 to 2.15 do)",
                      major, version.at("minor").get<Index>(), kMajor));
    }
    const Json& graph = file.at("graph_module").at("graph");
    sizes_ = &graph.at("tensor_values");
    read_inputs(file.at("graph_module").at("signature"));
    for (const Json& node : graph.at("nodes")) read_node(node);
    read_outputs(file.at("graph_module").at("signature"));
    if (!choose_input(graph_, inputs_)) archive_.fail("the network has several inputs, firn feeds one");
    for (const auto& [name, at] : values_) {
      if (!sizes_->contains(name)) continue;
      const Json& sizes = sizes_->at(name).at("sizes");
      if (std::all_of(sizes.begin(), sizes.end(), [](const Json& size) { return size.contains("as_int"); }))
        graph_.sizes[at] = sizes_of(name);
    }
  }

  int value(const std::string& name) {
    const auto [at, fresh] = values_.emplace(name, next_);
    if (fresh) ++next_;
    return at->second;
  }
  int known(const std::string& name) const {
    const auto found = values_.find(name);
    if (found == values_.end())
      archive_.fail(fmt::format("node {} reads {}, which no node before it gives", shown(at_), shown(name)));
    return found->second;
  }

  void read_inputs(const Json& signature) {
    ForeignTensors tensors = archive_.tensors();
    for (const auto& [name, tensor] : tensors) graph_.same[name] = tensor.same;
    const auto bind = [&](const Json& spec, const char* key) {
      const std::string name = spec.at(key).get<std::string>();
      const auto found = tensors.find(name);
      if (found == tensors.end()) archive_.fail(fmt::format("has no numbers for {}", shown(name)));
      // One tensor may be bound to several names of the graph.
      ForeignConstant& bound = graph_.constants[value(spec.at("arg").at("name").get<std::string>())];
      bound = found->second;
      bound.parameter = std::string_view(key) == "parameter_name";
    };
    for (const Json& spec : signature.at("input_specs")) {
      if (spec.contains("parameter")) {
        bind(spec.at("parameter"), "parameter_name");
      } else if (spec.contains("buffer")) {
        bind(spec.at("buffer"), "buffer_name");
      } else if (spec.contains("tensor_constant")) {
        bind(spec.at("tensor_constant"), "tensor_constant_name");
      } else if (spec.contains("user_input")) {
        const Json& arg = spec.at("user_input").at("arg");
        if (!arg.contains("as_tensor")) continue;  // a number that stands in the graph anyway
        const std::string name = arg.at("as_tensor").at("name").get<std::string>();
        const Index type = sizes_->at(name).at("dtype").get<Index>();
        inputs_.push_back({value(name), name, sizes_of(name), type >= 2 && type <= 5});
      } else {
        archive_.fail(
            fmt::format("has an input of kind {}, which firn does not read", shown(spec.begin().key())));
      }
    }
    if (inputs_.empty()) archive_.fail("the network has no input that is a tensor");
  }

  void read_outputs(const Json& signature) {
    at_ = "output";
    for (const Json& spec : signature.at("output_specs")) {
      if (!spec.contains("user_output")) continue;  // counters that train() moves
      const Json& arg = spec.at("user_output").at("arg");
      if (!arg.contains("as_tensor")) continue;
      if (graph_.output >= 0) {
        graph_.notes.push_back("the network has several outputs: the first is taken");
        return;
      }
      graph_.output = known(arg.at("as_tensor").at("name").get<std::string>());
    }
    if (graph_.output < 0) archive_.fail("the network has no output that is a tensor");
  }

  Index size_of(const Json& size) const {
    if (size.contains("as_int")) return size.at("as_int").get<Index>();
    const Json& hint = size.at("as_expr").at("hint");
    if (hint.is_null()) archive_.fail("a size is open and has no example: export it with example inputs");
    return hint.is_object() ? hint.at("as_int").get<Index>() : hint.get<Index>();
  }
  std::vector<Index> sizes_of(const std::string& name) const {
    std::vector<Index> sizes;
    for (const Json& size : sizes_->at(name).at("sizes")) sizes.push_back(size_of(size));
    return sizes;
  }

  /// A number of an argument, also one that the graph computes from sizes.
  std::optional<double> number_of(const Json& arg) const {
    if (arg.is_number()) return arg.get<double>();
    if (arg.is_boolean()) return arg.get<bool>() ? 1.0 : 0.0;
    if (!arg.is_object()) return {};
    for (const char* key : {"as_int", "as_float"}) {
      if (arg.contains(key)) return arg.at(key).get<double>();
    }
    if (arg.contains("as_bool")) return arg.at("as_bool").get<bool>() ? 1.0 : 0.0;
    if (arg.contains("as_sym_int")) return number_of(arg.at("as_sym_int"));
    if (arg.contains("as_name")) {
      const auto found = symbols_.find(arg.at("as_name").get<std::string>());
      if (found != symbols_.end()) return found->second;
      archive_.fail(fmt::format("node {} reads the size {}, which firn cannot compute", shown(at_),
                                shown(arg.at("as_name").get<std::string>())));
    }
    return {};
  }

  Pt2Arguments arguments(const Json& node) {
    Pt2Arguments arguments;
    for (const Json& input : node.at("inputs")) {
      const std::string name = input.at("name").get<std::string>();
      const Json& arg = input.at("arg");
      if (arg.contains("as_tensor")) {
        arguments.tensors[name] = {known(arg.at("as_tensor").at("name").get<std::string>())};
      } else if (arg.contains("as_tensors")) {
        for (const Json& one : arg.at("as_tensors"))
          arguments.tensors[name].push_back(known(one.at("name").get<std::string>()));
      } else if (arg.contains("as_string")) {
        arguments.texts[name] = arg.at("as_string").get<std::string>();
      } else if (const auto number = number_of(arg)) {
        arguments.numbers[name] = {*number};
      } else {
        for (const char* key : {"as_ints", "as_floats", "as_sym_ints", "as_bools"}) {
          if (!arg.contains(key)) continue;
          std::vector<double>& list = arguments.numbers[name];
          for (const Json& one : arg.at(key)) list.push_back(number_of(one).value_or(0));
        }
      }
    }
    return arguments;
  }

  /// The module that made the node: the last path of "L__self__conv1,conv1,torch.nn.Conv2d;...".
  static std::string scope_of(const Json& node) {
    const auto metadata = node.find("metadata");
    if (metadata == node.end()) return {};
    const auto stack = metadata->find("nn_module_stack");
    if (stack == metadata->end()) return {};
    std::string text = stack->get<std::string>();
    if (const std::size_t last = text.rfind(';'); last != std::string::npos) text.erase(0, last + 1);
    const std::size_t first = text.find(','), second = text.find(',', first + 1);
    if (first == std::string::npos || second == std::string::npos) return {};
    return text.substr(first + 1, second - first - 1);
  }

  void read_node(const Json& node) {
    ForeignNode made;
    const std::string target = node.at("target").get<std::string>();
    made.said = target.starts_with("torch.ops.") ? target.substr(10) : target;
    const Json& outputs = node.at("outputs");
    for (const Json& output : outputs) {
      if (output.contains("as_sym_int")) {
        at_ = output.at("as_sym_int").at("as_name").get<std::string>();
        return compute_symbol(node, made.said);
      }
      if (output.contains("as_tensor")) {
        names_.push_back(output.at("as_tensor").at("name").get<std::string>());
      } else if (output.contains("as_tensors")) {
        for (const Json& one : output.at("as_tensors")) names_.push_back(one.at("name").get<std::string>());
      }
    }
    at_ = names_.empty() ? made.said : names_[0];
    made.name = at_;
    made.scope = scope_of(node);
    const Pt2Arguments given = arguments(node);
    if (names_.empty()) return;  // an assertion, which gives nothing
    for (const std::string& name : names_) made.outputs.push_back(value(name));
    names_.clear();
    translate_pt2(given, made);
    graph_.nodes.push_back(std::move(made));
  }

  /// Sizes that stand in the graph as numbers of their own.
  void compute_symbol(const Json& node, const std::string& said) {
    const Pt2Arguments given = arguments(node);
    const auto number = [&](const char* key) {
      const auto found = given.numbers.find(key);
      return found == given.numbers.end() || found->second.empty() ? 0.0 : found->second[0];
    };
    double result = 0;
    if (said == "aten.sym_size.int") {
      const std::string of = node.at("inputs").at(0).at("arg").at("as_tensor").at("name").get<std::string>();
      const std::vector<Index> sizes = sizes_of(of);
      const Index dim = static_cast<Index>(number("dim"));
      const Index place = dim < 0 ? dim + static_cast<Index>(sizes.size()) : dim;
      if (place < 0 || place >= static_cast<Index>(sizes.size()))
        archive_.fail(fmt::format("node {} reads size {} of {}", shown(at_), dim, sizes.size()));
      result = static_cast<double>(sizes[static_cast<std::size_t>(place)]);
    } else if (said.ends_with("mul")) {
      result = number("a") * number("b");
    } else if (said.ends_with("add")) {
      result = number("a") + number("b");
    } else if (said.ends_with("sub")) {
      result = number("a") - number("b");
    } else if (said.ends_with("floordiv") && number("b") > 0) {
      result = static_cast<double>(static_cast<Index>(number("a")) / static_cast<Index>(number("b")));
    } else {
      archive_.fail(
          fmt::format("node {} computes a size by {}, which firn does not know", shown(at_), shown(said)));
    }
    symbols_[at_] = result;
  }

  const Pt2Archive& archive_;
  ForeignGraph graph_;
  const Json* sizes_ = nullptr;
  std::map<std::string, int> values_;
  std::map<std::string, double> symbols_;
  std::vector<std::string> names_;
  std::vector<ForeignInput> inputs_;
  std::string at_;  ///< the node that is read
  int next_ = 0;
};

}  // namespace

bool is_pt2(std::span<const std::byte> first) {
  const std::string_view text = as_text(first);
  if (!text.starts_with("PK\x03\x04")) return false;
  return text.find("/data/weights/") != std::string_view::npos ||
         text.find("/archive_format") != std::string_view::npos ||
         text.find("models/model.json") != std::string_view::npos;
}

ForeignGraph read_pt2(std::span<const std::byte> bytes, const std::string& path,
                      const ForeignTensors& lying) {
  const Pt2Archive archive(bytes, path, lying);
  return GraphReader(archive, path).read();
}

}  // namespace firn
