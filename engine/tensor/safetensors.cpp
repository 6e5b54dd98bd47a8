#include "engine/tensor/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/foreign.h"
#include "engine/base/half.h"
#include "engine/base/sha256.h"
#include "engine/tensor/safetensors_header.h"
#include "engine/tensor/safetensors_seal.h"

namespace firn {

namespace {

static_assert(std::endian::native == std::endian::little,
              "the format is little-endian, and so is this reader");

/// Bytes that can be read at any place: a file, or memory.
class Source {
 public:
  Source(std::span<const std::byte> bytes, std::string_view path)
      : bytes_(bytes), size_(bytes.size()), path_(path) {}
  explicit Source(const std::string& path) : path_(path) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) fail(0, error ? error.message() : "no regular file");
    size_ = std::filesystem::file_size(path, error);
    file_.open(path, std::ios::binary);
    if (error || !file_) fail(0, "cannot be opened");
  }

  std::uint64_t size() const { return size_; }
  const std::string& path() const { return path_; }

  /// What is read from now on goes into `hash` too.
  void hash_into(Sha256* hash) { hash_ = hash; }

  /// Requires begin + count <= size().
  void read(std::uint64_t begin, std::size_t count, void* to) {
    if (count == 0) return;
    if (!file_.is_open()) {
      std::memcpy(to, bytes_.data() + begin, count);
    } else {
      file_.seekg(static_cast<std::streamoff>(begin));
      if (!file_.read(static_cast<char*>(to), static_cast<std::streamsize>(count))) {
        fail(begin, "the file became shorter while it was read");
      }
    }
    if (hash_ != nullptr) hash_->update({static_cast<const std::byte*>(to), count});
  }

  [[noreturn]] void fail(std::uint64_t offset, std::string_view message) const {
    throw Error(Fault::model_file, "safetensors", path_, offset, message);
  }

 private:
  std::span<const std::byte> bytes_;
  std::ifstream file_;
  Sha256* hash_ = nullptr;
  std::uint64_t size_ = 0;
  std::string path_;
};

/// Fills to[0, count) with convert(element of type T, its number), reading a piece at a time.
template <class T, class To, class Convert>
void read_as(Source& source, std::uint64_t begin, Index count, To* to, Convert convert) {
  constexpr Index kPiece = 8192;
  std::vector<T> piece(static_cast<std::size_t>(std::min(count, kPiece)));
  for (Index done = 0; done < count; done += kPiece) {
    const Index n = std::min(count - done, kPiece);
    source.read(begin + static_cast<std::uint64_t>(done) * sizeof(T), static_cast<std::size_t>(n) * sizeof(T),
                piece.data());
    for (Index i = 0; i < n; ++i) to[done + i] = convert(piece[static_cast<std::size_t>(i)], done + i);
  }
}

/// One tensor of the file, in `into` or in what was not read. All its bytes are read, in order.
void read_tensor(Source& source, const std::string& name, const safetensors::Entry& entry,
                 std::uint64_t begin, SafeTensors& into) {
  const Shape& shape = entry.shape;
  const Index count = shape.count();
  const auto add = [&](Tensor tensor) { into.tensors.push_back({name, std::move(tensor)}); };
  const auto read_reals = [&]<class T>(T, auto convert) {
    Tensor t(shape);
    read_as<T>(source, begin, count, t.data(), [&](T v, Index) { return static_cast<real>(convert(v)); });
    add(std::move(t));
  };
  const auto same = [](auto value) { return value; };
  switch (entry.dtype) {
    case safetensors::Dtype::f32:
      return read_reals(float{}, same);
    case safetensors::Dtype::f64:
      return read_reals(double{}, same);
    case safetensors::Dtype::f16:
      return read_reals(std::uint16_t{}, half_number);
    case safetensors::Dtype::bf16:
      return read_reals(std::uint16_t{}, bfloat_number);
    case safetensors::Dtype::i32:
    case safetensors::Dtype::u8: {
      Tensor t(shape, entry.dtype == safetensors::Dtype::i32 ? DType::int32 : DType::uint8);
      source.read(begin, static_cast<std::size_t>(t.bytes()), t.raw());
      return add(std::move(t));
    }
    case safetensors::Dtype::i64: {
      Tensor t(shape, DType::int32);
      bool fits = true;
      read_as<std::int64_t>(source, begin, count, t.indices(), [&](std::int64_t v, Index) {
        fits = fits && std::in_range<std::int32_t>(v);
        return static_cast<std::int32_t>(v);
      });
      if (fits) return add(std::move(t));
      into.unread.push_back({name, "has numbers that do not fit in 32 bits"});
      return;
    }
    case safetensors::Dtype::other: {
      std::array<std::byte, 8192> piece{};
      for (std::uint64_t at = entry.begin; at < entry.end; at += piece.size()) {
        const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), entry.end - at));
        source.read(begin + (at - entry.begin), size, piece.data());
      }
      into.unread.push_back({name, fmt::format("is of dtype {}", entry.dtype_name)});
    }
  }
}

/// Throws, saying what the file is, where it cannot be of this format; `length` is its first number.
void check_kind(Source& source, std::uint64_t length) {
  std::array<std::byte, kForeignBytes> first{};
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(source.size(), first.size()));
  source.read(0, size, first.data());
  const bool fits = source.size() > 8 && length <= source.size() - 8 && first[8] == std::byte{'{'};
  if (fits) return;
  const auto foreign = foreign_file(std::span(first).first(size));
  if (!foreign || (foreign->what == "text" && size < 16)) return;
  source.fail(0, fmt::format("is no safetensors file but {}{}{}", foreign->what,
                             foreign->remedy.empty() ? "" : ": ", foreign->remedy));
}

SafeTensors read(Source& source) {
  constexpr std::uint64_t kHeaderLimit = 100'000'000;
  std::uint64_t length = 0;
  source.read(0, static_cast<std::size_t>(std::min<std::uint64_t>(source.size(), 8)), &length);
  check_kind(source, length);
  if (source.size() < 8) source.fail(0, fmt::format("{} bytes are too short for a header", source.size()));
  if (length > kHeaderLimit)
    source.fail(0, fmt::format("a header of {} bytes is over {}", length, kHeaderLimit));
  if (length > source.size() - 8) {
    source.fail(
        0, fmt::format("a header of {} bytes, the file has {} after its length", length, source.size() - 8));
  }

  safetensors::Header header;
  Sha256 hash;
  std::string sealed;  // the digits that the file carries
  {
    std::string text(static_cast<std::size_t>(length), '\0');
    source.read(8, text.size(), text.data());
    header = safetensors::parse_header(text, source.path());
    if (const auto digits = safetensors::find_seal(text)) {
      sealed = text.substr(*digits, safetensors::kSealDigits);
      safetensors::begin_seal(hash, text, *digits);
      source.hash_into(&hash);
    }
  }
  if (header.metadata.erase(safetensors::kSealKey) > 0 && sealed.empty())
    source.fail(8, "is damaged: the SHA-256 in its metadata is none");

  // The file's order is the order of the data, whatever the order of the header's entries.
  std::vector<const std::pair<const std::string, safetensors::Entry>*> order;
  order.reserve(header.entries.size());
  for (const auto& entry : header.entries) order.push_back(&entry);
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return std::tie(a->second.begin, a->second.end, a->first) <
           std::tie(b->second.begin, b->second.end, b->first);
  });
  const std::uint64_t data = 8 + length;
  std::uint64_t at = 0;
  for (const auto* item : order) {
    const auto& [name, entry] = *item;
    if (entry.begin < at)
      source.fail(data + entry.begin, fmt::format("the data of {} overlap another tensor's", name));
    if (entry.begin > at)
      source.fail(data + at, fmt::format("{} unused bytes before {}", entry.begin - at, name));
    at = entry.end;
  }
  if (at > source.size() - data) {
    source.fail(source.size(), fmt::format("the data end here, the header wants {} bytes more",
                                           at - (source.size() - data)));
  }
  if (at < source.size() - data)
    source.fail(data + at, fmt::format("{} bytes after the last tensor", source.size() - data - at));

  SafeTensors result;
  result.metadata = std::move(header.metadata);
  result.tensors.reserve(order.size());
  for (const auto* item : order) {
    read_tensor(source, item->first, item->second, data + item->second.begin, result);
  }
  result.sealed = !sealed.empty();
  if (result.sealed && hash.hex() != sealed) {
    source.fail(0,
                fmt::format("is damaged: its content is not what was written, by the SHA-256 in its metadata "
                            "(a program that changes it on purpose leaves {} out)",
                            safetensors::kSealKey));
  }
  return result;
}

std::string_view dtype_of(const Tensor& tensor) {
  switch (tensor.type()) {
    case DType::number:
      return sizeof(real) == 4 ? "F32" : "F64";
    case DType::int32:
      return "I32";
    case DType::uint8:
      return "U8";
    case DType::bf16:
      return "BF16";
  }
  return "";
}

std::span<const std::byte> bytes_of(const Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.raw()), static_cast<std::size_t>(tensor.bytes())};
}

/// Length and header of a file with these tensors, with its SHA-256.
std::string header_of(std::span<const NamedTensor> tensors,
                      const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header;
  nlohmann::ordered_json& entries = header["__metadata__"];
  entries[safetensors::kSealKey] = "";  // first, so that no other text can be taken for it
  for (const auto& [key, value] : metadata) entries[key] = value;
  entries["format"] = "pt";
  entries[safetensors::kSealKey] = safetensors::open_seal();
  Index at = 0;
  for (const auto& [name, tensor] : tensors) {
    if (!safetensors::fault_of_name(name).empty() || name == "__metadata__") {
      throw Error(Fault::usage, "safetensors", fmt::format("\"{}\" cannot be a tensor's name", name));
    }
    if (header.contains(name))
      throw Error(Fault::usage, "safetensors", fmt::format("two tensors named {}", name));
    if (!tensor.defined())
      throw Error(Fault::usage, "safetensors", fmt::format("tensor {} has no elements", name));
    const auto sizes = tensor.shape().sizes();
    header[name] = {{"dtype", dtype_of(tensor)},
                    {"shape", std::vector<Index>(sizes.begin(), sizes.end())},
                    {"data_offsets", {at, at + tensor.bytes()}}};
    at += tensor.bytes();
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    throw Error(Fault::usage, "safetensors", "a name or the metadata are not UTF-8");
  }
  text.append((8 - text.size() % 8) % 8, ' ');
  const std::size_t digits = safetensors::find_seal(text).value();
  Sha256 hash;
  safetensors::begin_seal(hash, text, digits);
  for (const NamedTensor& item : tensors) hash.update(bytes_of(item.tensor));
  text.replace(digits, safetensors::kSealDigits, hash.hex());
  const std::uint64_t length = text.size();
  text.insert(0, reinterpret_cast<const char*>(&length), sizeof(length));
  return text;
}

}  // namespace

SafeTensors read_safetensors(std::span<const std::byte> bytes, std::string_view path) {
  Source source(bytes, path);
  return read(source);
}

SafeTensors load_safetensors(const std::string& path) {
  Source source(path);
  return read(source);
}

std::vector<std::byte> write_safetensors(std::span<const NamedTensor> tensors,
                                         const std::map<std::string, std::string>& metadata) {
  const std::string header = header_of(tensors, metadata);
  const auto text = std::as_bytes(std::span(header));
  std::vector<std::byte> bytes(text.begin(), text.end());
  for (const NamedTensor& item : tensors) {
    const auto data = bytes_of(item.tensor);
    bytes.insert(bytes.end(), data.begin(), data.end());
  }
  return bytes;
}

void save_safetensors(const std::string& path, std::span<const NamedTensor> tensors,
                      const std::map<std::string, std::string>& metadata) {
  const std::string header = header_of(tensors, metadata);
  atomic_write(path, [&](FileWriter& file) {
    file.write(header);
    for (const NamedTensor& item : tensors) file.write(bytes_of(item.tensor));
  });
}

}  // namespace firn
