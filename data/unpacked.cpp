#include "data/unpacked.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <span>

#include "data/files.h"
#include "data/scratch_file.h"
#include "engine/base/atomic_file.h"
#include "engine/base/gzip.h"

namespace firn {

namespace {

constexpr std::size_t kPiece = std::size_t{1} << 16;

/// The bytes of a packed file, piece by piece.
class PackedFile {
 public:
  explicit PackedFile(FileReaderPtr file) : file_(std::move(file)) {}
  std::span<const std::byte> more() {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, file_->size() - place_));
    buffer_.resize(count);
    file_->read(place_, buffer_);
    place_ += count;
    return buffer_;
  }

 private:
  FileReaderPtr file_;
  std::uint64_t place_ = 0;
  std::vector<std::byte> buffer_;
};

bool is_packed(const FileReader& file) {
  std::array<std::byte, 2> begin{};
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(begin.size(), file.size()));
  file.read(0, std::span(begin).first(count));
  return is_gzip(std::span(begin).first(count));
}

/// In memory as long as it is no more than `most` bytes, then in a file.
Unpacked unpack(const FileReaderPtr& packed, const DataOptions& options, std::uint64_t most) {
  const std::string& path = packed->path();
  PackedFile from(packed);
  GzipReader reader([&] { return from.more(); }, Fault::data, path);
  const std::uint64_t cap = most_unpacked(packed->size());
  Unpacked result;
  std::vector<std::byte> piece(kPiece);
  std::optional<ScratchFile> file;
  std::uint64_t written = 0;
  while (!reader.ended()) {
    // One byte beyond the cap tells a file that ends there from one that goes on.
    const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, cap + 1 - written));
    const auto got = std::span<const std::byte>(piece).first(reader.read(std::span(piece).first(room)));
    written += got.size();
    if (written > cap) reader.fail(fmt::format("unpacks to more than {} bytes", cap));
    if (!file && written > most) {
      if (options.say) {
        options.say(fmt::format("{}, {:.2f} GB, is unpacked into a file in {} that ends with this process",
                                base_name(path), static_cast<double>(packed->size()) / 1e9, options.store));
      }
      file.emplace(options.store, 0);
      file->write(result.bytes);
      result.bytes = {};
    }
    if (file) {
      file->write(got);
    } else {
      result.bytes.insert(result.bytes.end(), got.begin(), got.end());
    }
  }
  if (file) result.file = file->reader(path);
  return result;
}

}  // namespace

Unpacked open_unpacked(const std::string& path, const DataOptions& options, std::uint64_t most) {
  if (most > 0 && is_file(path)) {
    const auto file = std::make_shared<FileReader>(path);
    if (is_packed(*file)) return unpack(file, options, most);
    if (file->size() > most) return {{}, file};
  }
  return {read_maybe_gz(path), nullptr};
}

std::string beginning_of(const std::string& path, std::size_t most) {
  const auto file = std::make_shared<FileReader>(path);
  std::string text(most, '\0');
  if (is_packed(*file)) {
    PackedFile from(file);
    GzipReader reader([&] { return from.more(); }, Fault::data, path);
    text.resize(reader.read(std::as_writable_bytes(std::span(text))));
  } else {
    text.resize(static_cast<std::size_t>(std::min<std::uint64_t>(most, file->size())));
    file->read(0, std::as_writable_bytes(std::span(text)));
  }
  return text;
}

}  // namespace firn
