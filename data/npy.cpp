#include "data/npy.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

#include "engine/base/atomic_file.h"
#include "engine/base/bytes.h"

namespace firn {

namespace {

constexpr std::string_view kOperation = "npy";
constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::uint64_t kMaxHeader = 1 << 16;

struct Header {
  std::string descr;
  bool fortran = false;
  std::vector<Index> sizes;
};

/// Reads the header, a Python dictionary with the keys descr, fortran_order and shape, each once.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const ByteReader& reader, std::uint64_t start)
      : text_(text), reader_(reader), start_(start) {}

  Header parse() {
    Header header;
    bool descr = false;
    bool order = false;
    bool shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr" && !descr) {
        header.descr = quoted();
        descr = true;
      } else if (key == "fortran_order" && !order) {
        header.fortran = boolean();
        order = true;
      } else if (key == "shape" && !shape) {
        header.sizes = sizes();
        shape = true;
      } else {
        fail(fmt::format("key '{:.40}' is unknown or twice", key));
      }
      if (!accept(',') && peek() != '}') fail("want a comma");
    }
    if (!descr || !order || !shape) fail("want the keys descr, fortran_order and shape");
    if (peek() != '\0') fail("something follows the header");
    return header;
  }

 private:
  [[noreturn]] void fail(std::string_view what) const { reader_.fail_at(start_ + at_, what); }

  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(fmt::format("want '{}'", c));
  }
  std::string quoted() {
    expect('\'');
    const std::size_t end = text_.find('\'', at_);
    if (end == std::string_view::npos) fail("a text does not end");
    std::string value(text_.substr(at_, end - at_));
    at_ = end + 1;
    return value;
  }
  bool boolean() {
    peek();
    for (const std::string_view word : {"True", "False"}) {
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return word == "True";
      }
    }
    fail("want True or False");
  }
  std::vector<Index> sizes() {
    std::vector<Index> values;
    expect('(');
    while (!accept(')')) {
      peek();
      Index value = 0;
      const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
      if (error != std::errc() || value < 0) fail("want a size");
      at_ = static_cast<std::size_t>(end - text_.data());
      values.push_back(value);
      if (values.size() > static_cast<std::size_t>(Shape::kMaxRank)) fail("more than six dimensions");
      if (!accept(',') && peek() != ')') fail("want a comma");
    }
    return values;
  }

  std::string_view text_;
  const ByteReader& reader_;
  std::uint64_t start_;
  std::size_t at_ = 0;
};

/// Reads the elements of type T into a tensor of `type`.
template <class T>
Tensor read_elements(ByteReader& reader, const Shape& shape, Type type, bool big) {
  Tensor tensor(shape, type);
  for (Index i = 0; i < shape.count(); ++i) {
    const std::uint64_t offset = reader.offset();
    const T value = big ? reader.big<T>() : reader.little<T>();
    if constexpr (std::is_floating_point_v<T>) {
      tensor.data()[i] = static_cast<real>(value);
    } else if (type == Type::byte) {
      static_cast<std::uint8_t*>(tensor.raw())[i] = static_cast<std::uint8_t>(value);
    } else {
      if (!std::in_range<std::int32_t>(value))
        reader.fail_at(offset, fmt::format("{} does not fit 32 bits", value));
      tensor.indices()[i] = static_cast<std::int32_t>(value);
    }
  }
  return tensor;
}

using ReadElements = Tensor (*)(ByteReader&, const Shape&, Type, bool);

struct Element {
  std::string_view name;
  std::uint64_t size;
  Type type;
  ReadElements read;
};

constexpr Element kElements[] = {
    {"f4", 4, Type::number, read_elements<float>},
    {"f8", 8, Type::number, read_elements<double>},
    {"i1", 1, Type::index, read_elements<std::int8_t>},
    {"i2", 2, Type::index, read_elements<std::int16_t>},
    {"i4", 4, Type::index, read_elements<std::int32_t>},
    {"i8", 8, Type::index, read_elements<std::int64_t>},
    {"u2", 2, Type::index, read_elements<std::uint16_t>},
    {"u4", 4, Type::index, read_elements<std::uint32_t>},
    {"u8", 8, Type::index, read_elements<std::uint64_t>},
    {"u1", 1, Type::byte, read_elements<std::uint8_t>},
    {"b1", 1, Type::byte, read_elements<std::uint8_t>},
};

const Element& find_element(const std::string& descr, const ByteReader& reader) {
  const bool ordered = !descr.empty() && std::string_view("<>|").find(descr[0]) != std::string_view::npos;
  for (const Element& element : kElements) {
    if (ordered && element.name == std::string_view(descr).substr(1)) return element;
  }
  reader.fail(fmt::format("elements of type '{:.40}' are not read", descr));
}

}  // namespace

Tensor parse_npy(std::span<const std::byte> bytes, const std::string& path) {
  ByteReader reader(bytes, Fault::data, std::string(kOperation), path);
  if (as_text(reader.take(kMagic.size())) != kMagic) reader.fail_at(0, "does not begin as .npy does");
  const int version = reader.little<std::uint8_t>();
  const int minor = reader.little<std::uint8_t>();
  if (version < 1 || version > 3 || minor != 0)
    reader.fail_at(6, fmt::format("version {}.{}, 1.0 to 3.0 are read", version, minor));
  const std::uint64_t length = version == 1 ? reader.little<std::uint16_t>() : reader.little<std::uint32_t>();
  if (length > kMaxHeader) reader.fail(fmt::format("a header of {} bytes", length));
  const std::uint64_t start = reader.offset();
  const Header header = HeaderParser(as_text(reader.take(length)), reader, start).parse();

  const Element& element = find_element(header.descr, reader);
  if (header.fortran && header.sizes.size() > 1)
    reader.fail_at(start, "Fortran order is not read, save it in C order");
  std::uint64_t count = 1;
  for (const Index size : header.sizes)
    count = reader.multiply(count, static_cast<std::uint64_t>(size), "number of elements");
  const std::uint64_t size = reader.multiply(count, element.size, "size of the elements");
  if (size != reader.remaining()) {
    reader.fail(fmt::format("{} bytes of elements, the shape wants {}", reader.remaining(), size));
  }
  return element.read(reader, Shape(header.sizes), element.type, header.descr[0] == '>');
}

std::vector<std::byte> format_npy(const Tensor& tensor) {
  static_assert(std::endian::native == std::endian::little, "the elements are written as they lie in memory");
  const std::string_view descr = tensor.type() == Type::index  ? "<i4"
                                 : tensor.type() == Type::byte ? "|u1"
                                 : sizeof(real) == 4           ? "<f4"
                                                               : "<f8";
  const auto sizes = tensor.shape().sizes();
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}", descr,
                                   fmt::join(sizes, ", "), sizes.size() == 1 ? "," : "");
  // Magic, version and length take ten bytes; the elements begin at a multiple of 64.
  constexpr std::size_t kBefore = 10;
  constexpr std::size_t kAlign = 64;
  header.append((kAlign - (kBefore + header.size() + 1) % kAlign) % kAlign, ' ');
  header += '\n';

  std::string text(kMagic);
  text += {'\x01', '\x00', static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  text += header;
  std::vector<std::byte> bytes(text.size() + static_cast<std::size_t>(tensor.bytes()));
  std::copy_n(as_bytes(text).data(), text.size(), bytes.data());
  std::copy_n(static_cast<const std::byte*>(tensor.raw()), static_cast<std::size_t>(tensor.bytes()),
              bytes.data() + text.size());
  return bytes;
}

Tensor load_npy(const std::string& path) {
  return parse_npy(read_maybe_gz(path), path);
}

void save_npy(const std::string& path, const Tensor& tensor) {
  const std::vector<std::byte> bytes = format_npy(tensor);
  atomic_write(path, [&bytes](FileWriter& out) { out.write(bytes); });
}

}  // namespace firn
