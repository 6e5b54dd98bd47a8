#include "data/csv_rows.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/printable.h"

namespace firn {

namespace {

constexpr std::string_view kCsvRows = "csv";
constexpr std::size_t kMaxFields = 100'000;
constexpr std::size_t kLongRow = std::size_t{1} << 22;  // bytes

}  // namespace

void CsvRows::fail_at(std::uint64_t line, std::string_view what) const {
  throw Error(Fault::data, kCsvRows, fmt::format("{}, line {}: {}", path_, line, printable(what)));
}

bool CsvRows::next() {
  while (at_ < text_.size()) {
    const std::size_t row = at_;
    const std::uint64_t line = next_line_;
    read_row();
    if (at_ >= text_.size() && !window_.ends()) {
      look_further(row, line);
      continue;
    }
    if (std::any_of(fields_.begin(), fields_.end(), [](std::string_view f) { return !f.empty(); }))
      return true;
  }
  return false;
}

/// A row at the window's end may go on, and a "\r" there be followed by a "\n": it is read again with more
/// behind it.
void CsvRows::look_further(std::size_t row, std::uint64_t line) {
  window_.pass(row);
  text_ = window_.view();
  at_ = 0;
  next_line_ = line;
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
    if (at_ >= text_.size()) {
      if (!window_.ends() && (text_.size() < kLongRow || quote_ends(window_.text().behind(begin)))) return {};
      fail_at(line, "a quoted field does not end");
    }
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

}  // namespace firn
