#include "engine/base/gzip.h"

#include <fmt/core.h>
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace firn {

namespace {

constexpr std::uint64_t kChunk = 1 << 16;
constexpr std::uint64_t kFirst = 1 << 24;  // taken at once on the file's word
constexpr std::uint64_t kMaxRatio = 1032;  // deflate cannot pack tighter

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

struct GzipReader::State {
  State() {
    constexpr int kGzipOnly = 16;
    if (inflateInit2(&stream, MAX_WBITS + kGzipOnly) != Z_OK)
      throw Error(Fault::failure, "gzip", "no memory");
  }
  ~State() { inflateEnd(&stream); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  z_stream stream{};
};

GzipReader::GzipReader(More more, Fault fault, std::string path)
    : state_(std::make_unique<State>()), more_(std::move(more)), fault_(fault), path_(std::move(path)) {}

GzipReader::~GzipReader() = default;

void GzipReader::fail(std::string_view what) const {
  throw Error(fault_, "gzip", path_, taken_, what);
}

std::size_t GzipReader::read(std::span<std::byte> to) {
  constexpr std::size_t kMost = std::numeric_limits<uInt>::max();
  z_stream& stream = state_->stream;
  std::size_t done = 0;
  while (done < to.size() && !ended_) {
    if (packed_.empty()) packed_ = more_();
    const bool last = packed_.empty();
    const auto in = static_cast<uInt>(std::min(packed_.size(), kMost));
    const auto out = static_cast<uInt>(std::min(to.size() - done, kMost));
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(packed_.data()));
    stream.avail_in = in;
    stream.next_out = reinterpret_cast<Bytef*>(to.data() + done);
    stream.avail_out = out;
    const int status = inflate(&stream, Z_NO_FLUSH);
    packed_ = packed_.subspan(in - stream.avail_in);
    taken_ += in - stream.avail_in;
    done += out - stream.avail_out;
    if (status == Z_STREAM_END) {
      if (packed_.empty()) packed_ = more_();
      ended_ = packed_.empty();
      inflateReset(&stream);
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      fail(stream.msg != nullptr ? stream.msg : "damaged");
    } else if (last && stream.avail_out == out) {
      fail("the file is cut short");
    }
  }
  return done;
}

std::uint64_t most_unpacked(std::uint64_t packed) {
  constexpr std::uint64_t kRoom = std::uint64_t{1} << 26;
  constexpr std::uint64_t kUsualRatio = 32;
  return kRoom + kUsualRatio * packed;
}

std::vector<std::byte> gunzip(std::span<const std::byte> packed, std::uint64_t cap, Fault fault,
                              const std::string& path, const SizePromise& promise) {
  std::span<const std::byte> rest = packed;
  GzipReader reader([&] { return std::exchange(rest, {}); }, fault, path);
  bool asked = !promise;
  std::vector<std::byte> result(std::min({cap, claimed_size(packed), asked ? kFirst : kChunk}));
  std::uint64_t written = 0;
  while (!reader.ended()) {
    if (!asked && written >= kChunk) {
      asked = true;
      if (const auto size = promise(std::span(result).first(written)); size) {
        if (*size > packed.size() * kMaxRatio) {
          reader.fail(fmt::format("promises {} bytes, more than {} packed ones hold", *size, packed.size()));
        }
        cap = std::min(cap, std::max(*size, written));
        result.reserve(std::min(cap, packed.size() * 4 + kFirst));
      }
    }
    if (written == result.size()) result.resize(std::min(cap, written + std::max(kChunk, written / 2)));
    if (written == result.size()) {
      // One byte of room beyond the cap tells a file that ends there from one that goes on.
      std::byte spare{};
      if (reader.read({&spare, 1}) > 0) reader.fail(fmt::format("unpacks to more than {} bytes", cap));
      break;
    }
    written += reader.read(std::span(result).subspan(written));
  }
  result.resize(written);
  return result;
}

}  // namespace firn
