// A network as a list of named blocks, the unit that freezing counts in.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "layers/layer.h"

namespace firn {

/// What a model is fed, without the batch: images (H,W,C), sequences (T,F), vectors (F), or tokens (T).
struct InputSpec {
  Shape sample;
  Index vocabulary = 0;  ///< of tokens: values 0 .. vocabulary-1; 0: numbers are fed
  bool lengths = false;  ///< samples have different numbers of valid steps
  /// An answer is wanted for each step, not one a sample.
  bool each_step = false;
};

/// What a pretrained model wants its images to be like.
struct ImageRule {
  Index size = 0;                    ///< height and width; 0: as they come
  Index shorter = 0;                 ///< the shorter side before the middle is cut; 0: size
  real scale = 1;                    ///< of the bytes 0..255: 1 or 1/255
  std::vector<real> mean = {};       ///< a channel, after scaling
  std::vector<real> deviation = {};  ///< a channel
  bool bgr = false;                  ///< channels in the order blue, green, red
  bool mirrored = false;             ///< trained on mirror images too
};

/// A place between two children of a model, and what flows through it.
struct CutPoint {
  std::size_t child = 0;  ///< the first child behind it, counted over all blocks
  Shape features = {};    ///< of one sample
  bool lengths = false;   ///< whether what follows is told the numbers of valid steps
};

/// What of a model a graph holds: all of it, or the children between two places.
struct ModelPart {
  /// All of it, fed with "x": samples of this shape, which may differ from `Model::input` (sequences of
  /// another length). It gives "logits".
  ModelPart(Shape whole) : sample(std::move(whole)) {}
  /// Of this what lies behind a place: fed with what flows through it, "features", in the place of "x". The
  /// numbers are those of the whole model.
  ModelPart behind(const CutPoint& place) const;
  /// Of this what lies before a place. It gives "features".
  ModelPart up_to(const CutPoint& place) const;

  Shape sample;
  std::optional<CutPoint> from = {}, to = {};
};

/// What a graph is fed of a model, and what comes of it.
struct ModelEnds {
  Value in, out;
};

/// A network whose head gives rows of `width` numbers, (N,width), or (N,T,width) where it answers each step.
/// What they are for is a `Task`'s affair.
class Model : public Layer {
 public:
  /// Throws Error(usage) for a width below 1.
  Model(std::string name, InputSpec input, Index width);

  const std::string& name() const { return name_; }
  const InputSpec& input() const { return input_; }
  /// Numbers of a row of the output.
  Index width() const { return width_; }
  /// True where there is a row for each step, not one a sample.
  bool each_step() const { return each_step_; }
  /// The images that the published weights were trained on; empty for models without.
  const ImageRule& image_rule() const { return image_rule_; }

  struct Block {
    std::string name;
    std::size_t first_child, last_child;  ///< of the model's children: [first, last)
  };
  const std::vector<Block>& blocks() const { return blocks_; }
  /// The block that a parameter belongs to, by its name in `parameters()`; -1 for none.
  int block_of(const std::string& parameter) const;
  /// The parameters of one block.
  std::vector<NamedParameter> block_parameters(int block) const;

  /// Freezes all and only what `spec` names (what stood frozen before is thawed): "none", "all", "head" (all
  /// but the last block), "half" (the first half of the blocks, rounded down), "3" (the first three blocks),
  /// or several things with commas: numbers of blocks ("0,2,5"), names of blocks, globs and roles as
  /// `Layer::freeze` takes them. Throws Error(usage) with the nearest name for what matches nothing; then
  /// nothing is changed. A parameter that blocks share is frozen where one of them is.
  void set_freeze(const std::string& spec);
  /// Parameters that do not train where nobody says what does: what a file says that a network came in.
  void set_own_frozen(std::vector<std::string> names) { own_frozen_ = std::move(names); }
  /// Freezes these and only these; a name that no parameter has is passed over.
  void freeze_own();
  /// The number of the block of this name, or of the one that holds the parameters that `pattern` names (the
  /// last of them). Throws Error(usage) with the nearest name.
  int find_block(const std::string& pattern) const;

  /// A network, its blocks as named bodies; a size of the last layer that is the number of classes says so.
  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

  /// Adds a part to a graph: its feed ("x" is real, or index for tokens), "lengths" where the numbers of
  /// valid steps are wanted, and its children. With `block_outputs` what each block gives is an output of the
  /// graph, `block_output(i)`.
  ModelEnds add_to(Graph& graph, Index batch, const ModelPart& part, bool block_outputs = false) const;
  /// A graph of nothing but that, in the mode of inference, with the output "logits" or "features".
  std::unique_ptr<Graph> inference_graph(Index batch, const ModelPart& part, Graph::Options options = {},
                                         bool block_outputs = false) const;
  /// "block0"
  static std::string block_output(int block);

  /// The cut before a child: 1 to the number of children. Throws Error(usage) for another, and where no
  /// numbers flow.
  CutPoint cut_point_at(std::size_t child, const Shape& sample) const;

  /// Ends the list of blocks with one more: these children, in this order.
  void add_block(std::string name, std::vector<Child> children);
  void set_each_step(bool on) { each_step_ = on; }
  void set_image_rule(ImageRule rule) { image_rule_ = std::move(rule); }

 private:
  /// Throws where `name` is nothing but nearly that of a block.
  void refuse_near_block(const std::string& name, const std::vector<NamedParameter>& all) const;
  Flow feed_samples(Graph& graph, Index batch, const Shape& sample) const;
  Flow build_children(Graph& graph, Flow in, std::size_t first, std::size_t last, bool block_outputs) const;

  std::string name_;
  InputSpec input_;
  Index width_;
  bool each_step_ = false;
  ImageRule image_rule_;
  std::vector<Block> blocks_;
  std::vector<std::string> own_frozen_;
};

using ModelPtr = std::shared_ptr<Model>;

/// Models by name: each adapts to the data's shape and the width of the answers (classes, say); throws
/// Error(usage) when it cannot.
struct ModelEntry {
  std::string name;
  std::string text;  ///< one line for --help
  std::function<ModelPtr(const InputSpec& input, Index classes)> make;
  InputSpec default_input;  ///< that of the published weights or of the reference benchmark
  Index usual_classes = 10;
  Index usual_batch = 64;
  /// The same with a head of one linear layer on the means over the places, for weights whose head is
  /// replaced; empty: `make` gives such a head.
  std::function<ModelPtr(const InputSpec& input, Index classes)> make_plain = {};
  std::string network = {};  ///< the text of one that the registry does not have (`network_entry`)
};

/// All models, in the order of --help.
const std::vector<ModelEntry>& model_registry();
/// Throws Error(usage) with the nearest name for an unknown one.
const ModelEntry& find_model(const std::string& name);

}  // namespace firn
