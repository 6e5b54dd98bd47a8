// From layers to the nodes of an ONNX model: what each kind of layer is there.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/kernels/activation.h"
#include "layers/foreign/onnx_writer.h"
#include "layers/model.h"
#include "layers/network/kinds.h"

namespace firn {

/// A value on its way through the network: firn's own, built into a graph that is never run, and the name and
/// layout of ONNX's.
struct OnnxFlow {
  Flow flow;
  std::string value, lengths = {};
  bool channels_first = false;  ///< (N,C,H,W) or (N,F,T); else the axes are firn's
  Shape image = {};             ///< (H,W,C): a row of an image's numbers, but over C,H,W

  Shape sample() const { return flow.x.shape().tail(1); }
  int rank() const { return sample().rank(); }
};

/// One layer, what it reads and where it stands.
struct OnnxSite {
  const Layer& layer;
  const LayerArguments& arguments;
  const std::string& path;
  std::span<const OnnxFlow> in;
};

class OnnxExporter {
 public:
  OnnxExporter(const Model& model, OnnxWriter& writer);
  /// Adds weights, inputs, nodes and the output. Throws Error(usage) naming the layer.
  void run();

 private:
  /// Gives value and layout of what comes out; `flow` and `lengths` follow from the layer.
  using Rule = OnnxFlow (OnnxExporter::*)(const OnnxSite&);
  struct Row {
    const char* kind;
    Rule rule;
  };
  static const Row kRows[];

  OnnxFlow layer(const Layer& layer, const std::string& path, std::vector<OnnxFlow> in);
  OnnxFlow children(const Layer& layer, const std::string& path, OnnxFlow in);
  OnnxFlow residual(const Layer& layer, const LayerSpec& spec, const std::string& path, const OnnxFlow& in);
  OnnxFlow branch(const Layer& layer, const std::string& path, const OnnxFlow& in);
  OnnxFlow graph(const Layer& layer, const LayerSpec& spec, const std::string& path, const OnnxFlow& in);
  OnnxFlow joined(const std::string& kind, const std::string& path, std::vector<OnnxFlow> in, Index axis);
  [[noreturn]] void fail(const std::string& path, const std::string& what) const;

  // Layouts.
  OnnxFlow plain(OnnxFlow v, const std::string& path);
  OnnxFlow channels_first(OnnxFlow v, const std::string& path);
  OnnxFlow row_of_image(OnnxFlow v, const std::string& path, const Shape& image);
  OnnxFlow transposed(OnnxFlow v, const std::string& path, std::vector<std::int64_t> order);
  std::string reshaped(const std::string& value, const std::string& path, std::vector<std::int64_t> sample);
  /// The places of the sample's axes (from 1) in the value's layout.
  static std::int64_t axis_of(const OnnxFlow& v, Index axis);
  static std::int64_t channel_axis(const OnnxFlow& v);

  // Pieces.
  std::string node(const std::string& path, const std::string& operation,
                   const std::vector<std::string>& inputs,
                   const std::vector<OnnxAttribute>& attributes = {}) {
    return writer_.node(path, operation, inputs, attributes);
  }
  std::string parameter(const Layer& layer, const std::string& name) const;
  const Parameter& parameter_of(const Layer& layer, const std::string& name) const;
  std::string by_channels(const OnnxSite& at, const OnnxFlow& v, const std::string& name);
  std::string activated(Activation which, const std::string& value, const std::string& path, real slope);
  std::string reduced(const char* operation, const std::string& value, const std::string& path,
                      std::vector<std::int64_t> axes, bool keep = false);
  std::string valid_steps(const std::string& path, const std::string& lengths, Index steps, Index window);
  std::string gates(const std::string& path, const std::vector<std::string>& tensors,
                    const std::vector<int>& order, Index hidden);
  std::string of_every_sample(const std::string& path, const std::vector<std::string>& states,
                              const std::string& x, Index hidden);
  std::vector<OnnxAttribute> window(const LayerArguments& a, bool steps, const Extent& usual_stride) const;

  // Rules.
  OnnxFlow conv(const OnnxSite& at);
  OnnxFlow dense(const OnnxSite& at);
  OnnxFlow norm(const OnnxSite& at);
  OnnxFlow layer_norm(const OnnxSite& at);
  OnnxFlow local_response_norm(const OnnxSite& at);
  OnnxFlow activation(const OnnxSite& at);
  OnnxFlow softmax(const OnnxSite& at);
  OnnxFlow prelu(const OnnxSite& at);
  OnnxFlow pool(const OnnxSite& at);
  OnnxFlow global_pool(const OnnxSite& at);
  OnnxFlow adaptive_pool(const OnnxSite& at);
  OnnxFlow over_axes(const OnnxSite& at);
  OnnxFlow channel_numbers(const OnnxSite& at);
  OnnxFlow affine(const OnnxSite& at);
  OnnxFlow nothing(const OnnxSite& at);
  OnnxFlow flatten(const OnnxSite& at);
  OnnxFlow reshape(const OnnxSite& at);
  OnnxFlow permute(const OnnxSite& at);
  OnnxFlow slice(const OnnxSite& at);
  OnnxFlow zero_pad(const OnnxSite& at);
  OnnxFlow rows(const OnnxSite& at);
  OnnxFlow upsample(const OnnxSite& at);
  OnnxFlow strided_pad(const OnnxSite& at);
  OnnxFlow embedding(const OnnxSite& at);
  OnnxFlow recurrent(const OnnxSite& at);
  OnnxFlow last(const OnnxSite& at);
  OnnxFlow text_conv(const OnnxSite& at);
  OnnxFlow join(const OnnxSite& at);

  const Model& model_;
  OnnxWriter& writer_;
  Graph graph_;
  std::map<const Parameter*, std::string> names_;
  std::string block_;
};

}  // namespace firn
