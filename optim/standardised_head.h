// A dense layer that is trained as if what it reads were standardised.
#pragma once

#include <span>
#include <vector>

#include "engine/program/program.h"

namespace firn {

class StateReader;
class StateWriter;

/// y = x W + b is y = z V + c with z = (x - mean) / deviation, V = deviation W (row by row) and c = b + mean
/// W. The optimizer sees V, c and their gradients; the layer, its file and its graph keep W and b. So rates
/// and decay mean the same whatever numbers the features are, as with a batch norm without scale and shift
/// before a linear probe (He 2022, "Masked autoencoders", A.1), which leaves nothing behind in the model.
///
/// `decay` adds decay · V to the gradient of V: the prior that each element of V has variance 1 / (decay ·
/// n), n samples being the loss's mean. c has none.
class StandardisedHead {
 public:
  /// weight (in, out), bias (out). They must outlive it.
  StandardisedHead(Parameter& weight, Parameter& bias, double decay);

  /// Takes the features of `count` samples, (count, in), into mean and deviation.
  void measure(const real* features, Index count);
  /// Has all that it needs: deviation = sqrt(variance + 1e-3 of the mean variance), so that a feature that
  /// never changed counts for little; 1 where none did.
  void measured();
  void forget();
  bool ready() const { return ready_; }
  Index samples() const { return samples_; }

  /// Before an update: weight and bias hold V and c, and the result is `gradients` with those of V and c.
  /// Where the two do not train as a whole, or nothing is measured yet, nothing is done. Valid until the next
  /// call.
  std::span<const GradientView> enter(std::span<const GradientView> gradients);
  /// Behind it: they hold W and b of what V and c have become.
  void leave();
  /// In its place where the update failed: they hold what they held before.
  void abandon();

  void save(const StateWriter& to) const;
  /// Throws Error(model_file) for what cannot be its state.
  void load(const StateReader& from);

 private:
  Parameter& weight_;
  Parameter& bias_;
  const double decay_;
  Index samples_ = 0;
  bool ready_ = false, inside_ = false;
  std::vector<double> mean_, deviation_;  // until `measured` the sums of features and of their squares
  std::vector<double> sums_;              // an output
  std::vector<real> weight_gradient_, bias_gradient_, weight_before_, bias_before_;
  std::vector<GradientView> views_;
};

}  // namespace firn
