// Recurrent cells and their gradients as mathematics, for those who implement them.
#pragma once

#include "engine/ops/implementation.h"

namespace firn {

/// What the cells share: the order of the steps and the optional lengths, the last input.
class RecurrentOp : public Abstract {
 public:
  RecurrentOp(Index gates, bool reverse, bool lengths)
      : gates_(gates), reverse_(reverse), lengths_(lengths) {}
  Index gates() const { return gates_; }
  bool reverse() const { return reverse_; }
  bool lengths() const { return lengths_; }
  Cost cost(const Node& node) const override;
  Traits traits() const override { return {.min_efficient_rows = 8}; }  // as a dense layer
  bool multiplies_inside() const override { return true; }

 protected:
  Attributes direction() const;
  /// Of the value whose shape is the hidden states'.
  virtual const Shape& hidden(const Node& node) const = 0;

 private:
  Index gates_;
  bool reverse_, lengths_;
};

/// Inputs: pre (N,T,4H), weight_hh, lengths. Outputs: hidden, gates, cell.
class LstmOp final : public RecurrentOp {
 public:
  LstmOp(bool reverse, bool lengths) : RecurrentOp(4, reverse, lengths) {}
  Description describe() const override;
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override;
  void gradient(Gradients& gradients) const override;
  Traits traits() const override;
  std::span<const Implementation* const> implementations() const override;

 private:
  const Shape& hidden(const Node& node) const override { return node.outputs()[0].shape; }
};

/// Inputs: dhidden, gates, cell, weight_hh, lengths. Output: dpre.
class LstmBackwardOp final : public RecurrentOp {
 public:
  LstmBackwardOp(bool reverse, bool lengths) : RecurrentOp(4, reverse, lengths) {}
  Description describe() const override;
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override;
  Traits traits() const override;
  std::span<const Implementation* const> implementations() const override;

 private:
  const Shape& hidden(const Node& node) const override { return node.inputs()[0].shape(); }
};

/// Inputs: pre (N,T,3H), weight_hh, bias_hh, lengths. Outputs: hidden, gates.
class GruOp final : public RecurrentOp {
 public:
  GruOp(bool reverse, bool lengths) : RecurrentOp(3, reverse, lengths) {}
  Description describe() const override;
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override;
  void gradient(Gradients& gradients) const override;
  std::span<const Implementation* const> implementations() const override;

 private:
  const Shape& hidden(const Node& node) const override { return node.outputs()[0].shape; }
};

/// Inputs: dhidden, hidden, gates, weight_hh, lengths. Outputs: dpre, dq (N,T,3H), of which one may be read
/// by nobody (`spare`).
class GruBackwardOp final : public RecurrentOp {
 public:
  GruBackwardOp(bool reverse, bool lengths, bool spare) : RecurrentOp(3, reverse, lengths), spare_(spare) {}
  bool spare() const { return spare_; }
  Description describe() const override;
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override;
  std::span<const Implementation* const> implementations() const override;

 private:
  const Shape& hidden(const Node& node) const override { return node.inputs()[0].shape(); }

  bool spare_;
};

/// Inputs: hidden (N,T,H), dq (N,T,G*H). dW (H,G*H): the sum over t of h of the step before, transposed,
/// times dq.
class RecurrentDwOp final : public Abstract {
 public:
  /// `whole`: columns of the whole gradient, of which dq may hold those that train alone.
  RecurrentDwOp(bool reverse, Index whole) : reverse_(reverse), whole_(whole) {}
  bool reverse() const { return reverse_; }
  Index whole() const { return whole_; }
  Description describe() const override {
    return {"recurrent_dw", "dW[i,j] = Σ_{n,t} h[n, t-1, i] dq[n,t,j]",
            Attributes().add("reverse", reverse_)};
  }
  Traits traits() const override { return {.narrowing = Narrowing::multiplies}; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override;
  Cost cost(const Node& node) const override;
  std::span<const Implementation* const> implementations() const override;

 private:
  bool reverse_;
  Index whole_;
};

/// With the recurrent weight in the form that the kernels of engine/kernels/recurrent.h read.
extern const Implementation lstm_packed, lstm_backward_packed, gru_packed, gru_backward_packed;
extern const Implementation lstm_matrix, lstm_backward_matrix, gru_matrix, gru_backward_matrix;
extern const Implementation recurrent_dw_by_parts, recurrent_dw_whole, recurrent_dw_matrix_parts,
    recurrent_dw_matrix;

}  // namespace firn
