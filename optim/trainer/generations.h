// A run's checkpoint and the one before it, on disk.
#pragma once

#include <optional>
#include <string>

#include "optim/trainer/checkpoint.h"

namespace firn {

/// "checkpoint.safetensors" and "checkpoint.previous.safetensors". Whenever the process ends there is a whole
/// file under the first name, and once it has been written twice another under the second.
class Generations {
 public:
  /// `newest`: the path of the newest checkpoint.
  explicit Generations(std::string newest);

  const std::string& newest() const { return newest_; }
  const std::string& previous() const { return previous_; }

  struct Found {
    Checkpoint checkpoint;
    std::string path;    ///< of the file that holds it
    std::string damage;  ///< what is wrong with the newest; empty: it is the newest
  };
  /// The newer of the two that is as it was written; none where there is no file. Where neither is, throws
  /// what `load_checkpoint` throws for the newest.
  std::optional<Found> find() const;

  /// Writes the newest; the one that it replaces becomes the previous one, unless it is a `damaged` one.
  void save(const Checkpoint& checkpoint, bool damaged = false) const;
  /// Takes the previous one away, where there is one.
  void drop_previous() const;

 private:
  void keep_newest() const;

  std::string newest_, previous_;
};

}  // namespace firn
