// States of recurrent layers that are carried from one run to the next.
#pragma once

#include <string>
#include <vector>

#include "engine/program/program.h"
#include "engine/tensor/safetensors.h"
#include "layers/model.h"

namespace firn {

/// The states of the samples of a dataset, in their order: what recurrent layers begin with, and what they
/// end with. In files as PyTorch has them: "rnn.h", and of an LSTM "rnn.c", (layers*directions,N,size) for a
/// layer that is called rnn. Programs have them as feeds and outputs where the graph's options say so
/// (`Graph::Options::initial_states`, `last_states`).
class CarriedStates {
 public:
  /// Throws Error(usage) for a model without recurrent layers. Zero states, or those that the layers have
  /// learned, for so many samples.
  CarriedStates(const Model& model, Index samples);

  /// Takes the states that are given. Throws Error(model_file) naming `path` for a tensor that no layer has,
  /// or of another shape.
  void begin_with(const SafeTensors& file, const std::string& path);
  /// Feeds what the samples [first, first + count) begin with, where the program wants it.
  void feed(Program& program, Index first, Index count);
  /// Keeps what they ended with, where the program gives it.
  void take(const Program& program, Index first, Index count);
  /// What all samples ended with, or begin with as long as nothing was taken.
  std::vector<NamedTensor> tensors() const;

 private:
  struct State {
    std::string name;                ///< "rnn.h"
    std::vector<std::string> cells;  ///< feeds and outputs, a row each
    Tensor first, last;              ///< (cells,N,size)
    std::vector<Tensor> fed;         ///< of the last program, which reads them
  };
  std::vector<State> states_;
};

}  // namespace firn
