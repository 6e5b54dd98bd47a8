#include "engine/base/gzip.h"

#include <fmt/core.h>
#include <zlib.h>

#include <algorithm>
#include <limits>

namespace firn {

namespace {

constexpr std::uint64_t kChunk = 1 << 16;
constexpr std::uint64_t kFirst = 1 << 24;  // taken at once on the file's word
constexpr std::uint64_t kMaxRatio = 1032;  // deflate cannot pack tighter

class Inflate {
 public:
  Inflate() {
    constexpr int kGzipOnly = 16;
    if (inflateInit2(&stream_, MAX_WBITS + kGzipOnly) != Z_OK)
      throw Error(Fault::failure, "gzip", "no memory");
  }
  ~Inflate() { inflateEnd(&stream_); }
  Inflate(const Inflate&) = delete;
  Inflate& operator=(const Inflate&) = delete;
  z_stream* operator->() { return &stream_; }
  z_stream* get() { return &stream_; }

 private:
  z_stream stream_{};
};

/// The size that the last member claims, as far as it is possible: saves growing, proves nothing.
std::uint64_t claimed_size(std::span<const std::byte> packed) {
  if (packed.size() < 18) return 0;
  std::uint64_t size = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    size |= std::to_integer<std::uint64_t>(packed[packed.size() - 4 + i]) << (8 * i);
  }
  return std::min<std::uint64_t>(size, packed.size() * kMaxRatio);
}

}  // namespace

bool is_gzip(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b};
}

std::vector<std::byte> gunzip(std::span<const std::byte> packed, std::uint64_t cap, Fault fault,
                              const std::string& path, const SizePromise& promise) {
  Inflate stream;
  bool asked = !promise;
  std::vector<std::byte> result(std::min({cap, claimed_size(packed), asked ? kFirst : kChunk}));
  std::uint64_t written = 0;
  std::uint64_t taken = 0;
  const auto fail = [&](std::string_view message) { throw Error(fault, "gzip", path, taken, message); };

  for (;;) {
    if (!asked && written >= kChunk) {
      asked = true;
      if (const auto size = promise(std::span(result).first(written)); size) {
        if (*size > packed.size() * kMaxRatio)
          fail(fmt::format("promises {} bytes, more than {} packed ones hold", *size, packed.size()));
        cap = std::min(cap, std::max(*size, written));
        result.reserve(std::min(cap, packed.size() * 4 + kFirst));
      }
    }
    if (written == result.size()) result.resize(std::min(cap, written + std::max(kChunk, written / 2)));
    // One byte of room beyond the cap tells a file that ends there from one that goes on.
    Bytef spare = 0;
    const bool full = written == result.size();
    constexpr std::uint64_t kMost = std::numeric_limits<uInt>::max();
    const auto in = static_cast<uInt>(std::min<std::uint64_t>(packed.size() - taken, kMost));
    const auto out = full ? 1u : static_cast<uInt>(std::min<std::uint64_t>(result.size() - written, kMost));
    stream->next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(packed.data() + taken));
    stream->avail_in = in;
    stream->next_out = full ? &spare : reinterpret_cast<Bytef*>(result.data() + written);
    stream->avail_out = out;
    const int status = inflate(stream.get(), Z_NO_FLUSH);
    taken += in - stream->avail_in;
    const std::uint64_t made = out - stream->avail_out;
    if (full && made > 0) fail(fmt::format("unpacks to more than {} bytes", cap));
    written += made;
    if (status == Z_STREAM_END) {
      if (taken == packed.size()) break;
      inflateReset(stream.get());
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      fail(stream->msg != nullptr ? stream->msg : "damaged");
    } else if (made == 0 && stream->avail_in == 0 && taken == packed.size()) {
      fail("the file is cut short");
    }
  }
  result.resize(written);
  return result;
}

}  // namespace firn
