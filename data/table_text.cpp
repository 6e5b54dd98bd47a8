#include "data/table_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "engine/base/error.h"
#include "engine/base/utf8.h"

namespace firn {

namespace {

constexpr std::string_view kTableText = "csv";
constexpr std::size_t kLongest = 4;   // bytes of a character
constexpr std::size_t kMark = 4;      // bytes that tell the encoding
constexpr std::size_t kLetters = 64;  // bytes that tell UTF-16 without a mark
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::uint64_t lines_in(std::string_view text) {
  return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

[[noreturn]] void refuse(const std::string& path, std::string_view encoding) {
  throw Error(Fault::data, kTableText,
              fmt::format("{}: is {}: save it as UTF-8 (in a spreadsheet: \"CSV UTF-8\")", path, encoding));
}

/// What a first look says; without the byte order mark.
TableText without_mark(const TableText& text, std::string_view begin, const std::string& path) {
  using namespace std::string_view_literals;
  if (begin.starts_with("\xff\xfe\0\0"sv) || begin.starts_with("\0\0\xfe\xff"sv)) refuse(path, "UTF-32");
  if (begin.starts_with("\xff\xfe"sv) || begin.starts_with("\xfe\xff"sv)) refuse(path, "UTF-16");
  return begin.starts_with(kByteOrderMark) ? text.behind(kByteOrderMark.size()) : text;
}

/// Latin letters in UTF-16 have a zero byte before or behind each.
bool is_half_zeros(std::string_view begin) {
  begin = begin.substr(0, kLetters);
  return static_cast<std::size_t>(std::count(begin.begin(), begin.end(), '\0')) * 3 > begin.size();
}

struct BadByte {
  std::uint64_t line;
  char byte;
};

/// The first byte that is not UTF-8 in all that the window comes to show; each(view, line of its begin).
template <class Each>
std::optional<BadByte> first_bad_byte(TableWindow& window, Each each) {
  std::optional<BadByte> bad;
  std::uint64_t line = 1;
  for (std::size_t done = 0;; window.pass(done)) {
    const std::string_view view = window.view();
    each(view, line);
    done = bad ? view.size() : utf8_prefix(view);
    const bool cut = view.size() - done < kLongest && !window.ends();
    if (done < view.size() && !cut) {
      bad = {line + lines_in(view.substr(0, done)), view[done]};
      done = view.size();
    }
    if (window.ends()) return bad;
    line += lines_in(view.substr(0, done));
  }
}

}  // namespace

TableText TableText::behind(std::uint64_t bytes) const {
  TableText rest = *this;
  if (file_ == nullptr) rest.memory_.remove_prefix(static_cast<std::size_t>(bytes));
  rest.begin_ += bytes;
  rest.size_ -= bytes;
  return rest;
}

TableWindow::TableWindow(TableText text) : text_(std::move(text)), view_(text_.memory_) {
  if (text_.file_ != nullptr) pass(0);
}

void TableWindow::pass(std::size_t bytes) {
  text_ = text_.behind(bytes);
  view_.remove_prefix(bytes);
  if (ends()) return;
  const std::size_t kept = view_.size();
  // What is kept fills at most half of it, so that it is seldom moved.
  const std::size_t room = std::max(text_.window_, kept * 2);
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(room, text_.size()));
  if (wanted > buffer_.size()) {
    std::vector<char> larger(wanted);
    std::copy(view_.begin(), view_.end(), larger.begin());
    buffer_ = std::move(larger);
  } else if (kept > 0) {
    std::memmove(buffer_.data(), view_.data(), kept);
  }
  text_.file_->read(text_.begin_ + kept,
                    std::as_writable_bytes(std::span(buffer_).subspan(kept, wanted - kept)));
  view_ = {buffer_.data(), wanted};
}

std::string_view TableWindow::at_least(std::size_t bytes) {
  while (view_.size() < bytes && !ends()) pass(0);
  return view_;
}

bool TableLines::next() {
  for (;;) {
    const std::string_view rest = window_.view().substr(at_);
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos && !window_.ends()) {
      window_.pass(at_);
      at_ = 0;
      continue;
    }
    line_ = rest.substr(0, end);
    at_ += std::min(line_.size() + 1, rest.size());
    return !rest.empty();
  }
}

bool quote_ends(const TableText& rest) {
  bool quote = false;
  for (TableWindow ahead(rest);; ahead.pass(ahead.view().size())) {
    for (const char c : ahead.view()) {
      if (quote && c != '"') return true;
      quote = !quote && c == '"';
    }
    if (ahead.ends()) return quote;
  }
}

TableText utf8_table_text(const TableText& text, std::string_view operation, const std::string& path) {
  TableWindow window(text);
  const std::string begin(window.at_least(kMark).substr(0, kMark));
  if (const auto bad = first_bad_byte(window, [](std::string_view, std::uint64_t) {})) {
    fail_no_utf8(bad->line, bad->byte, operation, path,
                 begin.starts_with("\xff\xfe") || begin.starts_with("\xfe\xff"));
  }
  return begin.starts_with(kByteOrderMark) ? text.behind(kByteOrderMark.size()) : text;
}

TableText checked_table_text(TableText text, const std::string& path) {
  TableWindow window(text);
  text = without_mark(text, window.at_least(kMark), path);
  window.pass(static_cast<std::size_t>(window.text().size() - text.size()));
  const bool half_zeros = is_half_zeros(window.at_least(kLetters));
  const auto bad = first_bad_byte(window, [&](std::string_view view, std::uint64_t line) {
    const std::size_t zero = view.find('\0');
    if (zero == std::string_view::npos) return;
    if (half_zeros) refuse(path, "UTF-16");
    throw Error(Fault::data, kTableText,
                fmt::format("{}, line {}: holds a zero byte: it is no text", path,
                            line + lines_in(view.substr(0, zero))));
  });
  if (bad) fail_no_utf8(bad->line, bad->byte, kTableText, path);
  return text;
}

}  // namespace firn
