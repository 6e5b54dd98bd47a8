#include "engine/base/utf8.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/base/character_range.h"

namespace firn {

namespace {

// Combining marks, and what joins or directs without a place of its own.
constexpr CharacterRange kNoWidth[] = {
    {0x300, 0x36f},     {0x483, 0x489},    {0x591, 0x5bd},   {0x610, 0x61a},   {0x64b, 0x65f},
    {0x93c, 0x93c},     {0x941, 0x948},    {0x94d, 0x94d},   {0xe31, 0xe31},   {0xe34, 0xe3a},
    {0xe47, 0xe4e},     {0x1ab0, 0x1aff},  {0x1dc0, 0x1dff}, {0x200b, 0x200f}, {0x202a, 0x202e},
    {0x2060, 0x2064},   {0x20d0, 0x20f0},  {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff},
    {0x1f3fb, 0x1f3ff}, {0xe0100, 0xe01ef}};
constexpr CharacterRange kWide[] = {
    {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},
    {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xa960, 0xa97c},   {0xac00, 0xd7a3},
    {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
    {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};

}  // namespace

std::optional<char32_t> decode_utf8(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(at);
  if (lead < 0x80) {
    ++at;
    return lead;
  }
  if (lead < 0xc2 || lead > 0xf4) return {};
  const std::size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
  if (text.size() - at <= more) return {};
  char32_t character = lead & (0x3fu >> more);
  for (std::size_t i = 1; i <= more; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return {};
    character = character << 6 | (byte(at + i) & 0x3fu);
  }
  constexpr char32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
  const bool surrogate = character >= 0xd800 && character <= 0xdfff;
  if (character < kLeast[more] || surrogate || character > 0x10ffff) return {};
  at += more + 1;
  return character;
}

std::string utf8(char32_t character) {
  const auto tail = [character](int shift) { return static_cast<char>(0x80 | (character >> shift & 0x3f)); };
  if (character < 0x80) return {static_cast<char>(character)};
  if (character < 0x800) return {static_cast<char>(0xc0 | character >> 6), tail(0)};
  if (character < 0x10000) return {static_cast<char>(0xe0 | character >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | character >> 18), tail(12), tail(6), tail(0)};
}

std::size_t utf8_prefix(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && decode_utf8(text, at)) {
  }
  return at;
}

std::string_view clipped_utf8(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  return text.substr(0, most);
}

void require_utf8(std::string_view text, std::string_view operation, const std::string& path) {
  const std::size_t good = utf8_prefix(text);
  if (good == text.size()) return;
  const bool wide = text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff");
  const auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(good), '\n') + 1;
  fail_no_utf8(static_cast<std::uint64_t>(line), text[good], operation, path, wide);
}

void fail_no_utf8(std::uint64_t line, char byte, std::string_view operation, const std::string& path,
                  bool wide) {
  throw Error(
      Fault::data, operation,
      fmt::format("{}, line {}: the byte \\x{:02x} is not UTF-8{}; make it UTF-8, as by: iconv -f {} -t "
                  "UTF-8 OLD > NEW",
                  path, line, static_cast<unsigned char>(byte), wide ? " but UTF-16" : "",
                  wide ? "UTF-16" : "LATIN1"));
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::optional<char32_t> c = decode_utf8(text, at);
    if (!c) ++at;
    if (c && within(*c, kNoWidth)) continue;
    width += c && within(*c, kWide) ? 2 : 1;
  }
  return width;
}

}  // namespace firn
