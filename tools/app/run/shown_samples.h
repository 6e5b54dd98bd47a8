// Samples as a page shows them: what was got wrong, and what it was least sure of.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/loader.h"
#include "tools/app/cli/json.h"

namespace firn::cli {

/// A sample with what was answered to it.
struct ShownSample {
  Index sample = 0, truth = 0, predicted = 0;
  double confidence = 0;                      ///< probability of the answer
  Index height = 0, width = 0, channels = 0;  ///< of an image; 0: it is none
  std::vector<std::uint8_t> pixels;           ///< (H,W,C)
  std::string text;                           ///< of what is no image
};

/// Two hex digits a byte.
std::string hex_text(const std::vector<std::uint8_t>& bytes);

/// Fills in the sample as it came from the data: bytes of an image, text of tokens, the first numbers of a
/// row with their names.
void show(const Dataset& data, ShownSample& shown);

/// An image whose longer side is at most `side`: means over the boxes that its pixels fall into.
void shrink(ShownSample& shown, Index side);

/// Looks on while a part is answered, one answer a sample. Of a large part no more is kept than may be shown.
class SampleWatch {
 public:
  /// At most `most` of a kind are shown. Keeps nothing where targets are no classes or each step has a label.
  explicit SampleWatch(const DatasetPtr& data, std::size_t most = 12);
  /// A batch and its logits (count, classes).
  void look(const Batch& batch, const real* logits);

  /// Those that were got wrong, those it was surest of first; the earlier of equals.
  std::vector<ShownSample> wrong() const;
  /// Those of the least confidence, right or wrong.
  std::vector<ShownSample> unsure() const;

 private:
  std::vector<ShownSample> shown(std::vector<ShownSample> chosen, bool surest) const;
  void keep(std::vector<ShownSample>& kept, const ShownSample& sample, bool surest) const;
  void cut(std::vector<ShownSample>& kept, bool surest) const;

  DatasetPtr data_;
  std::size_t most_;
  bool watches_;
  std::vector<ShownSample> wrong_, unsure_;  ///< without what they show; the first `most_` are among them
};

/// samples.json of a run:
/// {"part":"test","weights":"best","wrong":[...],"unsure":[...],"counts":{"train":[...],
/// "validation":[...],"test":[...]}}; a sample is {"sample","truth","predicted","confidence"} with "text" or
/// "height", "width", "channels" and "pixels", bytes as hex digits.
JsonObject samples_json(const SampleWatch& watch, const std::string& weights, const DatasetPtr& train,
                        const DatasetPtr& validation, const DatasetPtr& test);

}  // namespace firn::cli
