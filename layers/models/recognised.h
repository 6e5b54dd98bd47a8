// Networks that are known by the names and shapes of their weights: those of torchvision and timm.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "engine/tensor/safetensors.h"
#include "layers/model.h"

namespace firn {

struct RecognisedNetwork {
  std::string name;   ///< "resnet18"
  std::string text;   ///< as `parse_network` reads it; its parameters have the file's names
  Index classes = 0;  ///< rows of its last layer
  ImageRule rule;     ///< ImageNet's mean and deviation, and the size
  /// Whether one that pads as TensorFlow does has the same names and shapes (timm's tf_efficientnet_b0).
  bool has_tf_twin = false;
};

/// ResNet, ResNeXt and wide ResNet, VGG, SqueezeNet, MobileNetV2 and V3, EfficientNet as torchvision names
/// them, and ResNet, MobileNetV2 and V3 and EfficientNet as timm does. None where the file is of another
/// network. What a file's wrappers put before all names ("module.") is passed over.
std::optional<RecognisedNetwork> recognise_network(std::span<const NamedTensor> tensors);

/// "resnet18, ...": of which networks the names are known.
std::string recognised_families();

}  // namespace firn
