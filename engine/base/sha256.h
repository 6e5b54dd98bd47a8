// SHA-256.
#pragma once

#include <memory>
#include <span>
#include <string>

namespace firn {

/// Hashes bytes as they come.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  Sha256& update(std::span<const std::byte> bytes);
  /// 64 hex digits of all that was given; ends the hash.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::span<const std::byte> bytes);

}  // namespace firn
