// Products with a matrix as mathematics, for those who implement them.
#pragma once

#include "engine/ops/implementation.h"

namespace firn {

/// Rows of a slice, however a product is cut: so all programs of a model cut a batch alike, whatever is
/// frozen.
inline constexpr Index kDenseRows = 8;

/// Rows of k numbers to rows of n.
class RowProduct : public Abstract {
 public:
  RowProduct(Index k, Index n) : k_(k), n_(n) {}
  Index k() const { return k_; }
  Index n() const { return n_; }
  Cost cost(const Node& node) const override;
  Traits traits() const override {
    return {.min_efficient_rows = kDenseRows, .narrowing = Narrowing::multiplies};
  }
  std::vector<Spec> product(std::span<const Spec> inputs) const {
    return {{inputs[0].shape.with(-1, n_), DType::number, inputs[0].axis}};
  }

 protected:
  Attributes size_attributes() const;

 private:
  Index k_, n_;
};

/// Inputs: x (...,k), weight (k,n), and the bias unless there is none.
class DenseOp final : public RowProduct {
 public:
  DenseOp(Index k, Index n, bool bias) : RowProduct(k, n), bias_(bias) {}
  bool bias() const { return bias_; }
  Description describe() const override {
    return {"dense", bias_ ? "y[n,o] = Σ_i x[n,i] weight[i,o] + bias[o]" : "y[n,o] = Σ_i x[n,i] weight[i,o]",
            size_attributes()};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override;
  void gradient(Gradients& gradients) const override;
  std::span<const Implementation* const> implementations() const override;

 private:
  bool bias_;
};

/// Inputs: dy (...,k), weight (n,k).
class DenseDxOp final : public RowProduct {
 public:
  using RowProduct::RowProduct;
  Description describe() const override {
    return {"dense_dx", "dx[n,i] = Σ_o dy[n,o] weight[i,o]", size_attributes()};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return product(inputs);
  }
  std::span<const Implementation* const> implementations() const override;
};

/// Inputs x (...,in), dy (...,out): x^T * columns of dy.
class DenseDwOp final : public Abstract {
 public:
  /// `whole`: columns of the whole gradient, of which dy may hold those that train alone.
  DenseDwOp(UnitRange columns, Index whole) : columns_(columns), whole_(whole) {}
  UnitRange columns() const { return columns_; }
  Index whole() const { return whole_; }
  Description describe() const override;
  Traits traits() const override { return {.narrowing = Narrowing::multiplies}; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override;
  Cost cost(const Node& node) const override;
  std::span<const Implementation* const> implementations() const override;

 private:
  UnitRange columns_;
  Index whole_;
};

extern const Implementation dense_packed, dense_by_columns, dense_matrix;
extern const Implementation dense_dx_packed, dense_dx_by_columns, dense_dx_matrix;
extern const Implementation dense_dw_by_parts, dense_dw_by_pieces, dense_dw_matrix_parts,
    dense_dw_matrix_pieces;

}  // namespace firn
