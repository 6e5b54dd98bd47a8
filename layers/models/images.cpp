#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "layers/models/input.h"
#include "layers/models/models.h"
#include "layers/network/network.h"

namespace firn {

namespace {

std::string pool_if(bool pooled) {
  return pooled ? ", pool 2" : "";
}

/// As many pools as the image's sides can be halved.
int pools_of(const Shape& image, int most) {
  return halvings(std::min(image[0], image[1]), most);
}

}  // namespace

ModelPtr make_cnn(const InputSpec& input, Index classes) {
  const int pools = pools_of(require_image("cnn", input), 2);
  return make_builtin("cnn",
                      "[conv1] conv 32, relu" + pool_if(pools > 0) + "\n[conv2] conv 64, relu" +
                          pool_if(pools > 1) + "\n[fc1] fc1: dense 128, relu\n[fc2] fc2: dense",
                      input, classes);
}

ModelPtr make_bncnn(const InputSpec& input, Index classes) {
  const int pools = pools_of(require_image("bncnn", input), 2);
  std::string text;
  for (int i = 1; i <= 3; ++i) {
    text += fmt::format("[conv{0}] conv {1} no_bias, bn{0}: norm, relu{2}, dropout 0.2\n", i,
                        i == 1 ? 16 : 32, pool_if(i <= pools));
  }
  return make_builtin("bncnn", text + "[fc] fc: dense", input, classes);
}

ModelPtr make_vgg(const InputSpec& input, Index classes) {
  const int pools = pools_of(require_image("vgg", input), 3);
  std::string text;
  for (int i = 1; i <= 6; ++i) {
    text += fmt::format("[conv{0}] conv {1} no_bias, bn{0}: norm, relu{2}\n", i, 64 << (i - 1) / 2,
                        pool_if(i % 2 == 0 && i / 2 <= pools));
  }
  return make_builtin("vgg", text + "[fc] fc: dense", input, classes);
}

ModelPtr make_lenet(const InputSpec& input, Index classes) {
  const Shape image = require_image("lenet", input, 4);
  // The second pool needs six places behind the first one, or the borders that make up for them.
  const Index smaller = std::min(image[0], image[1]);
  return make_builtin("lenet",
                      fmt::format("[conv1] conv 6 5x5 pad {}, relu, pool 2\n"
                                  "[conv2] conv 16 5x5 pad {}, relu, pool 2\n"
                                  "[fc1] fc1: dense 120, relu\n[fc2] fc2: dense 84, relu\n[fc3] fc3: dense",
                                  smaller >= 32 ? 0 : 2, smaller >= 12 ? 0 : 2),
                      input, classes);
}

ModelPtr make_doodlenet(const InputSpec& input, Index classes) {
  const int pools = pools_of(require_image("doodlenet", input), 3);
  std::string text;
  for (int i = 1; i <= 6; ++i) {
    text += fmt::format("[conv{}] conv {}, relu{}\n", i, 16 << (i - 1) / 2,
                        pool_if(i % 2 == 0 && i / 2 <= pools));
  }
  const ModelPtr model = make_builtin(
      "doodlenet", text + "[fc1] flatten, dropout: dropout 0.1, fc1: dense 512, tanh\n[fc2] fc2: dense",
      input, classes);
  model->set_image_rule({.scale = real(1.0 / 255)});
  return model;
}

ModelPtr make_resnet(int depth, const InputSpec& input, Index classes) {
  const std::string name = fmt::format("resnet{}", depth);
  const Shape image = require_image(name, input);
  std::string text = "[conv1] conv1: conv 16 no_bias, bn1: norm, relu\n";
  for (int stage = 1; stage <= 3; ++stage) {
    const int out = 16 << (stage - 1);
    for (int i = 0; i < (depth - 2) / 6; ++i) {
      const bool halves = stage > 1 && i == 0;
      text += fmt::format(
          "[layer{0}.{1}] layer{0}.{1}: residual {{ conv1: conv {2}{3} no_bias, bn1: norm, relu1: relu, "
          "conv2: conv {2} no_bias, bn2: norm }}",
          stage, i, out, halves ? " stride 2" : "");
      if (halves) text += fmt::format(" shortcut {{ strided_pad 2 before {0} behind {0} }}", out / 4);
      text += "\n";
    }
  }
  const ModelPtr model = make_builtin(name, text + "[linear] global_pool, linear: dense", input, classes);
  if (image[2] == 3) {
    model->set_image_rule({.scale = real(1.0 / 255),
                           .mean = {real(0.485), real(0.456), real(0.406)},
                           .deviation = {real(0.229), real(0.224), real(0.225)},
                           .mirrored = true});
  }
  return model;
}

namespace {

ModelPtr squeezenet_with(const std::string& head, const InputSpec& input, Index classes) {
  constexpr Index kSmallest = 29;  // below it the last pool sees less than its window
  const Shape image = require_image("squeezenet", input, kSmallest);
  std::string text = "[conv1] conv 96 7x7 stride 2 pad 0, relu, pool 3 stride 2 ceil\n";
  constexpr std::array<int, 8> squeezed{16, 16, 32, 32, 48, 48, 64, 64};
  for (std::size_t i = 0; i < squeezed.size(); ++i) {
    text += fmt::format(
        "[fire{0}] fire{0}: group {{ squeeze1x1: conv {1} 1x1, relu, "
        "branch {{ expand1x1: conv {2} 1x1, relu }} {{ expand3x3: conv {2} 3x3, relu }} }}{3}\n",
        i + 2, squeezed[i], 4 * squeezed[i], i == 2 || i == 6 ? ", pool 3 stride 2 ceil" : "");
  }
  const ModelPtr model = make_builtin("squeezenet", text + head, input, classes);
  if (image[2] == 3) {
    model->set_image_rule({.size = 227,
                           .scale = 1,
                           .mean = {104, 117, 123},
                           .deviation = {1, 1, 1},
                           .bgr = true,
                           .mirrored = true});
  }
  return model;
}

}  // namespace

ModelPtr make_squeezenet(const InputSpec& input, Index classes) {
  return squeezenet_with("[conv10] dropout: dropout 0.5, conv10: conv classes 1x1 pad 1, relu, global_pool",
                         input, classes);
}

ModelPtr make_plain_squeezenet(const InputSpec& input, Index classes) {
  return squeezenet_with("[conv10] dropout: dropout 0.5, global_pool, conv10: dense", input, classes);
}

}  // namespace firn
