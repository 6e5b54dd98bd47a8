// What writing the folder of a run takes.
#pragma once

#include <string>

#include "layers/model.h"
#include "tools/app/cost/machine.h"

namespace firn::cli {

/// Seconds of `atomic_write`.
struct FilePrices {
  double file = 0;  ///< of a small one
  double byte = 0;  ///< more for each byte, hashed before
  double of(double bytes) const { return file + byte * bytes; }
};
/// Measured now by a file in `folder`, which is gone then, but for what is known: a small
/// file where it is not 0, a byte where it is in the machine's list. Zeros where nothing can be written.
FilePrices file_prices(const std::string& folder, Machine& machine, double small_file = 0);

/// What a run saves.
struct Saving {
  double weights = 0;      ///< bytes of best or last
  double checkpoint = 0;   ///< bytes of one
  double base = 0;         ///< bytes of base.safetensors that are written, not linked
  bool from_base = false;  ///< a last checkpoint stays
};
/// `slots` as in `step_bytes`; `weights`: it begins with a file's.
Saving saving_of(const Model& model, int slots, bool has_policy, bool weights);

/// Seconds of what is written before a run begins.
double opening_seconds(const Saving& saving, const FilePrices& prices);
/// Seconds of all that is still to be written, from the end of epoch `done` on, when the epochs behind it
/// take `training` seconds: metrics, checkpoints as `RunKeeper` makes them, weights, page.
double saving_seconds(const Saving& saving, const FilePrices& prices, Index done, Index epochs,
                      double training);

}  // namespace firn::cli
