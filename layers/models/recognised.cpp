#include "layers/models/recognised.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "layers/models/named_shapes.h"

namespace firn {

namespace {

/// A network of images of `size` with ImageNet's rule; `shorter`: the side before the middle is cut.
RecognisedNetwork imagenet(std::string name, std::string text, Index classes, Index size = 224,
                           Index shorter = 256) {
  return {std::move(name),
          std::move(text),
          classes,
          {.size = size,
           .shorter = shorter,
           .scale = real(1.0 / 255),
           .mean = {real(0.485), real(0.456), real(0.406)},
           .deviation = {real(0.229), real(0.224), real(0.225)},
           .mirrored = true},
          false};
}

std::optional<RecognisedNetwork> as_resnet(const NamedShapes& w) {
  if (w.size("conv1.weight", 2, 4) != 7 || !w.has("layer4.0.conv2.weight")) return std::nullopt;
  Index channels = w.size("conv1.weight", 1, 4);
  std::string text = "[conv1] " + w.conv("conv1", channels, 2) + ", bn1: norm, relu, pool 3 stride 2 pad 1\n";
  const bool deep = w.has("layer1.0.conv3.weight");
  std::string counts;
  bool grouped = false;
  for (int stage = 1; stage <= 4; ++stage) {
    int i = 0;
    for (; w.has(fmt::format("layer{}.{}.conv1.weight", stage, i)); ++i) {
      const std::string block = fmt::format("layer{}.{}", stage, i);
      const Index stride = stage > 1 && i == 0 ? 2 : 1, entering = channels;
      text += fmt::format("[{0}] _: graph {{ {1}, {0}.bn1: norm, relu1: relu, ", block,
                          w.conv(block + ".conv1", channels, deep ? 1 : stride));
      grouped = grouped || (deep && w.size(block + ".conv2.weight", 1, 4) != channels);
      text +=
          fmt::format("{1}, {0}.bn2: norm, ", block, w.conv(block + ".conv2", channels, deep ? stride : 1));
      std::string last = block + ".bn2", round = "in";
      if (deep) {
        text += fmt::format("relu2: relu, {1}, {0}.bn3: norm, ", block, w.conv(block + ".conv3", channels));
        last = block + ".bn3";
      }
      if (w.has(block + ".downsample.0.weight")) {
        Index around = entering;
        text += fmt::format("{1} from in, {0}.downsample.1: norm, ", block,
                            w.conv(block + ".downsample.0", around, stride));
        round = block + ".downsample.1";
      }
      text += fmt::format("sum: add from {} {}, out: relu }}\n", last, round);
    }
    counts += (counts.empty() ? "" : ",") + std::to_string(i);
  }
  const std::array<std::array<const char*, 3>, 4> names{{{"2,2,2,2", "resnet18", ""},
                                                         {"3,4,6,3", "resnet34", "resnet50"},
                                                         {"3,4,23,3", "", "resnet101"},
                                                         {"3,8,36,3", "", "resnet152"}}};
  std::string name = "resnet";
  for (const auto& [of, plain, deeper] : names) {
    const std::string called = deep ? deeper : plain;
    if (of == counts && !called.empty()) name = called;
  }
  if (grouped) name = "resnext";
  return imagenet(name, text + "[fc] global_pool, fc: dense", w.size("fc.weight", 0, 2));
}

std::optional<RecognisedNetwork> as_vgg(const NamedShapes& w) {
  if (w.size("features.0.weight", 2, 4) != 3 || !w.has("classifier.6.weight") ||
      w.size("classifier.0.weight", 1, 2) == 0)
    return std::nullopt;
  const bool norms = w.has("features.1.running_mean");
  Index channels = w.size("features.0.weight", 1, 4);
  std::string text;
  int convs = 0;
  constexpr int kMostLayers = 100;
  for (int i = 0; w.has(fmt::format("features.{}.weight", i)) && i < kMostLayers;) {
    const std::string path = fmt::format("features.{}", i);
    text += fmt::format("[{}] {}", path, w.conv(path, channels));
    if (norms) text += fmt::format(", features.{}: norm", i + 1);
    text += ", relu";
    i += norms ? 3 : 2;
    // Pools have numbers of their own in the list.
    if (!w.has(fmt::format("features.{}.weight", i))) {
      text += ", pool 2";
      ++i;
    }
    text += "\n";
    ++convs;
  }
  text += fmt::format(
      "[classifier.0] adaptive_pool 7, flatten, classifier.0: dense {}, relu, dropout 0.5\n"
      "[classifier.3] classifier.3: dense {}, relu, dropout 0.5\n[classifier.6] classifier.6: dense",
      w.size("classifier.0.weight", 0, 2), w.size("classifier.3.weight", 0, 2));
  return imagenet(fmt::format("vgg{}{}", convs + 3, norms ? "_bn" : ""), text,
                  w.size("classifier.6.weight", 0, 2));
}

std::optional<RecognisedNetwork> as_squeezenet(const NamedShapes& w) {
  if (!w.has("features.0.weight") || !w.has("features.12.squeeze.weight") || !w.has("classifier.1.weight"))
    return std::nullopt;
  Index channels = w.size("features.0.weight", 1, 4);
  std::string text = "[features.0] " + w.conv("features.0", channels, 2, " pad 0") + ", relu";
  for (int i = 2; i <= 12; ++i) {
    const std::string path = fmt::format("features.{}", i);
    if (!w.has(path + ".squeeze.weight")) {
      text += ", pool 3 stride 2 ceil";
      continue;
    }
    Index one = w.outputs(path + ".squeeze"), three = one;
    text += fmt::format("\n[{0}] {1}, relu, branch {{ {2}, relu }} {{ {3}, relu }}", path,
                        w.conv(path + ".squeeze", channels), w.conv(path + ".expand1x1", one),
                        w.conv(path + ".expand3x3", three));
    channels = one + three;
  }
  const bool first = w.size("features.0.weight", 2, 4) == 7;
  return imagenet(first ? "squeezenet1_0" : "squeezenet1_1",
                  text + "\n[classifier.1] dropout 0.5, classifier.1: conv classes 1x1, relu, global_pool",
                  w.outputs("classifier.1"));
}

/// torchvision's lists of a block: "block.0.0" a convolution, "block.0.1" its norm, "block.1.fc1" an
/// excitation.
std::vector<BlockPart> listed_parts(const NamedShapes& w, const std::string& block) {
  std::vector<BlockPart> parts;
  for (int i = 0;; ++i) {
    const std::string path = fmt::format("{}.{}", block, i);
    if (w.has(path + ".0.weight")) {
      parts.push_back({path + ".0", path + ".1", "", ""});
    } else if (w.has(path + ".fc1.weight")) {
      parts.push_back({"", "", path + ".fc1", path + ".fc2"});
    } else {
      return parts;
    }
  }
}

std::string stem_text(const NamedShapes& w, const std::string& block, const std::string& conv,
                      const std::string& norm, const BlockStyle& style, Index stride, Index& channels) {
  return fmt::format("[{}] {}, {}: {}, {}\n", block, w.conv(conv, channels, stride), norm, style.norm,
                     style.activation);
}

std::optional<RecognisedNetwork> as_mobilenet_v2(const NamedShapes& w) {
  if (!w.has("features.0.0.weight") || !w.has("features.1.conv.0.0.weight") || !w.has("features.18.0.weight"))
    return std::nullopt;
  const BlockStyle style{.activation = "relu_to 6"};
  Index channels = w.size("features.0.0.weight", 1, 4);
  std::string text = stem_text(w, "features.0", "features.0.0", "features.0.1", style, 2, channels);
  for (int i = 1; i <= 17; ++i) {
    const std::string name = fmt::format("features.{}", i), conv = name + ".conv";
    std::vector<BlockPart> parts{{conv + ".0.0", conv + ".0.1", "", ""}};
    const bool expands = w.has(conv + ".3.weight");
    if (expands) parts.push_back({conv + ".1.0", conv + ".1.1", "", ""});
    parts.push_back({conv + (expands ? ".2" : ".1"), conv + (expands ? ".3" : ".2"), "", ""});
    const bool halves = i == 2 || i == 4 || i == 7 || i == 14;
    text += inverted_residual(w, name, parts, style, halves ? 2 : 1, channels);
  }
  text += stem_text(w, "features.18", "features.18.0", "features.18.1", style, 1, channels);
  return imagenet("mobilenet_v2", text + "[classifier.1] global_pool, dropout 0.2, classifier.1: dense",
                  w.size("classifier.1.weight", 0, 2));
}

std::optional<RecognisedNetwork> as_mobilenet_v3(const NamedShapes& w) {
  if (!w.has("features.1.block.0.0.weight") || !w.has("classifier.3.weight")) return std::nullopt;
  int blocks = 0;
  while (w.has(fmt::format("features.{}.block.0.0.weight", blocks + 1))) ++blocks;
  const bool small = blocks == 11;
  if (!small && blocks != 15) return std::nullopt;
  const std::string strides = small ? "22121111211" : "121211211111211";
  const int first_swish = small ? 4 : 7;  // blocks before it have ReLU
  const std::string norm = "norm epsilon 0.001 momentum 0.01";
  BlockStyle style{.activation = "hard_swish", .norm = norm};
  Index channels = w.size("features.0.0.weight", 1, 4);
  std::string text = stem_text(w, "features.0", "features.0.0", "features.0.1", style, 2, channels);
  for (int i = 1; i <= blocks; ++i) {
    style.activation = i < first_swish ? "relu" : "hard_swish";
    const std::string name = fmt::format("features.{}", i);
    text += inverted_residual(w, name, listed_parts(w, name + ".block"), style,
                              strides[static_cast<std::size_t>(i - 1)] - '0', channels);
  }
  const std::string last = fmt::format("features.{}", blocks + 1);
  text += stem_text(w, last, last + ".0", last + ".1", style, 1, channels);
  text += fmt::format(
      "[classifier.0] global_pool, classifier.0: dense {}, hard_swish\n"
      "[classifier.3] dropout 0.2, classifier.3: dense",
      w.size("classifier.0.weight", 0, 2));
  return imagenet(small ? "mobilenet_v3_small" : "mobilenet_v3_large", text,
                  w.size("classifier.3.weight", 0, 2));
}

/// The variant by its number of blocks and what it ends with; the sizes of torchvision's weights.
struct EfficientNet {
  int blocks;
  Index head;
  const char* name;
  Index size, shorter;
};
constexpr EfficientNet kEfficientNets[] = {
    {16, 1280, "efficientnet_b0", 224, 256}, {23, 1280, "efficientnet_b1", 240, 255},
    {23, 1408, "efficientnet_b2", 288, 288}, {26, 1536, "efficientnet_b3", 300, 320},
    {32, 1792, "efficientnet_b4", 380, 384}, {39, 2048, "efficientnet_b5", 456, 456},
    {45, 2304, "efficientnet_b6", 528, 528}, {55, 2560, "efficientnet_b7", 600, 600}};

const EfficientNet* efficientnet_of(int blocks, Index head) {
  const auto found =
      std::find_if(std::begin(kEfficientNets), std::end(kEfficientNets),
                   [&](const EfficientNet& e) { return e.blocks == blocks && e.head == head; });
  return found == std::end(kEfficientNets) ? nullptr : found;
}

constexpr int kEfficientStages = 7;
constexpr std::string_view kStageStrides = "1222121";

std::optional<RecognisedNetwork> as_efficientnet(const NamedShapes& w) {
  if (!w.has("features.1.0.block.0.0.weight") || !w.has("features.8.0.weight")) return std::nullopt;
  int blocks = 0;
  for (int stage = 1; stage <= kEfficientStages; ++stage) {
    for (int i = 0; w.has(fmt::format("features.{}.{}.block.0.0.weight", stage, i)); ++i) ++blocks;
  }
  const EfficientNet* which = efficientnet_of(blocks, w.outputs("features.8.0"));
  if (which == nullptr) return std::nullopt;
  const BlockStyle style{.activation = "silu",
                         .inner = "silu",
                         .gate = "sigmoid",
                         .norm = blocks >= 39 ? "norm epsilon 0.001 momentum 0.01" : "norm"};
  Index channels = w.size("features.0.0.weight", 1, 4);
  std::string text = stem_text(w, "features.0", "features.0.0", "features.0.1", style, 2, channels);
  for (int stage = 1; stage <= kEfficientStages; ++stage) {
    for (int i = 0; w.has(fmt::format("features.{}.{}.block.0.0.weight", stage, i)); ++i) {
      const std::string name = fmt::format("features.{}.{}", stage, i);
      const Index stride = i == 0 ? kStageStrides[static_cast<std::size_t>(stage - 1)] - '0' : 1;
      text += inverted_residual(w, name, listed_parts(w, name + ".block"), style, stride, channels);
    }
  }
  text += stem_text(w, "features.8", "features.8.0", "features.8.1", style, 1, channels);
  return imagenet(which->name, text + "[classifier.1] global_pool, dropout 0.2, classifier.1: dense",
                  w.size("classifier.1.weight", 0, 2), which->size, which->shorter);
}

/// timm's names of a block's parts.
std::vector<BlockPart> timm_parts(const NamedShapes& w, const std::string& block) {
  std::vector<BlockPart> parts;
  int norm = 0;
  const auto conv = [&](const char* name) {
    if (w.has(fmt::format("{}.{}.weight", block, name)))
      parts.push_back({block + "." + name, fmt::format("{}.bn{}", block, ++norm), "", ""});
  };
  const bool expands = w.has(block + ".conv_pwl.weight");
  if (expands) conv("conv_pw");
  conv("conv_dw");
  if (w.has(block + ".se.conv_reduce.weight"))
    parts.push_back({"", "", block + ".se.conv_reduce", block + ".se.conv_expand"});
  conv(expands ? "conv_pwl" : "conv_pw");
  return parts;
}

std::optional<RecognisedNetwork> as_timm(const NamedShapes& w) {
  if (!w.has("conv_stem.weight") || !w.has("blocks.0.0.conv_dw.weight") || !w.has("conv_head.weight") ||
      w.size("classifier.weight", 0, 2) == 0)
    return std::nullopt;
  const bool third = w.has("conv_head.bias"), excites = w.has("blocks.1.0.se.conv_reduce.weight");
  int stages = 0, blocks = 0;
  for (; w.has(fmt::format("blocks.{}.0.bn1.weight", stages)); ++stages) {
    for (int i = 0; w.has(fmt::format("blocks.{}.{}.bn1.weight", stages, i)); ++i) ++blocks;
  }
  const bool small = third && stages == 6;
  if (stages != (small ? 6 : kEfficientStages)) return std::nullopt;
  BlockStyle style{.activation = "relu_to 6"};
  std::string name = "mobilenet_v2";
  Index size = 224, shorter = 256;
  if (third) {
    style.activation = "hard_swish";
    name = small ? "mobilenet_v3_small" : "mobilenet_v3_large";
  } else if (excites) {
    const EfficientNet* which = efficientnet_of(blocks, w.outputs("conv_head"));
    if (which == nullptr) return std::nullopt;
    style = {.activation = "silu", .inner = "silu", .gate = "sigmoid"};
    name = which->name;
    size = which->size;
    shorter = which->shorter;
  } else if (blocks != 17) {
    return std::nullopt;
  }
  Index channels = w.size("conv_stem.weight", 1, 4);
  std::string text = stem_text(w, "conv_stem", "conv_stem", "bn1", style, 2, channels);
  const std::string_view strides = small ? "222121" : kStageStrides;
  for (int stage = 0; stage < stages; ++stage) {
    if (third) style.activation = stage < (small ? 2 : 3) ? "relu" : "hard_swish";
    for (int i = 0; w.has(fmt::format("blocks.{}.{}.bn1.weight", stage, i)); ++i) {
      const std::string block = fmt::format("blocks.{}.{}", stage, i);
      const Index stride = i == 0 ? strides[static_cast<std::size_t>(stage)] - '0' : 1;
      if (w.has(block + ".conv.weight")) {
        text += stem_text(w, block, block + ".conv", block + ".bn1", style, stride, channels);
      } else {
        text += inverted_residual(w, block, timm_parts(w, block), style, stride, channels);
      }
    }
  }
  if (third) {
    text +=
        fmt::format("[conv_head] adaptive_pool 1, {}, hard_swish, flatten\n", w.conv("conv_head", channels));
    text += "[classifier] dropout 0.2, classifier: dense";
  } else {
    text += stem_text(w, "conv_head", "conv_head", "bn2", style, 1, channels);
    text += "[classifier] global_pool, dropout 0.2, classifier: dense";
  }
  RecognisedNetwork known = imagenet(name, text, w.size("classifier.weight", 0, 2), size, shorter);
  known.has_tf_twin = third || excites;
  return known;
}

}  // namespace

std::optional<RecognisedNetwork> recognise_network(std::span<const NamedTensor> tensors) {
  const NamedShapes shapes(tensors);
  for (const auto as :
       {as_resnet, as_vgg, as_squeezenet, as_mobilenet_v2, as_mobilenet_v3, as_efficientnet, as_timm}) {
    auto found = as(shapes);
    if (found && found->classes > 0) return found;
  }
  return std::nullopt;
}

std::string recognised_families() {
  return "ResNet, ResNeXt, VGG, SqueezeNet, MobileNetV2 and V3, EfficientNet";
}

}  // namespace firn
