#include "layers/network/network.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string_view>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "layers/layer_graph.h"
#include "layers/network/kinds.h"
#include "layers/recurrent.h"
#include "layers/sequential.h"
#include "layers/shaping.h"
#include "layers/tied_parameters.h"

namespace firn {

namespace {

/// What has come out of the layers so far.
struct Reached {
  Flow flow;
  Shape image = {};  ///< (H,W,C) while the numbers are an image's in a row
  Shape sample() const { return flow.x.shape().tail(1); }
  bool tokens() const { return flow.x.spec().type == firn::DType::int32; }
};

/// Layers that get the numbers ready for the block behind them.
bool leads(const std::string& kind) {
  constexpr std::string_view kinds[] = {"flatten", "rows", "last", "global_pool", "reshape"};
  return std::find(std::begin(kinds), std::end(kinds), kind) != std::end(kinds);
}

/// Makes layer after layer, each for what the ones before it give, by building them into a graph that is
/// never run.
class Builder {
 public:
  Builder(std::string source, const InputSpec& input, Index classes)
      : source_(std::move(source)), input_(input), classes_(classes), graph_({.mode = Mode::infer}) {
    std::vector<Index> sizes{1};
    sizes.insert(sizes.end(), input.sample.sizes().begin(), input.sample.sizes().end());
    reached_.flow.x = graph_.feed("x", Shape(std::span<const Index>(sizes)),
                                  input.vocabulary > 0 ? firn::DType::int32 : DType::number);
    if (input.lengths) reached_.flow.lengths = graph_.feed("lengths", Shape{1}, firn::DType::int32);
  }

  ModelPtr model(const std::string& name, const NetworkText& text) {
    auto model = std::make_shared<Model>(name, input_, classes_);
    const LayerSpec& last = text.blocks.back().layers.back();
    if (last.kind == "softmax")
      fail(last, "ends the network, and the loss applies softmax itself: leave it away");
    ending_ = &last;
    for (const LayerSpec::Body& block : text.blocks) {
      std::vector<Made> layers = row(block.layers, reached_);
      if (text.named) {
        add_block(*model, block.name, layers);
      } else {
        add_blocks(*model, layers);
      }
    }
    const Shape out = reached_.sample();
    const bool rows = out.rank() == 1 || (out.rank() == 2 && each_step());
    if (!rows || out[-1] != classes_ || reached_.tokens()) {
      fail(last,
           fmt::format("the network gives {} for a sample, wanted are the {} classes: end it with 'dense'",
                       out.text(), classes_));
    }
    check_names(*model);
    model->set_each_step(out.rank() == 2);
    return model;
  }

 private:
  struct Made {
    std::string kind;
    Layer::Child child;
    bool begins_block;
  };

  [[noreturn]] void fail(const LayerSpec& spec, const std::string& what) const {
    fail_at(source_, spec.line, spec.column, fmt::format("{}: {}", spec.kind, what));
  }
  bool each_step() const { return input_.each_step; }

  LayerSite site(const Reached& reached) const {
    return {reached.sample(), reached.image, reached.tokens() ? input_.vocabulary : 0, classes_};
  }

  /// Layers one after the other.
  std::vector<Made> row(const std::vector<LayerSpec>& specs, Reached& reached) {
    std::vector<Made> made;
    for (const LayerSpec& spec : specs) {
      if (spec.kind == "dense" && reached.sample().rank() == 3) made.push_back(inserted("flatten", reached));
      if (&spec == ending_ && spec.kind == "dense" && reached.sample().rank() == 2 && !each_step())
        made.push_back(inserted("last", reached));
      if (!spec.from.empty()) fail(spec, "says what it reads, which is for layers of a graph { }");
      made.push_back(one(spec, reached));
    }
    return made;
  }

  Made inserted(const char* kind, Reached& reached) {
    LayerSpec spec(kind);
    return one(spec, reached);
  }

  Made one(const LayerSpec& spec, Reached& reached) {
    std::vector<Flow> read{reached.flow};
    return one(spec, reached, read, reached);
  }

  /// A layer that is made for `from` and reads `flows`; `to` becomes what comes out.
  Made one(const LayerSpec& spec, const Reached& from, const std::vector<Flow>& flows, Reached& to) {
    const LayerKind& kind = *find_layer_kind(spec.kind);
    const std::string given = names_.next(spec.kind);
    const std::string name = spec.name == "_" ? "" : spec.name.empty() ? given : spec.name;
    const Shape before = from.sample(), image = from.image;
    Layer::Child child{name, nullptr};
    try {
      child.layer = spec.tied.empty() ? make_layer(spec, kind, from) : make_tied(spec, kind, from);
      if (!name.empty()) layers_[name] = child.layer;
      const Scope scope(graph_, name);
      to.flow = child.layer->join(graph_, flows);
    } catch (const Error& error) {
      const bool too_large = error.operation() == "tensor" && error.fault() == Fault::failure;
      if ((error.fault() != Fault::usage && !too_large) || error.operation() == "network") throw;
      std::string_view what = error.what();
      what.remove_prefix(std::min(what.find("] ") + 2, what.size()));
      fail(spec, std::string(what));
    }
    const bool same = to.sample() == before && spec.kind != "dense";
    to.image = spec.kind == "flatten" && before.rank() == 3 ? before : same ? image : Shape{};
    return {spec.kind, std::move(child), kind.begins_block};
  }

  /// The parameters that `spec` shares, by what they are called within their layers.
  std::map<std::string, ParameterPtr> tied_of(const LayerSpec& spec) const {
    std::map<std::string, ParameterPtr> tied;
    for (const std::string& name : spec.tied) {
      ParameterPtr found;
      for (std::size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1)) {
        const auto layer = layers_.find(name.substr(0, dot));
        if (layer == layers_.end()) continue;
        const std::string own = name.substr(dot + 1);
        for (const NamedParameter& p : layer->second->parameters()) {
          if (p.name == own) found = tied[own] = p.parameter;
        }
      }
      if (!found) fail(spec, fmt::format("tied {}: no layer before it has this parameter", name));
    }
    return tied;
  }

  LayerPtr make_tied(const LayerSpec& spec, const LayerKind& kind, const Reached& from) {
    const TiedParameters tied(tied_of(spec));
    LayerPtr layer = make_layer(spec, kind, from);
    if (!tied.left().empty()) fail(spec, fmt::format("tied: it has no {} of its own", *tied.left().begin()));
    layer->set_tied(spec.tied);
    return layer;
  }

  LayerPtr make_layer(const LayerSpec& spec, const LayerKind& kind, const Reached& from) {
    if (spec.kind == "graph") return graph_of(spec.bodies[0].layers, from);
    std::vector<LayerPtr> bodies;
    for (std::size_t i = 0; i < spec.bodies.size(); ++i) {
      const std::string& called = spec.bodies[i].name;
      if (i == 0 ? !called.empty() : !kind.body_names.empty() && called.empty()) {
        fail(spec, i == 0 ? fmt::format("'{}' comes behind the first braces", called)
                          : fmt::format("'{}' is wanted before the second braces", kind.body_names[0]));
      }
      Reached inner = from;
      auto group = std::make_shared<Sequential>();
      for (Made& made : row(spec.bodies[i].layers, inner)) group->add(made.child.name, made.child.layer);
      bodies.push_back(std::move(group));
    }
    const LayerSite here = site(from);
    return kind.make(LayerArguments(spec, here, source_), std::move(bodies));
  }

  LayerPtr graph_of(const std::vector<LayerSpec>& specs, const Reached& entry) {
    std::vector<LayerGraph::Node> nodes;
    std::vector<Reached> values;
    std::vector<std::string> names;
    for (const LayerSpec& spec : specs) {
      std::vector<int> inputs;
      for (const std::string& source : spec.from) {
        const auto found = std::find(names.begin(), names.end(), source);
        if (source != "in" && found == names.end())
          fail(spec, fmt::format("no layer before it is called {}{}", source, did_you_mean(source, names)));
        inputs.push_back(source == "in" ? LayerGraph::kEntry : static_cast<int>(found - names.begin()));
      }
      if (inputs.empty()) inputs.push_back(static_cast<int>(values.size()) - 1);
      const auto value = [&](int i) -> const Reached& {
        return i == LayerGraph::kEntry ? entry : values[static_cast<std::size_t>(i)];
      };
      std::vector<Flow> flows;
      for (const int input : inputs) flows.push_back(value(input).flow);
      Reached to = value(inputs[0]);
      Made made = one(spec, value(inputs[0]), flows, to);
      if (made.child.name.empty()) made.child.name = fmt::format("{}{}", spec.kind, nodes.size() + 1);
      names.push_back(made.child.name);
      values.push_back(std::move(to));
      nodes.push_back({made.child.name, made.child.layer, std::move(inputs)});
    }
    return std::make_shared<LayerGraph>(std::move(nodes));
  }

  static void add_block(Model& model, const std::string& name, std::vector<Made>& layers) {
    std::vector<Layer::Child> children;
    for (Made& made : layers) children.push_back(std::move(made.child));
    model.add_block(name, std::move(children));
    layers.clear();
  }

  /// Blocks where the text names none.
  void add_blocks(Model& model, std::vector<Made>& layers) {
    std::vector<Made> block, leading;
    std::string name;
    std::map<std::string, int> nameless;
    for (Made& made : layers) {
      if (made.begins_block) {
        if (!name.empty()) add_block(model, name, block);
        name = made.child.name;
        if (name.empty()) name = fmt::format("{}{}", made.kind, ++nameless[made.kind]);
        std::move(leading.begin(), leading.end(), std::back_inserter(block));
        leading.clear();
      }
      (leads(made.kind) || name.empty() || !leading.empty() ? leading : block).push_back(std::move(made));
    }
    std::move(leading.begin(), leading.end(), std::back_inserter(block));
    add_block(model, name.empty() ? "all" : name, block);
  }

  /// Two parameters of one name would be one in a file.
  void check_names(const Model& model) const {
    std::set<std::string> names, blocks;
    for (const NamedParameter& p : model.parameters()) {
      if (!names.insert(p.name).second)
        fail_at(source_, 1, 1, fmt::format("two parameters are called {}", p.name));
    }
    for (const Model::Block& block : model.blocks()) {
      if (!blocks.insert(block.name).second)
        fail_at(source_, 1, 1, fmt::format("two blocks are called {}", block.name));
    }
  }

  std::string source_;
  InputSpec input_;
  Index classes_;
  Graph graph_;
  Reached reached_;
  AutomaticNames names_;
  std::map<std::string, LayerPtr> layers_;  ///< by their names, the last of each
  const LayerSpec* ending_ = nullptr;
};

}  // namespace

ModelPtr make_network(const std::string& name, const NetworkText& text, const std::string& source,
                      const InputSpec& input, Index classes) {
  return Builder(source, input, classes).model(name, text);
}

ModelPtr make_network(const std::string& text, const InputSpec& input, Index classes) {
  return make_builtin("own", text, input, classes);
}

ModelPtr make_builtin(const std::string& name, const std::string& text, const InputSpec& input,
                      Index classes) {
  return make_network(name, parse_network(text, name), name, input, classes);
}

}  // namespace firn
