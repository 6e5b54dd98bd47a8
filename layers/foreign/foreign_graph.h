// A network of others as a graph of operations in one vocabulary, which the reader of each format fills.
//
// Sizes and axes are the file's: channels first, the batch where it stands there. The operations, with their
// inputs and numbers:
//
//   conv x w [b]                stride pad pad_end dilation groups (a number for each axis of an image)
//   transposed_conv x w [b]     the same, and more (output_padding), sizes (of what comes out, in the place
//   of
//                               pads); w (in,out/groups,...)
//   dense x w [b]               w (out,in); matmul x w: w (in,out); gemm x w [b]: alpha beta trans_a trans_b
//   batch_norm x w b mean var   epsilon momentum; layer_norm x w b: axes epsilon
//   relu sigmoid tanh silu hard_swish, leaky_relu: slope, gelu: tanh (1: the approximation),
//   hard_sigmoid: slope offset, clip x [least most]: least most
//   max_pool average_pool       kernel stride pad pad_end dilation ceil count_padding
//   adaptive_average_pool       sizes; global_average_pool
//   mean max_over               axes keep
//   transpose: axes (two of them); reshape x [sizes]: sizes (-1: what is left, 0 and zero_copies: as it was),
//   local_response_norm x: size alpha beta k; prelu x slope; resize x [scales sizes]: factors (of all axes)
//   or sizes, interpolates, other_places pad x [pads value axes]: pads value axes from_last (PyTorch's order
//   of pads) flatten: first last permute: order; squeeze unsqueeze: axes; concat: axis select: axis index;
//   slice x [begin end axes step]: axes begin end step; split: axis sizes, or parts add subtract multiply
//   divide, identity, dropout: p, softmax log_softmax: axis embedding table tokens; gather x indices: axis
//   lstm gru rnn x, `states` initial states, and for each layer and direction weight_ih weight_hh [bias_ih
//     bias_hh] [weight_hr], PyTorch's gates: layers bidirectional batch_first biases dropout states
//   onnx_lstm onnx_gru onnx_rnn x w r [b lengths h c p]: ONNX's own gates, one layer: bidirectional reverse
//   constants are computed from constants: shape, cast, expand, repeat, fill, equal, where
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/base/real.h"

namespace firn {

/// A number of a file as a whole one; what lies beyond 62 bits is cut off, and what is no number is 0.
inline Index whole_of(double number) {
  constexpr double kMost = 4e18;
  return number >= kMost    ? static_cast<Index>(kMost)
         : number <= -kMost ? -static_cast<Index>(kMost)
         : number == number ? static_cast<Index>(number)
                            : 0;
}

/// Numbers that the file holds: a parameter, or what sizes are computed from.
struct ForeignConstant {
  std::string name;       ///< dotted where the file says so
  std::string same = {};  ///< what the file keeps its numbers as, where others may be the same: tied weights
  std::vector<Index> sizes;
  std::vector<real> reals;
  std::span<const real> lying = {};  ///< in the place of `reals`: of somebody who outlives this
  std::vector<std::int64_t> wholes;  ///< in the place of `reals`
  bool whole = false;
  bool trains = true;      ///< the file does not say that it is frozen
  bool parameter = false;  ///< the file says that it is, or is made of, one

  Index count() const {
    Index all = 1;
    for (const Index size : sizes) all *= size;
    return all;
  }
  std::span<const real> floats() const { return lying.empty() ? std::span<const real>(reals) : lying; }
  /// `reals` to be changed, whether they were its own or not.
  std::vector<real>& own_floats() {
    if (!lying.empty()) reals.assign(lying.begin(), lying.end());
    lying = {};
    return reals;
  }
  double number(Index i) const {
    const auto at = static_cast<std::size_t>(i);
    return whole ? static_cast<double>(wholes[at]) : static_cast<double>(floats()[at]);
  }
};

/// Constants by their names in a file.
using ForeignTensors = std::map<std::string, ForeignConstant>;

struct ForeignNode {
  std::string op;                    ///< one of the above; empty: the vocabulary has none
  std::string said;                  ///< what the file calls the operation: "aten.conv2d.default"
  std::string name;                  ///< what the file calls the node
  std::string scope;                 ///< the module that it belongs to: "layer1.0.conv1"; empty: not known
  std::vector<int> inputs, outputs;  ///< values; -1: none
  std::map<std::string, std::vector<double>> numbers = {};

  bool has(const char* key) const { return numbers.contains(key); }
  double number(const char* key, double otherwise) const {
    const auto found = numbers.find(key);
    return found == numbers.end() || found->second.empty() ? otherwise : found->second[0];
  }
  Index whole(const char* key, Index otherwise) const {
    return has(key) ? whole_of(number(key, 0)) : otherwise;
  }
  std::vector<Index> wholes(const char* key) const {
    std::vector<Index> all;
    if (const auto found = numbers.find(key); found != numbers.end()) {
      for (const double one : found->second) all.push_back(whole_of(one));
    }
    return all;
  }
};

struct ForeignGraph {
  std::string path;                          ///< of the file
  std::vector<ForeignNode> nodes;            ///< in an order of computation
  std::map<int, ForeignConstant> constants;  ///< by their value
  int input = -1, output = -1;               ///< values
  std::vector<Index> input_sizes;            ///< the batch among them
  std::map<int, std::vector<Index>> sizes;   ///< of values, where the file says them
  bool tokens = false;                       ///< the input is whole numbers
  std::set<int> states;  ///< values that are fed and become states that recurrent layers begin with
  std::map<std::string, std::string> same;  ///< of the file's tensors, by name, their `ForeignConstant::same`
  std::vector<std::string> notes;           ///< what the reader of the file should be told
};

}  // namespace firn
