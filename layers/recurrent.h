// Recurrent layers, with PyTorch's names and gate order.
#pragma once

#include "engine/ops/recurrent.h"
#include "layers/layer.h"

namespace firn {

/// h (N,T,directions*hidden) from x (N,T,in): what LSTM and GRU share; of a projection that many in the place
/// of hidden. Respects the lengths of its input.
class Recurrent : public Layer {
 public:
  struct Options {
    Index in = 0, hidden = 0;
    Index layers = 1;
    bool bidirectional = false;  ///< the features of both directions, forward first
    bool reverse = false;        ///< from the last step to the first, as an arm of a `Branch`
    real dropout = 0;            ///< between layers
    Index first_layer = 0;       ///< number of the first layer in the names: weight_ih_l0
    Index projection = 0;        ///< of an LSTM: numbers of its state h, "proj_size"; 0: as hidden
    bool initial = false;        ///< learns the states before the first step: h0_l0, of an LSTM c0_l0 too
  };

  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

  /// A state of one direction of one layer, (N,size): the feed and the output where a graph has them.
  struct StateCell {
    std::string name;  ///< "h_l0", "c_l1_reverse"
    bool of_c = false;
    Index size = 0;
    ParameterPtr learned;  ///< what all samples begin with; null: zeros
  };
  /// Layer by layer, each direction, h and c.
  std::vector<StateCell> states() const;

 protected:
  using Op = Value (*)(Graph&, Value, const RecurrentWeights&, const RecurrentOptions&);
  Recurrent(std::string name, const std::vector<std::string>& gates, Op op, Options options);

 private:
  struct Cell {
    ParameterPtr weight_ih, weight_hh, bias_ih, bias_hh, weight_hr, h0, c0;  // the last three may be null
    bool reverse = false;
    std::string suffix;  ///< "_l0_reverse"
  };
  Index state_size() const { return options_.projection > 0 ? options_.projection : options_.hidden; }

  std::string name_;
  Op op_;
  Options options_;
  std::vector<Cell> cells_;  // layer by layer, each direction
};

/// torch.nn.LSTM; gates i,f,g,o.
class Lstm final : public Recurrent {
 public:
  explicit Lstm(Options options);
};

/// torch.nn.GRU; gates r,z,n.
class Gru final : public Recurrent {
 public:
  explicit Gru(Options options);
};

/// `gru_reset_first` (engine/ops/recurrent_steps.h). As `Rnn` of steps that are operations of their own.
class ResetFirstGru final : public Recurrent {
 public:
  explicit ResetFirstGru(Options options);
};

/// torch.nn.RNN, h' = f(W x + b + U h + c) with f tanh or ReLU; at most 1024 steps, which
/// are operations of their own. Sequences of different lengths are read forwards alone.
class Rnn final : public Recurrent {
 public:
  Rnn(Options options, bool relu);
};

/// (N,T,F) to (N,F): the last step, or the last valid one where the input has lengths.
class LastStep final : public Layer {
 public:
  LayerSpec spec() const override { return LayerSpec("last"); }
  Flow build(Graph& graph, Flow in) const override;
};

}  // namespace firn
