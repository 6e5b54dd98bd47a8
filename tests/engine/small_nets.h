// Small networks written by hand, for tests of what freezing promises.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/program/program.h"

namespace firn::test {

/// A network of a few layers with its parameters, and a batch to feed it.
class SmallNet {
 public:
  virtual ~SmallNet() = default;
  SmallNet(const SmallNet&) = delete;
  SmallNet& operator=(const SmallNet&) = delete;

  /// The layers below the head; what they hold is labelled "conv1", "norm1", ...
  virtual Value features(Graph& graph) const = 0;
  /// All of it up to the logits: a dense layer "head" on the features.
  Value logits(Graph& graph) const;
  /// The loss on the fed labels.
  Value loss(Graph& graph, Value logits) const;

  /// The training step for the parameters that train, fed. Outputs "loss" and "logits".
  std::unique_ptr<Program> training(ProgramOptions options = {}, bool batch_statistics = false) const;
  /// The forward pass, fed. Output "logits".
  std::unique_ptr<Program> inference(ProgramOptions options = {}) const;
  void feed(Program& program) const;

  const std::vector<ParameterPtr>& parameters() const { return parameters_; }
  Parameter& parameter(const std::string& name) const;
  /// Sets the flag of the parameters whose names begin with `prefix`.
  void freeze(const std::string& prefix, bool frozen = true) const;
  const std::map<std::string, Tensor>& feeds() const { return feeds_; }

 protected:
  SmallNet(Index batch, Index features, std::uint64_t seed);
  ParameterPtr make(const std::string& name, Shape shape, double low = -0.4, double high = 0.4,
                    Role role = Role::weight);
  void make_dense(const std::string& name, Index in, Index out);
  void make_norm(const std::string& name, Index channels);
  Value get(Graph& graph, const std::string& name) const;
  Value dense_layer(Graph& graph, const std::string& name, Value x) const;
  Value norm_layer(Graph& graph, const std::string& name, Value x) const;

  Index batch_;
  std::map<std::string, Tensor> feeds_;

 private:
  std::uint64_t seed_;
  std::vector<ParameterPtr> parameters_;
};

/// dense fc1, relu, dense fc2, gelu, head.
std::unique_ptr<SmallNet> make_mlp_net(Index batch = 16);
/// conv1, norm1, relu, [conv2, norm2] + shortcut, relu, max-pool, head.
std::unique_ptr<SmallNet> make_conv_net(Index batch = 12);
/// embed, lstm, layer norm, gru, last valid step, head.
std::unique_ptr<SmallNet> make_sequence_net(Index batch = 18);

/// The three of them by name.
std::map<std::string, std::unique_ptr<SmallNet>> small_nets();

/// SHA-256 of the bytes of the parameters that are frozen.
std::string hash_of_frozen(const std::vector<ParameterPtr>& parameters);
/// SHA-256 of the bytes of all parameters.
std::string hash_of(const std::vector<ParameterPtr>& parameters);

}  // namespace firn::test
