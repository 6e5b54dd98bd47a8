#include "layers/model.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "layers/units.h"

namespace firn {

namespace {

std::vector<std::string> split_commas(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

/// The number that digits stand for, or one more than `most` where it is greater.
std::size_t number_of(const std::string& digits, std::size_t most) {
  std::size_t value = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return result.ec == std::errc() ? std::min(value, most + 1) : most + 1;
}

Shape batched(Index batch, const Shape& sample) {
  std::vector<Index> sizes{batch};
  sizes.insert(sizes.end(), sample.sizes().begin(), sample.sizes().end());
  return Shape(std::span<const Index>(sizes));
}

}  // namespace

Model::Model(std::string name, InputSpec input, Index width)
    : name_(std::move(name)), input_(input), width_(width) {
  if (width < 1) throw Error(Fault::usage, name_, fmt::format("{} classes", width));
}

void Model::add_block(std::string name, std::vector<Child> children) {
  const std::size_t first = this->children().size();
  for (Child& child : children) adopt(std::move(child.name), std::move(child.layer));
  blocks_.push_back({std::move(name), first, this->children().size()});
}

std::vector<NamedParameter> Model::block_parameters(int block) const {
  const Block& range = blocks_[static_cast<std::size_t>(block)];
  std::vector<NamedParameter> all;
  for (std::size_t i = range.first_child; i < range.last_child; ++i) {
    const Child& child = children()[i];
    for (NamedParameter& p : child.layer->parameters())
      all.push_back({dotted(child.name, p.name), std::move(p.parameter)});
  }
  return all;
}

int Model::block_of(const std::string& parameter) const {
  for (int block = 0; block < static_cast<int>(blocks_.size()); ++block) {
    for (const NamedParameter& p : block_parameters(block)) {
      if (p.name == parameter) return block;
    }
  }
  return -1;
}

int Model::find_block(const std::string& pattern) const {
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    if (blocks_[i].name == pattern) return static_cast<int>(i);
  }
  int last = -1;
  for (int block = 0; block < static_cast<int>(blocks_.size()); ++block) {
    for (const NamedParameter& p : block_parameters(block)) {
      if (names_parameter(pattern, p.name)) last = block;
    }
  }
  if (last >= 0) return last;
  std::vector<std::string> names;
  for (const Block& block : blocks_) names.push_back(block.name);
  throw Error(Fault::usage, "freeze",
              fmt::format("{} has no block {}{}", name_, pattern, did_you_mean(pattern, names)));
}

void Model::refuse_near_block(const std::string& name, const std::vector<NamedParameter>& all) const {
  if (name.find_first_of(":[*?") != std::string::npos) return;
  for (const NamedParameter& p : all) {
    if (names_parameter(name, p.name)) return;
  }
  std::vector<std::string> names;
  for (const Block& block : blocks_) names.push_back(block.name);
  const std::string hint = did_you_mean(name, names);
  if (hint.empty()) return;
  throw Error(Fault::usage, "freeze", fmt::format("{} has no block or parameter {}{}", name_, name, hint));
}

void Model::set_freeze(const std::string& spec) {
  const std::size_t count = blocks_.size();
  std::set<std::size_t> frozen_blocks;
  std::map<const Parameter*, std::vector<UnitRange>> frozen;
  const auto freeze_first = [&](std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) frozen_blocks.insert(i);
  };
  if (spec == "all") {
    freeze_first(count);
  } else if (spec == "head") {
    freeze_first(count > 0 ? count - 1 : 0);
  } else if (spec == "half") {
    freeze_first(count / 2);
  } else if (is_number(spec)) {
    const std::size_t n = number_of(spec, count);
    if (n > count) {
      throw Error(Fault::usage, "freeze", fmt::format("{} has {} blocks, not {}", name_, count, spec));
    }
    freeze_first(n);
  } else if (spec != "none") {
    for (const std::string& part : split_commas(spec)) {
      const auto named =
          std::find_if(blocks_.begin(), blocks_.end(), [&](const Block& b) { return b.name == part; });
      if (is_number(part)) {
        const std::size_t n = number_of(part, count);
        if (n >= count) {
          throw Error(Fault::usage, "freeze",
                      fmt::format("{} has the blocks 0 to {}, there is no {}", name_, count - 1, part));
        }
        frozen_blocks.insert(n);
      } else if (named != blocks_.end()) {
        frozen_blocks.insert(static_cast<std::size_t>(named - blocks_.begin()));
      } else {
        const std::vector<NamedParameter> all = parameters();
        refuse_near_block(part, all);
        for (const SelectedUnits& s : select_units(all, part)) {
          std::vector<UnitRange>& units = frozen[s.parameter.get()];
          units.insert(units.end(), s.units.begin(), s.units.end());
        }
      }
    }
  }
  for (const std::size_t block : frozen_blocks) {
    for (const NamedParameter& p : block_parameters(static_cast<int>(block)))
      frozen[p.parameter.get()] = {{0, p.parameter->units()}};
  }
  for (const NamedParameter& p : parameters()) p.parameter->set_frozen_units(frozen[p.parameter.get()]);
}

void Model::freeze_own() {
  const std::set<std::string> names(own_frozen_.begin(), own_frozen_.end());
  std::set<const Parameter*> frozen;  // under one of its names
  for (const NamedParameter& p : parameters()) {
    if (names.contains(p.name)) frozen.insert(p.parameter.get());
  }
  for (const NamedParameter& p : parameters()) {
    p.parameter->set_frozen_units(frozen.contains(p.parameter.get())
                                      ? std::vector<UnitRange>{{0, p.parameter->units()}}
                                      : std::vector<UnitRange>{});
  }
}

LayerSpec Model::spec() const {
  LayerSpec network("network");
  for (const Block& block : blocks_) {
    std::vector<LayerSpec> layers;
    for (std::size_t i = block.first_child; i < block.last_child; ++i) layers.push_back(children()[i].spec());
    network.body(block.name, std::move(layers));
  }
  if (network.bodies.empty()) return network;
  std::vector<LayerSpec>& head = network.bodies.back().layers;
  for (auto layer = head.rbegin(); layer != head.rend(); ++layer) {
    for (LayerSpec::Attribute& a : layer->attributes) {
      if (a.name != "out" || a.value != std::to_string(width_)) continue;
      a.value = "classes";
      return network;
    }
  }
  return network;
}

ModelPart ModelPart::behind(const CutPoint& place) const {
  ModelPart part = *this;
  part.from = place;
  return part;
}

ModelPart ModelPart::up_to(const CutPoint& place) const {
  ModelPart part = *this;
  part.to = place;
  return part;
}

std::string Model::block_output(int block) {
  return fmt::format("block{}", block);
}

Flow Model::build(Graph& graph, Flow in) const {
  return build_children(graph, in, 0, children().size(), false);
}

Flow Model::build_children(Graph& graph, Flow in, std::size_t first, std::size_t last,
                           bool block_outputs) const {
  const int outer = graph.block();
  for (std::size_t block = 0; block < blocks_.size(); ++block) {
    graph.set_block(static_cast<int>(block));
    const std::size_t end = std::min(blocks_[block].last_child, last);
    for (std::size_t i = std::max(blocks_[block].first_child, first); i < end; ++i)
      in = children()[i].build(graph, in);
    if (block_outputs) graph.output(block_output(static_cast<int>(block)), in.x);
  }
  graph.set_block(outer);
  return in;
}

Flow Model::feed_samples(Graph& graph, Index batch, const Shape& sample) const {
  Flow in;
  in.x = graph.feed("x", batched(batch, sample), input_.vocabulary > 0 ? DType::int32 : DType::number);
  if (input_.lengths) in.lengths = graph.feed("lengths", Shape{batch}, DType::int32);
  return in;
}

ModelEnds Model::add_to(Graph& graph, Index batch, const ModelPart& part, bool block_outputs) const {
  Flow in;
  if (!part.from) {
    in = feed_samples(graph, batch, part.sample);
  } else {
    in.x = graph.feed("features", batched(batch, part.from->features));
    if (part.from->lengths) in.lengths = graph.feed("lengths", Shape{batch}, DType::int32);
  }
  const std::size_t first = part.from ? part.from->child : 0;
  const std::size_t last = part.to ? part.to->child : children().size();
  const Value out = build_children(graph, in, first, last, block_outputs).x;
  if (!part.to && out.shape()[-1] != width_) {
    throw Error(Fault::usage, name_,
                fmt::format("the output is {}, for {} classes", out.shape().text(), width_));
  }
  return {in.x, out};
}

std::unique_ptr<Graph> Model::inference_graph(Index batch, const ModelPart& part, Graph::Options options,
                                              bool block_outputs) const {
  options.mode = Mode::infer;
  auto graph = std::make_unique<Graph>(options);
  graph->output(part.to ? "features" : "logits", add_to(*graph, batch, part, block_outputs).out);
  return graph;
}

CutPoint Model::cut_point_at(std::size_t child, const Shape& sample) const {
  if (child < 1 || child > children().size()) {
    throw Error(Fault::usage, "cut point",
                fmt::format("{} has {} layers, no place before layer {}", name_, children().size(), child));
  }
  Graph graph({.mode = Mode::infer});
  const Flow flow = build_children(graph, feed_samples(graph, 1, sample), 0, child, false);
  if (flow.x.spec().type != DType::number) {
    throw Error(Fault::usage, "cut point", fmt::format("{}: no numbers flow before layer {}", name_, child));
  }
  return {child, flow.x.shape().tail(1), static_cast<bool>(flow.lengths)};
}

}  // namespace firn
