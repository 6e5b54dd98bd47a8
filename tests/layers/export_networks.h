// Networks that together have every kind of layer, and every model that firn knows: what is exported.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "layers/network/network.h"
#include "tests/layers/support.h"

namespace firn::test {

/// Of the shared data, as PyTorch has written them.
inline constexpr const char* kSharedNetworks[] = {"lenet",
                                                  "small_resnet",
                                                  "two_branches",
                                                  "mobilenet_v2_quarter",
                                                  "mobilenet_v3_quarter",
                                                  "shufflenet_small",
                                                  "densenet_small",
                                                  "squeezenet",
                                                  "crnn",
                                                  "lstm",
                                                  "gru",
                                                  "audio",
                                                  "textcnn"};

struct ExportCase {
  std::string name, text;
  InputSpec input;
  Index classes;
};

inline std::vector<ExportCase> export_texts() {
  const InputSpec image{Shape{12, 10, 4}}, steps{Shape{7, 5}}, numbers{Shape{9}};
  const InputSpec words{.sample = Shape{6}, .vocabulary = 11, .lengths = true};
  return {
      {"windows",
       "conv 8 3x5 stride 2x1 dilation 1x2 pad 1x4 pad_end 2x3, norm epsilon 0.001, leaky_relu 0.2, "
       "conv 8 3x3 groups 4 no_bias, norm, relu_to 6, pool 3 stride 2 pad 1 ceil, conv in 3x3 groups in, "
       "silu, "
       "average_pool 2 pad 1 without_padding, average_pool 3 stride 1 pad 1, gelu, dense 20, gelu_tanh, "
       "layer_norm, dense",
       image, 5},
      {"residuals",
       "residual { conv 4 3x3 no_bias, norm, hard_swish }, "
       "residual activation none { conv 8 1x1 } shortcut { strided_pad 1 before 2 behind 2 }, "
       "residual activation gelu { conv 8 3x3 stride 2 } shortcut { conv 8 1x1 stride 2 no_bias, norm }, "
       "scale, shift as 8x1x1, times 0.5, plus 0.25, adaptive_pool 2x3, flatten, dropout 0.3, sigmoid, dense",
       image, 3},
      {"branches",
       "strided_pad 2 behind 4, branch { conv 3 1x1, tanh } { pool 3 stride 1 pad 1, conv 5 1x1 }, "
       "permute order 3 1 2, slice axis 1 begin 1 end 7 step 2, permute order 2 3 1, mean over 1 2, dense",
       image, 4},
      {"graphs",
       "graph { a: conv 8 3x3, n: norm, b: global_pool from n, c: reshape 1x1x8, d: hard_sigmoid slope 0.2, "
       "m: multiply from n d, e: concat from m n, f: add from e e, q: multiply from f e, h: hard_sigmoid, "
       "g: max over 1 2 }, dense",
       image, 3},
      {"ends",
       "graph { a: conv 4 3x3, n: norm }, graph { b: conv 4 1x1 from in, c: conv 4 3x3 from in, d: norm, e: "
       "norm from b, "
       "f: add from d e }, graph { w: flatten, g: dense 5 no_bias, h: norm }, relu, dense",
       image, 2},
      {"halves",
       "graph { a: slice axis 1 begin 0 end 6, b: slice axis 1 begin 6 end 12 from in, c: concat axis 1 from "
       "b "
       "a }, dense",
       image, 2},
      {"rows", "rows, lstm 8 bidirectional layers 2, gru 6 reverse, last, norm, relu, dense", image, 4},
      {"flat",
       "flatten, norm, scale, reshape 10x48, softmax, conv 5 3 stride 2 pad 1, pool 2, average_pool 2, norm, "
       "layer_norm, mean over 1, dense",
       image, 3},
      {"back",
       "flatten, relu, reshape 12x10x4, conv 3 3x3 no_bias, group { norm, relu }, adaptive_pool 1, flatten, "
       "reshape 1x1x3, conv 3 1x1, identity, global_pool, dense 6 no_bias, norm, dense",
       image, 3},
      {"zeros",
       "zero_pad axis 1 before 1 behind 2, zero_pad axis 2 behind 3, conv 4 3x3 pad 1, zero_pad axis 2 "
       "before 1, pool 2, zero_pad axis 3 before 2, dense",
       image, 3},
      {"slopes",
       "conv 4 3x3, local_response_norm 3 alpha 0.1, prelu, pool 2, prelu shared, upsample 2x3, conv 3 3x3, "
       "upsample 2, flatten, prelu, dense",
       image, 3},
      {"simple",
       "rnn 6 layers 2 bidirectional, rnn_relu 5, rnn_relu 4 bidirectional, gru_reset_first 3 bidirectional, "
       "log_softmax, "
       "last, dense",
       steps, 3},
      {"begun",
       "lstm 6 layers 2 bidirectional initial, gru 5 initial, gru_reset_first 4 reverse initial, rnn 4 "
       "initial, "
       "last, dense",
       steps, 3},
      {"larger",
       "conv 6 3x3 stride 2, transposed_conv 4 3x2 stride 2x3 pad 1x0 more 1x2 groups 2, relu, "
       "transposed_conv 3 "
       "2x3 dilation 2x1 pad 0x1 pad_end 1x0 no_bias, transposed_conv in 3x3 groups in, global_pool, dense",
       image, 3},
      {"longer",
       "transposed_conv 4 5 stride 3 pad 1 more 2, conv 3 3, transposed_conv 4 2, mean over 1, dense", steps,
       3},
      {"tied",
       "conv 4 3x3, relu, a: conv 4 3x3 pad 1, relu, b: conv 4 3x3 tied a.weight a.bias, relu, global_pool, "
       "c: "
       "dense 4, d: dense 4 no_bias tied c.weight, dense",
       image, 3},
      {"tied_words",
       "e: embedding 5, one: lstm 5, two: lstm 5 tied one.weight_ih_l0 one.weight_hh_l0 one.bias_ih_l0, max "
       "over "
       "1, o: dense 11 tied e.weight",
       words, 11},
      {"places", "conv 3 3x3, mean over 3, max over 2, dense", image, 3},
      {"steps", "gru 6 layers 2 bidirectional dropout 0.1, lstm 4, dense 6, max over 1, dense", steps, 3},
      {"last", "lstm 6 first_layer 1, last, dense", steps, 3},
      {"words", "embedding 6, gru 5 bidirectional, max over 1, dense", words, 3},
      {"short", "embedding 4, text_conv 3 widths 2 9, dense", words, 3},
      {"numbers", "dense 7, norm, tanh, dense 3", numbers, 3},
  };
}

/// Weights as after some training: no statistic is what it begins with.
inline void unsettle(Model& model) {
  model.initialise(3);
  std::uint64_t seed = 0;
  for (const NamedParameter& p : model.parameters()) {
    const bool spread = p.name.ends_with("running_var");
    if (p.parameter->role() != Role::norm && p.parameter->role() != Role::statistic) continue;
    Random random(++seed, "export");
    for (real& x : p.parameter->mutable_value().values()) {
      const real moved = static_cast<real>(0.2 * random.normal());
      x = spread ? real(0.5) + std::abs(moved) : x + moved;
    }
    p.parameter->touch();
  }
}

/// All of them, `unsettle`d. Models that are large for their kind are left smaller.
inline std::vector<ModelPtr> export_models() {
  std::vector<ModelPtr> models;
  for (const ModelEntry& entry : model_registry()) {
    InputSpec input = entry.default_input;
    if (entry.name == "squeezenet") input.sample = Shape{67, 67, 3};
    models.push_back(entry.make(input, entry.name == "squeezenet" ? 20 : entry.usual_classes));
  }
  for (const ExportCase& one : export_texts())
    models.push_back(make_builtin(one.name, one.text, one.input, one.classes));
  for (const ModelPtr& model : models) unsettle(*model);
  return models;
}

}  // namespace firn::test
