// Networks as people write them who have read the first page of docs/networks.md: each runs, or one sentence
// says what is wrong, and where.
#include <doctest/doctest.h>

#include <cmath>

#include "engine/base/error.h"
#include "layers/network/network.h"
#include "tests/errors.h"
#include "tests/layers/support.h"

using namespace firn;
using namespace firn::test;

namespace {

const InputSpec kImage{Shape{28, 28, 1}}, kSteps{Shape{12, 5}}, kWords{.sample = Shape{12}, .vocabulary = 30},
    kTable{Shape{7}};

struct Line {
  const char* text;
  const InputSpec& input;
  const char* said = "";  ///< part of the sentence; empty: it runs
};

const Line kLines[] = {
    {"conv 32 3x3, relu, pool 2, dense", kImage},
    {"conv 32, relu, conv 64, relu, pool, dense 128, relu, dense 10", kImage},
    {"conv 16 5x5 stride 2 pad 2, norm, relu, global_pool, dense", kImage},
    {"conv 16 3x3 no_bias, norm, relu, conv in 3x3 groups in no_bias, norm, relu, conv 32 1x1, dense",
     kImage},
    {"residual { conv 1 3x3, relu }, dense", kImage},
    {"conv 8, residual { conv 8 no_bias, norm, relu, conv 8 no_bias, norm }, global_pool, dense", kImage},
    {"branch { conv 8 1x1 } { conv 8 3x3 }, relu, global_pool, dense", kImage},
    {"[stem] conv 16 3x3, relu\n[head]\n  global_pool\n  dense", kImage},
    {"conv 16 3x3, gelu, layer_norm, global_pool, dense 64, silu, dense", kImage},
    {"dense", kImage},
    {"flatten, dense 100, tanh, dropout 0.2, dense", kImage},
    {"rows, lstm 16, dense", kImage},
    {"conv 8 3x3, prelu, upsample 2, pool 2, dense", kImage},
    {"lstm 16 bidirectional, dense", kSteps},
    {"gru 8 layers 2, last, dense 6, relu, dense", kSteps},
    {"rnn 8, dense", kSteps},
    {"conv 16 3, relu, pool 2, mean over 1, dense", kSteps},
    {"embedding 8, lstm 16, dense", kWords},
    {"embedding 8, text_conv 6, dense", kWords},
    {"dense 32, relu, dense 32, relu, dense", kTable},
    {"norm, dense 16, sigmoid, dense", kTable},

    {"conv 32 3, relu, maxpool 2, dense", kImage,
     "column 18: no layer is called maxpool (did you mean pool?)"},
    {"Conv2d 32 3x3, ReLU, MaxPool2d 2, Linear 10", kImage, "no layer is called Conv2d (did you mean conv?)"},
    {"conv 32, relu, Linear 10", kImage, "no layer is called Linear (here it is dense)"},
    {"conv 32, relu, flatten, fc 128, relu, fc", kImage,
     "column 25: no layer is called fc (here it is dense)"},
    {"conv 32 3x3, BatchNorm2d, relu, dense", kImage, "no layer is called BatchNorm2d (here it is norm)"},
    {"conv 32 3x3, bn, relu, dense", kImage, "(here it is norm)"},
    {"conv 32, relu6, dense", kImage, "(here it is relu_to 6)"},
    {"conv(32, 3x3), relu, dense", kImage, "column 5: '(' is part of no network"},
    {"conv 32 3x3; relu; pool 2; dense", kImage, "column 12: ';' is part of no network"},
    {"conv 32 3x3 -> relu -> dense", kImage, "'>' is part of no network"},
    {"conv 32 3x3 stride=2, relu, dense", kImage,
     "'=' is part of no network: a layer's options stand behind"},
    {"conv 32 3x3 relu pool 2 dense", kImage,
     "column 13: conv has no option relu: a comma goes before the next"},
    {"conv 32 3x3 stride 2 padding 1, relu, dense", kImage, "conv has no option padding (here it is pad)"},
    {"dropout 50%, dense", kImage, "column 11: '%' is part of no network"},
    {"dense 128, relu, dense 5", kImage, "gives (5) for a sample, wanted are the 10 classes"},
    {"conv 32, relu", kImage,
     "gives (28,28,32) for a sample, wanted are the 10 classes: end it with 'dense'"},
    {"conv 32, relu, dense, softmax", kImage, "the loss applies softmax itself: leave it away"},
    {"lstm 64, dense", kImage, "lstm: reads sequences (T,F), gets (28,28,1)"},
    {"embedding 32, lstm 64, dense", kImage, "embedding: reads tokens, gets numbers (28,28,1)"},
    {"lstm 8, dense", kWords, "an embedding comes first"},
    {"conv 8 3x3, dense", kTable, "reads images (H,W,C), gets (7)"},
    {"conv 8, pool 40, dense", kImage, "column 9: pool: input (1,28,28,8) is smaller than the window 40x40"},
    {"residual { conv 16 3x3, relu }, dense", kImage,
     "residual: its layers give (28,28,16), what goes round them (28,28,1): a shortcut { conv 16 1x1 }"},
    {"residual { conv 16 3x3, norm, relu, dense", kImage, "column 10: the brace is never closed"},
    {"conv 32 3x3 groups 5, dense", kImage, "the groups must divide both"},
    {"conv 99999999999 3x3, dense", kImage, "out '99999999999' is no whole number"},
    {"input 28 28 1, conv 8, dense", kImage, "sizes of what enters come from the data"},
    {"sequential { conv 8, relu }, dense", kImage, "(here it is group)"},
    {"attention 4, dense", kImage, "no layer is called attention"},
    {"", kImage, "holds no layer"},
};

}  // namespace

TEST_CASE("networks as people write them run, or one sentence says what is wrong and where") {
  int ran = 0;
  for (const Line& line : kLines) {
    CAPTURE(std::string(line.text));
    ModelPtr model;
    const auto error = error_of(
        [&] { model = make_network("own", parse_network(line.text, "--model"), "--model", line.input, 10); });
    const std::string said = error ? error->what() : "";
    CAPTURE(said);
    if (*line.said != '\0') {
      REQUIRE(error);
      CHECK(error->fault() == Fault::usage);
      CHECK(said.find(line.said) != std::string::npos);
      CHECK(said.starts_with("[network] --model, line 1, column "));
      CHECK(said.find('\n') == std::string::npos);
      continue;
    }
    REQUIRE_FALSE(error);
    model->initialise(1);
    const Feeds feeds = make_feeds(*model, 2);
    const Tensor y = logits(*model, feeds);
    CHECK(y.shape() == Shape{2, 10});
    for (const real x : y.values()) CHECK(std::isfinite(x));
    const auto program = training(*model, 2);
    feed_all(*program, feeds);
    CHECK(std::isfinite(descend(*program, real(0.01))));
    ++ran;
  }
  CHECK(ran >= 20);
}
