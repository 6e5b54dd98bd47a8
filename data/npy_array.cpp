#include "data/npy_array.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "data/npy_header.h"
#include "data/text.h"
#include "engine/base/bytes.h"
#include "engine/base/printable.h"

namespace firn {

namespace {

constexpr std::string_view kNpyArray = "npy";

/// IEEE 754 binary16.
struct Half {
  std::uint16_t bits;
  float value() const {
    const int exponent = bits >> 10 & 0x1f;
    const float fraction = static_cast<float>(bits & 0x3ff);
    float magnitude = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(fraction + 1024, exponent - 25);
    if (exponent == 0x1f) {
      magnitude =
          fraction == 0 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
    }
    return (bits & 0x8000) != 0 ? -magnitude : magnitude;
  }
};

template <class T>
T read_element(const std::byte* at, bool big) {
  std::byte raw[sizeof(T)];
  std::memcpy(raw, at, sizeof(T));
  if (big) std::reverse(raw, raw + sizeof(T));
  T value;
  std::memcpy(&value, raw, sizeof(T));
  return value;
}

template <class T>
float to_float(T value) {
  if constexpr (std::is_same_v<T, Half>) {
    return value.value();
  } else if constexpr (std::is_same_v<T, double>) {
    // Outside of what a float can hold the conversion is not defined.
    if (std::abs(value) > static_cast<double>(std::numeric_limits<float>::max()))
      return std::copysign(std::numeric_limits<float>::infinity(),
                           static_cast<float>(std::copysign(1.0, value)));
    return static_cast<float>(value);
  } else {
    return static_cast<float>(value);
  }
}

template <class T>
std::string to_text(T value) {
  if constexpr (std::is_same_v<T, Half>) {
    return fmt::format("{}", value.value());
  } else {
    return fmt::format("{}", value);
  }
}

}  // namespace

/// Walks the elements of an array.
struct NpyElements {
  const NpyArray& array;

  /// Calls `visit(pointer)` in C order.
  template <class Visit>
  void each_place(Visit visit) const {
    const Index count = array.shape_.count();
    const std::byte* const base = array.elements_.data();
    const std::uint64_t size = array.size_;
    const int rank = array.shape_.rank();
    if (!array.fortran_ || rank < 2) {
      for (Index i = 0; i < count; ++i) visit(base + static_cast<std::uint64_t>(i) * size);
      return;
    }
    std::array<Index, Shape::kMaxRank> stride{};
    std::array<Index, Shape::kMaxRank> at{};
    Index step = 1;
    for (int d = 0; d < rank; ++d) {
      stride[static_cast<std::size_t>(d)] = step;
      step *= array.shape_[d];
    }
    Index place = 0;
    for (Index i = 0; i < count; ++i) {
      visit(base + static_cast<std::uint64_t>(place) * size);
      for (int d = rank - 1; d >= 0; --d) {
        const auto axis = static_cast<std::size_t>(d);
        place += stride[axis];
        if (++at[axis] < array.shape_[d]) break;
        place -= stride[axis] * at[axis];
        at[axis] = 0;
      }
    }
  }

  template <class T, class Visit>
  void each_as(Visit visit) const {
    each_place([&](const std::byte* at) { visit(read_element<T>(at, array.big_)); });
  }

  /// Calls `visit(value)` with values of the elements' own type.
  template <class Visit>
  void each(Visit visit) const {
    const bool is_signed = array.type_ == 'i';
    if (array.type_ == 'f') {
      if (array.size_ == 2) each_as<Half>(visit);
      if (array.size_ == 4) each_as<float>(visit);
      if (array.size_ == 8) each_as<double>(visit);
    } else if (array.size_ == 1) {
      is_signed ? each_as<std::int8_t>(visit) : each_as<std::uint8_t>(visit);
    } else if (array.size_ == 2) {
      is_signed ? each_as<std::int16_t>(visit) : each_as<std::uint16_t>(visit);
    } else if (array.size_ == 4) {
      is_signed ? each_as<std::int32_t>(visit) : each_as<std::uint32_t>(visit);
    } else {
      is_signed ? each_as<std::int64_t>(visit) : each_as<std::uint64_t>(visit);
    }
  }
};

NpyArray::NpyArray(std::span<const std::byte> bytes, std::uint64_t file_bytes, const std::string& path) {
  ByteReader reader(bytes, Fault::data, std::string(kNpyArray), path);
  const NpyHeader header = read_npy_header(reader);
  const std::string& descr = header.descr;
  const auto refuse = [&](std::string_view why) {
    reader.fail(fmt::format("elements of type '{:.40}' are not read{}", printable(descr), why));
  };
  std::uint64_t digits = 0;
  for (std::size_t i = 2; i < descr.size() && i < 12; ++i) {
    if (descr[i] < '0' || descr[i] > '9') refuse("");
    digits = digits * 10 + static_cast<std::uint64_t>(descr[i] - '0');
  }
  const bool ordered = descr.size() > 1 && std::string_view("<>|=").find(descr[0]) != std::string_view::npos;
  if (ordered && descr[1] == 'O') {
    refuse(
        ": it holds Python objects, as sequences of different lengths become: save them padded in one array "
        "(N,T,F), "
        "and their lengths as lengths.npy beside it");
  }
  if (!ordered || descr.size() < 3 || descr.size() > 11) refuse("");
  type_ = descr[1];
  size_ = type_ == 'U' ? digits * 4 : digits;
  big_ = descr[0] == '>';
  const bool power = size_ == 1 || size_ == 2 || size_ == 4 || size_ == 8;
  if (type_ == 'f' && power && size_ > 1) {
    kind_ = Kind::number;
  } else if ((type_ == 'i' || type_ == 'u') && power) {
    kind_ = type_ == 'u' && size_ == 1 ? Kind::byte : Kind::whole;
  } else if (type_ == 'b' && size_ == 1) {
    kind_ = Kind::boolean;
  } else if ((type_ == 'U' || type_ == 'S') && size_ > 0) {
    kind_ = Kind::text;
  } else {
    refuse(type_ == 'c' ? ": they are complex" : "");
  }
  std::uint64_t count = 1;
  for (const Index size : header.sizes)
    count = reader.multiply(count, static_cast<std::uint64_t>(size), "number of elements");
  const std::uint64_t wanted = reader.multiply(count, size_, "size of the elements");
  offset_ = reader.offset();
  if (wanted != file_bytes - offset_)
    reader.fail(fmt::format("{} bytes of elements, the shape wants {}", file_bytes - offset_, wanted));
  if (file_bytes == bytes.size()) elements_ = reader.take(wanted);
  shape_ = Shape(header.sizes);
  fortran_ = header.fortran;
}

bool NpyArray::lies_as_kept() const {
  constexpr bool kBig = std::endian::native == std::endian::big;
  const bool floats = type_ == 'f' && size_ == sizeof(float) && big_ == kBig;
  return (floats || kind_ == Kind::byte || kind_ == Kind::boolean) && (!fortran_ || shape_.rank() < 2);
}

std::vector<float> NpyArray::floats() const {
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(shape_.count()));
  NpyElements{*this}.each([&](auto value) { values.push_back(to_float(value)); });
  return values;
}

std::vector<double> NpyArray::doubles() const {
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(shape_.count()));
  NpyElements{*this}.each([&](auto value) {
    if constexpr (std::is_same_v<decltype(value), Half>) {
      values.push_back(static_cast<double>(value.value()));
    } else {
      values.push_back(static_cast<double>(value));
    }
  });
  return values;
}

std::vector<std::int64_t> NpyArray::wholes() const {
  std::vector<std::int64_t> values;
  values.reserve(static_cast<std::size_t>(shape_.count()));
  NpyElements{*this}.each([&](auto value) {
    if constexpr (std::is_integral_v<decltype(value)>) {
      values.push_back(std::in_range<std::int64_t>(value) ? static_cast<std::int64_t>(value)
                                                          : std::numeric_limits<std::int64_t>::max());
    }
  });
  return values;
}

bool NpyArray::fits_bytes() const {
  if (kind_ == Kind::byte || kind_ == Kind::boolean) return true;
  if (kind_ != Kind::whole) return false;
  bool fits = true;
  NpyElements{*this}.each([&](auto value) {
    if constexpr (std::is_integral_v<decltype(value)>) fits = fits && std::in_range<std::uint8_t>(value);
  });
  return fits;
}

std::vector<std::uint8_t> NpyArray::bytes() const {
  std::vector<std::uint8_t> values;
  values.reserve(static_cast<std::size_t>(shape_.count()));
  NpyElements{*this}.each([&](auto value) {
    if constexpr (std::is_integral_v<decltype(value)>) values.push_back(static_cast<std::uint8_t>(value));
  });
  return values;
}

void NpyArray::each_text(const std::function<void(const std::string&)>& visit) const {
  const NpyElements elements{*this};
  if (kind_ == Kind::text) {
    elements.each_place([&](const std::byte* at) { visit(text_at(at)); });
  } else {
    elements.each([&](auto value) { visit(to_text(value)); });
  }
}

std::string NpyArray::text_at(const std::byte* at) const {
  std::string text;
  if (type_ == 'S') {
    for (std::uint64_t i = 0; i < size_; ++i) text += static_cast<char>(at[i]);
  } else {
    for (std::uint64_t i = 0; i < size_; i += 4) text += utf8(read_element<char32_t>(at + i, big_));
  }
  // Shorter texts are filled up with zeros.
  return text.substr(0, text.find_last_not_of('\0') + 1);
}

}  // namespace firn
