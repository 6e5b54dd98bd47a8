// The models of the registry: each makes itself for the data's shape and number of classes, and throws
// Error(usage) when it cannot. Parameters are zero until `initialise`.
#pragma once

#include "layers/model.h"

namespace firn {

/// (F)-512-512-classes, whatever the numbers' shape; blocks fc1, fc2, fc3.
ModelPtr make_mlp(const InputSpec& input, Index classes);

/// Two 3x3 convolutions of 32 and 64 channels with pools, 128, classes; blocks conv1, conv2, fc1, fc2.
ModelPtr make_cnn(const InputSpec& input, Index classes);

/// Three 3x3 convolutions of 16 to 32 channels, each with batch norm, ReLU and dropout 0.2, pools after the
/// first two: to study what these do in frozen blocks; blocks conv1, conv2, conv3, fc.
ModelPtr make_bncnn(const InputSpec& input, Index classes);

/// Six 3x3 convolutions of 64 to 256 channels with batch norm, a pool after each second one; blocks conv1 to
/// conv6, fc.
ModelPtr make_vgg(const InputSpec& input, Index classes);

/// LeNet-5 (LeCun 1998) with ReLU and max pools; blocks conv1, conv2, fc1, fc2, fc3. Images of 32 pixels and
/// more are not padded; below 12 the second convolution keeps the size.
ModelPtr make_lenet(const InputSpec& input, Index classes);

/// ResNet for CIFAR (He et al. 2015, section 4.2, option A) of 6n+2 layers; blocks conv1, layer1.0, ...,
/// linear.
ModelPtr make_resnet(int depth, const InputSpec& input, Index classes);

/// The sketch classifier of ml5 (yining1023/doodleNet); blocks conv1 to conv6, fc1, fc2.
ModelPtr make_doodlenet(const InputSpec& input, Index classes);

/// SqueezeNet 1.0 (Iandola 2016); blocks conv1, fire2 to fire9, conv10. Images of 29x29 and more.
ModelPtr make_squeezenet(const InputSpec& input, Index classes);
/// The same with another conv10: dropout, mean over the places, a dense layer. The published head pads and
/// ends in a ReLU, which suits a thousand classes; with few of them it dies.
ModelPtr make_plain_squeezenet(const InputSpec& input, Index classes);

/// One LSTM of 128 over a sequence, or over the rows of an image; blocks lstm, fc.
ModelPtr make_lstm(const InputSpec& input, Index classes);
/// The same under the name that it has for images.
ModelPtr make_rowlstm(const InputSpec& input, Index classes);
/// Two LSTMs of 256; blocks lstm1, lstm2, fc.
ModelPtr make_lstm2(const InputSpec& input, Index classes);
/// The same of 64, for small images read row by row.
ModelPtr make_rowlstm2(const InputSpec& input, Index classes);

/// Embedding of 64, LSTM of 128, last valid step; blocks embedding, lstm, fc.
ModelPtr make_textlstm(const InputSpec& input, Index classes);
/// Kim 2014: embedding of 64, widths 3, 4, 5 of 64 channels, greatest over time; blocks embedding, conv, fc.
ModelPtr make_textcnn(const InputSpec& input, Index classes);

/// ml5's character model: embedding of 128, two LSTMs of 128; blocks embedding, lstm_l0, lstm_l1, out.
/// With `InputSpec::each_step` it answers at each step (the next token, say), else behind the last valid one.
ModelPtr make_charrnn(const InputSpec& input, Index classes);

}  // namespace firn
