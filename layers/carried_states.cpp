#include "layers/carried_states.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "layers/recurrent.h"

namespace firn {

namespace {

struct FoundLayer {
  std::string name;
  const Recurrent* layer;
};

void find_layers(const Layer& layer, const std::string& name, std::vector<FoundLayer>& found) {
  if (const auto* recurrent = dynamic_cast<const Recurrent*>(&layer)) found.push_back({name, recurrent});
  for (const Layer::Child& child : layer.children())
    find_layers(*child.layer, dotted(name, child.name), found);
}

}  // namespace

CarriedStates::CarriedStates(const Model& model, Index samples) {
  std::vector<FoundLayer> layers;
  find_layers(model, "", layers);
  if (layers.empty())
    throw Error(Fault::usage, "states",
                fmt::format("{} has no recurrent layer, whose states could be carried", model.name()));
  // Layers of one name, which go on counting, have one state.
  std::vector<std::vector<ParameterPtr>> learned;
  for (const FoundLayer& found : layers) {
    for (const Recurrent::StateCell& cell : found.layer->states()) {
      const std::string name = dotted(found.name, cell.of_c ? "c" : "h");
      std::size_t i = 0;
      while (i < states_.size() && states_[i].name != name) ++i;
      if (i == states_.size()) {
        states_.push_back({name, {}, Tensor(Shape{0, samples, cell.size}), {}, {}});
        learned.emplace_back();
      }
      states_[i].cells.push_back(dotted(found.name, cell.name));
      learned[i].push_back(cell.learned);
      if (states_[i].first.shape()[2] != cell.size)
        throw Error(Fault::usage, "states", fmt::format("the layers called {} differ in size", found.name));
    }
  }
  for (std::size_t i = 0; i < states_.size(); ++i) {
    State& state = states_[i];
    const Index size = state.first.shape()[2];
    state.first = Tensor(Shape{static_cast<Index>(state.cells.size()), samples, size});
    real* row = state.first.data();
    for (const ParameterPtr& parameter : learned[i]) {
      for (Index n = 0; n < samples; ++n, row += size) {
        if (parameter) std::copy_n(parameter->value().data(), size, row);
      }
    }
    state.last = state.first.clone();
  }
}

void CarriedStates::begin_with(const SafeTensors& file, const std::string& path) {
  std::vector<std::string> names;
  for (const State& state : states_) names.push_back(state.name);
  for (const NamedTensor& given : file.tensors) {
    const auto found =
        std::find_if(states_.begin(), states_.end(), [&](const State& s) { return s.name == given.name; });
    if (found == states_.end()) {
      throw Error(Fault::model_file, "states",
                  fmt::format("{}: no state is called {}, the network has {}", path, given.name,
                              fmt::join(names, ", ")));
    }
    if (given.tensor.shape() != found->first.shape()) {
      throw Error(Fault::model_file, "states",
                  fmt::format("{}: {} is {}, wanted is {} (layers and directions, samples, numbers)", path,
                              given.name, given.tensor.shape().text(), found->first.shape().text()));
    }
    found->first = given.tensor.clone();
    found->last = given.tensor.clone();
  }
}

void CarriedStates::feed(Program& program, Index first, Index count) {
  if (!program.graph().options().initial_states) return;
  for (State& state : states_) {
    const Index samples = state.first.shape()[1], size = state.first.shape()[2];
    state.fed.resize(state.cells.size());
    for (std::size_t i = 0; i < state.cells.size(); ++i) {
      Tensor& rows = state.fed[i];
      if (!rows.defined() || rows.shape()[0] != count) rows = Tensor(Shape{count, size});
      std::copy_n(state.first.data() + (static_cast<Index>(i) * samples + first) * size, count * size,
                  rows.data());
      program.feed(state.cells[i], rows);
    }
  }
}

void CarriedStates::take(const Program& program, Index first, Index count) {
  if (!program.graph().options().last_states) return;
  for (State& state : states_) {
    const Index samples = state.first.shape()[1], size = state.first.shape()[2];
    for (std::size_t i = 0; i < state.cells.size(); ++i) {
      std::copy_n(program.output_data(state.cells[i]), count * size,
                  state.last.data() + (static_cast<Index>(i) * samples + first) * size);
    }
  }
}

std::vector<NamedTensor> CarriedStates::tensors() const {
  std::vector<NamedTensor> all;
  for (const State& state : states_) all.push_back({state.name, state.last.clone()});
  return all;
}

}  // namespace firn
