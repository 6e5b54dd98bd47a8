#include "data/csv_rows.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/printable.h"

namespace firn {

namespace {

constexpr std::string_view kOperation = "csv";
constexpr std::size_t kMaxFields = 100'000;

}  // namespace

void CsvRows::fail_at(std::uint64_t line, std::string_view what) const {
  throw Error(Fault::data, kOperation, fmt::format("{}, line {}: {}", path_, line, printable(what)));
}

bool CsvRows::next() {
  while (at_ < text_.size()) {
    read_row();
    if (std::any_of(fields_.begin(), fields_.end(), [](std::string_view f) { return !f.empty(); }))
      return true;
  }
  return false;
}

void CsvRows::read_row() {
  fields_.clear();
  unquoted_.clear();
  line_ = next_line_;
  for (;;) {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    const bool quoted = at_ < text_.size() && text_[at_] == '"';
    fields_.push_back(quoted ? quoted_field() : plain_field());
    if (fields_.size() > kMaxFields) fail(fmt::format("more than {} fields", kMaxFields));
    if (at_line_end()) break;
    ++at_;  // the separator
  }
  if (at_ >= text_.size()) return;
  const bool two = text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n';
  at_ += two ? 2 : 1;
  ++next_line_;
}

std::string_view CsvRows::plain_field() {
  const std::size_t begin = at_;
  while (!at_line_end() && text_[at_] != separator_) ++at_;
  std::size_t end = at_;
  while (end > begin && is_space(text_[end - 1])) --end;
  return text_.substr(begin, end - begin);
}

std::string_view CsvRows::quoted_field() {
  const std::uint64_t line = next_line_;
  std::size_t begin = ++at_;
  std::string* own = nullptr;
  for (;; ++at_) {
    if (at_ >= text_.size()) fail_at(line, "a quoted field does not end");
    const char c = text_[at_];
    if (c == '"') {
      if (at_ + 1 >= text_.size() || text_[at_ + 1] != '"') break;
      if (own == nullptr) own = &unquoted_.emplace_back();
      ++at_;
      own->append(text_.substr(begin, at_ - begin));
      begin = at_ + 1;
    } else if (c == '\n' || (c == '\r' && (at_ + 1 >= text_.size() || text_[at_ + 1] != '\n'))) {
      ++next_line_;
    }
  }
  const std::string_view last = text_.substr(begin, at_ - begin);
  if (own != nullptr) own->append(last);
  std::string_view field = own != nullptr ? std::string_view(*own) : last;
  for (++at_; at_ < text_.size() && is_space(text_[at_]);) ++at_;
  if (!at_line_end() && text_[at_] != separator_)
    fail_at(next_line_, "something follows a quoted field: write quotes in it twice");
  while (!field.empty() && is_space(field.front())) field.remove_prefix(1);
  while (!field.empty() && is_space(field.back())) field.remove_suffix(1);
  return field;
}

std::string_view table_text(std::string_view bytes, const std::string& path) {
  const auto refuse = [&](std::string_view encoding) {
    throw Error(Fault::data, kOperation,
                fmt::format("{}: is {}: save it as UTF-8 (in a spreadsheet: \"CSV UTF-8\")", path, encoding));
  };
  using namespace std::string_view_literals;
  if (bytes.starts_with("\xff\xfe\0\0"sv) || bytes.starts_with("\0\0\xfe\xff"sv)) refuse("UTF-32");
  if (bytes.starts_with("\xff\xfe"sv) || bytes.starts_with("\xfe\xff"sv)) refuse("UTF-16");
  if (bytes.starts_with("\xef\xbb\xbf"sv)) bytes.remove_prefix(3);
  const std::size_t zero = bytes.find('\0');
  if (zero == std::string_view::npos) return bytes;
  // Latin letters in UTF-16 have a zero byte before or behind each.
  const std::string_view begin = bytes.substr(0, 64);
  if (static_cast<std::size_t>(std::count(begin.begin(), begin.end(), '\0')) * 3 > begin.size())
    refuse("UTF-16");
  const std::string_view before = bytes.substr(0, zero);
  throw Error(Fault::data, kOperation,
              fmt::format("{}, line {}: holds a zero byte: it is no text", path,
                          1 + std::count(before.begin(), before.end(), '\n')));
}

}  // namespace firn
