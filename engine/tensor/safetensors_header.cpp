#include "engine/tensor/safetensors_header.h"

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "engine/base/error.h"

namespace firn::safetensors {

namespace {

constexpr std::size_t kTokenLimit = std::size_t{1} << 20;
constexpr std::size_t kEntryLimit = 16384;
constexpr std::uint64_t kElementLimit = std::uint64_t{1} << 48;  // a Shape's own limit

struct DtypeRow {
  std::string_view name;
  Dtype dtype;
  std::uint64_t size;
};
constexpr std::array<DtypeRow, 13> kDtypes = {{{"F32", Dtype::f32, 4},
                                               {"F16", Dtype::f16, 2},
                                               {"BF16", Dtype::bf16, 2},
                                               {"F64", Dtype::f64, 8},
                                               {"I32", Dtype::i32, 4},
                                               {"I64", Dtype::i64, 8},
                                               {"U8", Dtype::u8, 1},
                                               {"BOOL", Dtype::other, 1},
                                               {"I8", Dtype::other, 1},
                                               {"I16", Dtype::other, 2},
                                               {"U16", Dtype::other, 2},
                                               {"U32", Dtype::other, 4},
                                               {"U64", Dtype::other, 8}}};

/// At most 60 bytes of what a file says, fit for one line of a message.
std::string shown(std::string_view text) {
  std::string line(text.substr(0, 60));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return '"' + line + '"';
}

/// Walks over the header and leaves its position where the SAX handler can see it.
class Cursor {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Cursor(const char* at, const char** seen) : at_(at), seen_(seen) {}
  reference operator*() const { return *at_; }
  Cursor& operator++() {
    *seen_ = ++at_;
    return *this;
  }
  Cursor operator++(int) {
    Cursor old = *this;
    ++*this;
    return old;
  }
  friend bool operator==(const Cursor& a, const Cursor& b) { return a.at_ == b.at_; }

 private:
  const char* at_;
  const char** seen_;
};

/// Takes the events of nlohmann's parser, which itself would keep duplicate keys, turn -1 into 2^64-1 and
/// 1.9 into 1. Each event returns false, which ends the parse, after it has set `fault`.
class Handler {
 public:
  Header header;
  std::string fault;
  std::optional<std::size_t> position;  ///< of a fault that the parser found

  bool null() { return unexpected("null"); }
  bool boolean(bool) { return unexpected("a boolean"); }
  bool number_integer(std::int64_t value) { return stop(fmt::format("the negative number {}", value)); }
  bool number_float(double, const std::string& text) {
    return stop(fmt::format("{} is no whole number below 2^64", shown(text)));
  }
  bool binary(nlohmann::json::binary_t&) { return unexpected("binary data"); }

  bool number_unsigned(std::uint64_t value) {
    if (state_ != State::array) return unexpected("a number");
    std::vector<std::uint64_t>& numbers = field_ == Field::shape ? shape_ : offsets_;
    const std::size_t limit = field_ == Field::shape ? Shape::kMaxRank : 2;
    if (numbers.size() == limit) return stop(fmt::format("more than {} numbers in {}", limit, field_name()));
    numbers.push_back(value);
    return true;
  }

  bool string(std::string& value) {
    if (state_ == State::metadata) {
      header.metadata[key_] = std::move(value);
      return true;
    }
    if (state_ != State::tensor || field_ != Field::dtype) return unexpected("a string");
    for (const DtypeRow& row : kDtypes) {
      if (row.name == value) {
        dtype_ = &row;
        return true;
      }
    }
    return stop(fmt::format("dtype {} is not supported", shown(value)));
  }

  bool start_object(std::size_t) {
    if (state_ == State::outside) {
      state_ = State::top;
    } else if (state_ == State::top) {
      state_ = name_ == "__metadata__" ? State::metadata : State::tensor;
    } else {
      return unexpected("an object");
    }
    return true;
  }

  bool key(std::string& value) {
    if (state_ == State::tensor) return tensor_key(value);
    if (++entries_ > kEntryLimit) return stop(fmt::format("more than {} entries", kEntryLimit));
    if (state_ == State::metadata) {
      if (header.metadata.contains(value))
        return stop(fmt::format("metadata {} is there twice", shown(value)));
      key_ = std::move(value);
      return true;
    }
    name_ = std::move(value);
    dtype_ = nullptr;
    shape_.clear();
    offsets_.clear();
    seen_ = {};
    if (name_ == "__metadata__") {
      return std::exchange(has_metadata_, true) ? stop("__metadata__ is there twice") : true;
    }
    if (std::string bad = fault_of_name(name_); !bad.empty()) {
      name_.clear();
      return stop(std::move(bad));
    }
    return header.entries.contains(name_) ? stop("the name is there twice") : true;
  }

  bool start_array(std::size_t) {
    if (state_ != State::tensor || field_ == Field::dtype) return unexpected("an array");
    state_ = State::array;
    return true;
  }
  bool end_array() {
    state_ = State::tensor;
    return true;
  }

  bool end_object() {
    if (state_ == State::top) {
      state_ = State::outside;
      return true;
    }
    const bool was_tensor = state_ == State::tensor;
    state_ = State::top;
    return was_tensor ? take_tensor() : true;
  }

  bool parse_error(std::size_t at, const std::string&, const nlohmann::json::exception&) {
    // The parser's own text repeats what it read, which may be anything.
    fault = "the header is no valid JSON";
    position = at;
    return false;
  }

 private:
  enum class State { outside, top, metadata, tensor, array };
  enum class Field { dtype, shape, offsets };

  bool stop(std::string message) {
    fault = std::move(message);
    if (!name_.empty() && name_ != "__metadata__") fault += fmt::format(" (tensor {})", shown(name_));
    return false;
  }
  bool unexpected(std::string_view what) { return stop(fmt::format("{} where the format has none", what)); }

  std::string_view field_name() const {
    return field_ == Field::dtype ? "dtype" : field_ == Field::shape ? "shape" : "data_offsets";
  }

  bool tensor_key(const std::string& value) {
    if (value == "dtype") {
      field_ = Field::dtype;
    } else if (value == "shape") {
      field_ = Field::shape;
    } else if (value == "data_offsets") {
      field_ = Field::offsets;
    } else {
      return stop(fmt::format("unknown field {}", shown(value)));
    }
    bool& seen = seen_[static_cast<std::size_t>(field_)];
    return std::exchange(seen, true) ? stop(fmt::format("{} is there twice", field_name())) : true;
  }

  bool take_tensor() {
    if (!(seen_[0] && seen_[1] && seen_[2])) return stop("dtype, shape or data_offsets is missing");
    if (offsets_.size() != 2) return stop("data_offsets are not two numbers");
    std::array<Index, Shape::kMaxRank> sizes{};
    std::uint64_t count = 1;
    for (std::size_t i = 0; i < shape_.size(); ++i) {
      if (__builtin_mul_overflow(count, shape_[i], &count) || count > kElementLimit ||
          shape_[i] > kElementLimit) {
        return stop("the shape has too many elements");
      }
      sizes[i] = static_cast<Index>(shape_[i]);
    }
    const auto [begin, end] = std::array{offsets_[0], offsets_[1]};
    if (end < begin || end - begin != count * dtype_->size) {
      return stop(
          fmt::format("data_offsets {} to {} for {} elements of {} bytes", begin, end, count, dtype_->size));
    }
    const Shape shape(std::span<const Index>(sizes.data(), shape_.size()));
    header.entries.emplace(std::move(name_), Entry{dtype_->dtype, dtype_->name, shape, begin, end});
    name_.clear();
    return true;
  }

  State state_ = State::outside;
  Field field_ = Field::dtype;
  std::string name_;  ///< key of the top object
  std::string key_;   ///< key of the metadata
  const DtypeRow* dtype_ = nullptr;
  std::vector<std::uint64_t> shape_;
  std::vector<std::uint64_t> offsets_;
  std::array<bool, 3> seen_{};  ///< by Field
  bool has_metadata_ = false;
  std::size_t entries_ = 0;
};

/// Where a string or another token grows over the limit: the parser would hold it several times over.
std::optional<std::size_t> overlong_token(std::string_view text) {
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\') {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
      begin = i + 1;
    } else if (!quoted && std::string_view("{}[],: ").find(c) != std::string_view::npos) {
      begin = i + 1;
    }
    if (i - begin > kTokenLimit && i > begin) return i;
  }
  return std::nullopt;
}

}  // namespace

std::string fault_of_name(std::string_view name) {
  if (name.empty()) return "a tensor without a name";
  if (name.find("..") != std::string_view::npos) return "a tensor's name with \"..\"";
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return "a tensor's name with a control character";
  }
  return {};
}

Header parse_header(std::string_view text, const std::string& path) {
  const auto fail = [&path](std::size_t at, std::string_view message) {
    throw Error(Fault::model_file, "safetensors", path, 8 + at, message);
  };
  if (text.empty() || text.front() != '{') fail(0, "the header does not begin with {");
  // The parser takes a NUL for the end of its input.
  if (const std::size_t at = text.find('\0'); at != text.npos) fail(at, "the header is no valid JSON");
  if (const auto at = overlong_token(text))
    fail(*at, fmt::format("a string or number over {} bytes", kTokenLimit));
  Handler handler;
  const char* seen = text.data();
  if (!nlohmann::json::sax_parse(Cursor(text.data(), &seen), Cursor(text.data() + text.size(), &seen),
                                 &handler)) {
    fail(handler.position ? *handler.position : static_cast<std::size_t>(seen - text.data()), handler.fault);
  }
  return std::move(handler.header);
}

}  // namespace firn::safetensors
