// From a foreign graph to layers of firn: constants are folded, channels go last, each operation becomes a
// layer by one table.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/tensor/safetensors.h"
#include "engine/tensor/shape.h"
#include "layers/foreign/foreign_graph.h"
#include "layers/layer_spec.h"

namespace firn {

/// A layer that a network is made of, and what it reads.
struct ForeignLayer {
  LayerSpec spec;
  std::vector<int> inputs;  ///< layers before it; -1: what enters the network
  std::string scope;        ///< the module that it belongs to; its own path where it has parameters
  bool weighty = false;     ///< it has weights that are no norm's
};

struct ForeignLayers {
  std::vector<ForeignLayer> layers;
  int output = -1;                   ///< the layer whose value is the network's
  std::vector<NamedTensor> tensors;  ///< PyTorch's names and layouts
  std::vector<std::string> frozen;   ///< of these
  Shape sample;          ///< what enters: images (H,W,C), sequences (T,F), vectors (F), tokens (T)
  std::string layout;    ///< how the file lays that out: nchw, nhwc, ntf, nft, nt, nf
  Index vocabulary = 0;  ///< of tokens
  Index classes = 0;
  std::vector<std::string> notes;
};

/// Numbers on their way through the network.
struct Stream {
  int layer = -1;            ///< whose value it is
  std::vector<Index> sizes;  ///< as the file has them
  std::vector<int>
      memory;  ///< for each axis of firn's memory the file's, the batch first; of size 1 some are left out
  Shape image = {};    ///< (H,W,C): the last axis runs over C,H,W for the file, but over H,W,C in memory
  int states_of = -1;  ///< the recurrent layer whose last states (layers,N,H) these are

  int rank() const { return static_cast<int>(sizes.size()); }
  Index size(int axis) const { return sizes[static_cast<std::size_t>(axis)]; }
};

/// "(2,3,4)", as errors name the sizes of a file.
std::string sizes_text(const std::vector<Index>& sizes);

class Translator {
 public:
  explicit Translator(const ForeignGraph& graph);
  /// Throws Error(model_file) naming the node for what firn cannot do; operations that it lacks are listed
  /// with their counts.
  ForeignLayers run();

 private:
  ForeignLayers translated();
  using Rule = void (Translator::*)(const ForeignNode&);
  struct Row {
    const char* op;
    Rule rule;
  };
  static const Row kRows[];

  // What the values are.
  const ForeignConstant* constant(int value) const;
  bool computes_zeros(int value) const;
  const ForeignConstant& wanted_constant(const ForeignNode& node, std::size_t input, const char* what) const;
  Stream stream(const ForeignNode& node, std::size_t input) const;
  bool is_stream(int value) const { return streams_.contains(value); }
  void give(const ForeignNode& node, Stream stream, std::size_t output = 0);
  void give(const ForeignNode& node, ForeignConstant constant, std::size_t output = 0);
  [[noreturn]] void fail(const ForeignNode& node, const std::string& what) const;
  void refuse(const std::map<std::string, std::vector<const ForeignNode*>>& lacking) const;
  void begin(const std::vector<const ForeignNode*>& nodes);
  void end();
  Index uses(int value) const;

  // Layers.
  /// Adds a layer that reads `inputs` (where none are said the layer of `s`) and gives numbers that lie as
  /// `s` says, or where `shape` is given as that.
  Stream emit(const ForeignNode& node, LayerSpec spec, const Stream& s, std::vector<int> inputs = {},
              Shape shape = {});
  std::string path_of(const ForeignNode& node, const std::string& tensor, std::string_view ending);
  void keep(const ForeignNode& node, const ForeignConstant& from, const std::string& name,
            const std::vector<Index>& sizes, const std::vector<int>& axes = {},
            std::optional<bool> trains = {});
  /// `name` is the parameter that was kept already.
  void share(const ForeignNode& node, const NamedTensor& kept, const std::string& name,
             const Tensor& numbers);
  void keep_equal(const std::string& name, Index count, real value);
  std::vector<Index> numbers_of(const ForeignNode& node, const char* key, std::size_t input) const;

  struct Window {
    std::vector<Index> stride, dilation, pad, pad_end, out;
    void add_to(LayerSpec& spec, const std::vector<Index>& usual_pad) const;
  };
  /// `more`, `more_end`: zeros that stand around what is read already.
  Window window(const ForeignNode& node, const Stream& s, const std::vector<Index>& kernel,
                const std::vector<Index>& more = {}, const std::vector<Index>& more_end = {}) const;

  // How numbers lie.
  int axis_of(const ForeignNode& node, const Stream& s, Index axis) const;
  Stream settled(const ForeignNode& node, Stream s);
  Stream ordered(const ForeignNode& node, Stream s, std::vector<int> memory);
  Stream channels_last(const ForeignNode& node, Stream s);
  Stream viewed(const ForeignNode& node, Stream s);
  Stream without(const ForeignNode& node, Stream s, const std::set<int>& axes);
  Stream over(const ForeignNode& node, Stream s, const std::set<int>& axes, bool keep_axes,
              const std::string& kind);
  Stream last_of(const ForeignNode& node, const Stream& states);
  Shape shape_of(int layer) const;
  Stream reshaped(const ForeignNode& node, Stream s, const std::vector<Index>& sizes);
  Stream permuted(const ForeignNode& node, Stream s, const std::vector<int>& order);
  Stream sliced(const ForeignNode& node, Stream s, int axis, Index begin, Index end, Index step);
  Shape memory_sizes(const Stream& s) const;

  // Rules.
  bool fold(const ForeignNode& node);
  bool carries_states(const ForeignNode& node) const;
  void activation(const ForeignNode& node);
  void clip(const ForeignNode& node);
  void dropout(const ForeignNode& node);
  void softmax(const ForeignNode& node);
  void conv(const ForeignNode& node);
  void transposed_conv(const ForeignNode& node);
  void dense(const ForeignNode& node);
  void batch_norm(const ForeignNode& node);
  void layer_norm(const ForeignNode& node);
  void embedding(const ForeignNode& node);
  void recurrent(const ForeignNode& node);
  struct Initial;
  Initial initial_states(const ForeignNode& node) const;
  void onnx_recurrent(const ForeignNode& node);
  void pool(const ForeignNode& node);
  void adaptive(const ForeignNode& node);
  void reduce(const ForeignNode& node);
  void local_response_norm(const ForeignNode& node);
  void pad(const ForeignNode& node);
  void prelu(const ForeignNode& node);
  void resize(const ForeignNode& node);
  void reshape(const ForeignNode& node);
  void flatten(const ForeignNode& node);
  void permute(const ForeignNode& node);
  void transpose(const ForeignNode& node);
  void squeeze(const ForeignNode& node);
  void unsqueeze(const ForeignNode& node);
  void concat(const ForeignNode& node);
  void select(const ForeignNode& node);
  void gather(const ForeignNode& node);
  void slice(const ForeignNode& node);
  void split(const ForeignNode& node);
  void identity(const ForeignNode& node);
  void arithmetic(const ForeignNode& node);
  void shape(const ForeignNode& node);
  void arithmetic_of(const ForeignNode& node, Stream a, Stream b);
  void arithmetic_with(const ForeignNode& node, Stream s, const ForeignConstant& c, bool swapped);
  void dense_of(const ForeignNode& node, Stream s, const ForeignConstant& w, const ForeignConstant* b,
                bool transposed);

  const ForeignGraph& graph_;
  ForeignLayers out_;
  std::map<int, Stream> streams_;
  std::map<int, ForeignConstant> folded_;
  std::map<int, Index> uses_;
  std::set<int> ends_;                             ///< values that are the output
  std::set<std::string> paths_;                    ///< of layers
  std::map<std::string, std::size_t> used_;        ///< the file's tensors: their places in out_.tensors
  std::vector<std::string> tied_;                  ///< parameters of others that the next layer shares
  std::string forced_path_;                        ///< of the next recurrent layer; empty: its own
  std::map<std::string, Index> recurrent_layers_;  ///< of a path, so far
  int made_value_ = -1;                            ///< values of constants that no node gives are below
  Index odd_biases_ = 0, norms_ = 0;  ///< of convolutions, that are none of a model's; batch norms
  std::map<int, Stream> sequences_;   ///< what recurrent layers give
  /// Zeros around what a layer reads, by axes of the memory, which a convolution takes as its own padding.
  struct Padded {
    int source = -1;  ///< the layer whose value is padded
    std::vector<Index> before, behind;
  };
  std::map<int, Padded> padded_;
  std::vector<Shape> shapes_;  ///< of a sample, layer by layer
};

}  // namespace firn
