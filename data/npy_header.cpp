#include "data/npy_header.h"

#include <fmt/core.h>

#include <charconv>
#include <cstdint>
#include <string_view>

#include "engine/base/printable.h"
#include "engine/tensor/shape.h"

namespace firn {

namespace {

constexpr std::string_view kHeaderMagic = "\x93NUMPY";
constexpr std::uint64_t kMaxHeader = 1 << 16;

/// Reads the header, a Python dictionary with the keys descr, fortran_order and shape, each once.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const ByteReader& reader, std::uint64_t start)
      : text_(text), reader_(reader), start_(start) {}

  NpyHeader parse() {
    NpyHeader header;
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
  [[noreturn]] void fail(std::string_view what) const { reader_.fail_at(start_ + at_, printable(what)); }

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
    if (peek() == '[') fail("an array of records is not read: save its fields one by one");
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

}  // namespace

NpyHeader read_npy_header(ByteReader& reader) {
  if (as_text(reader.take(kHeaderMagic.size())) != kHeaderMagic)
    reader.fail_at(0, "does not begin as .npy does");
  const int version = reader.little<std::uint8_t>();
  const int minor = reader.little<std::uint8_t>();
  if (version < 1 || version > 3 || minor != 0)
    reader.fail_at(6, fmt::format("version {}.{}, 1.0 to 3.0 are read", version, minor));
  const std::uint64_t length = version == 1 ? reader.little<std::uint16_t>() : reader.little<std::uint32_t>();
  if (length > kMaxHeader) reader.fail(fmt::format("a header of {} bytes", length));
  const std::uint64_t start = reader.offset();
  return HeaderParser(as_text(reader.take(length)), reader, start).parse();
}

}  // namespace firn
