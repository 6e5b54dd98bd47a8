#include "data/text_rows.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/base/error.h"

namespace firn {

namespace {

constexpr std::size_t kLongField = std::size_t{1} << 22;  // bytes

/// What ends a field that does not stand in quotes.
std::string_view ends_of(char separator) {
  return separator == '\t' ? std::string_view("\t\n") : separator == ';' ? ";\n" : ",\n";
}

bool holds(const TableText& text, char wanted) {
  for (TableWindow window(text);; window.pass(window.view().size())) {
    if (window.view().find(wanted) != std::string_view::npos) return true;
    if (window.ends()) return false;
  }
}

/// False where what looks like quotes is none.
bool look(TextLayout& layout, bool quotes, const std::string& path) {
  layout.quotes = quotes;
  layout.rows = 0;
  TextRows rows(layout.text, layout.separator, quotes, path);
  while (rows.next()) ++layout.rows;
  layout.columns = rows.columns();
  layout.merged_line = rows.merged_line();
  layout.quoted = rows.quoted();
  layout.literal = rows.literal();
  return !rows.broken();
}

}  // namespace

TextRows::TextRows(TableText text, char separator, bool quotes, const std::string& path)
    : window_(std::move(text)),
      text_(window_.view()),
      size_(window_.text().size()),
      separator_(separator),
      quotes_(quotes),
      path_(path) {}

bool TextRows::next() {
  while (!broken_ && (at_ < text_.size() || !window_.ends())) {
    const std::size_t row = at_;
    const Index line = next_line_;
    const Found found = read_row();
    broken_ = found == Found::broken;
    if (broken_) break;
    // What reaches the window's end may go on: it is read again with more behind it.
    if (found == Found::cut || (at_ >= text_.size() && !window_.ends())) {
      window_.pass(row);
      text_ = window_.view();
      at_ = 0;
      next_line_ = line;
      continue;
    }
    if (found == Found::nothing) continue;
    if (columns_ == 0) columns_ = fields_.size();
    if (fields_.size() == columns_) return true;
    broken_ = quotes_ && separator_ == '\t';  // the literal reading says what is wrong
    if (broken_) break;
    fail_at_line(path_, line_,
                 fields_.size() == 1 && separator_ == '\t'
                     ? std::string("a line without tab: want label TAB text")
                     : fmt::format("{} columns, the first line has {}", fields_.size(), columns_));
  }
  return false;
}

TextRows::Found TextRows::read_row() {
  if (take_empty_line()) return Found::nothing;
  fields_.clear();
  unquoted_.clear();
  line_ = next_line_;
  for (bool more = true; more;) {
    if (columns_ == 2 && fields_.size() == 1 && !quotes_) {
      take_rest();
      break;
    }
    const Found found = quotes_ && begins_with_quote() ? quoted_field(more) : plain_field(more);
    if (found != Found::row) return found;
  }
  return Found::row;
}

bool TextRows::take_empty_line() {
  const std::size_t end = std::min(text_.find_first_not_of(" \r", at_), text_.size());
  if (end < text_.size() && text_[end] != '\n') return false;
  at_ = std::min(end + 1, text_.size());
  ++next_line_;
  return true;
}

TextRows::Found TextRows::plain_field(bool& more) {
  literal_ = literal_ || begins_with_quote();
  const std::size_t end = std::min(text_.find_first_of(ends_of(separator_), at_), text_.size());
  std::string_view value = text_.substr(std::min(at_, end), end - std::min(at_, end));
  more = end < text_.size() && text_[end] == separator_;
  if (!more) {
    ++next_line_;
    if (value.ends_with('\r')) value.remove_suffix(1);
  }
  fields_.push_back(value);
  at_ = end + 1;
  return Found::row;
}

/// All that is left of the line is its second field.
void TextRows::take_rest() {
  literal_ = literal_ || begins_with_quote();
  const std::size_t begin = std::min(at_, text_.size());
  const std::size_t end = std::min(text_.find('\n', begin), text_.size());
  std::string_view value = text_.substr(begin, end - begin);
  if (value.ends_with('\r')) value.remove_suffix(1);
  if (merged_line_ == 0 && value.find(separator_) != std::string_view::npos) merged_line_ = line_;
  fields_.push_back(value);
  ++next_line_;
  at_ = end + 1;
}

/// Of a field that does not end in the window: whether more of it is to be looked at.
TextRows::Found TextRows::quote_goes_on(std::size_t begin) const {
  if (window_.ends()) return Found::broken;
  const std::string_view value = text_.substr(begin);
  // One over several lines with a separator is more likely a stray quote.
  if (value.find('\n') != std::string_view::npos && value.find(separator_) != std::string_view::npos)
    return Found::broken;
  const bool ends = value.size() < kLongField || quote_ends(window_.text().behind(begin));
  return ends ? Found::cut : Found::broken;
}

TextRows::Found TextRows::quoted_field(bool& more) {
  const std::size_t begin = at_ + 1;
  bool doubled = false;
  std::size_t end = text_.find('"', begin);
  while (end != std::string_view::npos && end + 1 < text_.size() && text_[end + 1] == '"') {
    doubled = true;
    end = text_.find('"', end + 2);
  }
  if (end == std::string_view::npos) return quote_goes_on(begin);
  at_ = end + 1;
  if (at_ + 1 >= text_.size() && !window_.ends()) return Found::cut;  // "\r\n" may follow
  std::string_view value = text_.substr(begin, end - begin);
  const auto breaks = std::count(value.begin(), value.end(), '\n');
  if (breaks > 0 && value.find(separator_) != std::string_view::npos) return Found::broken;
  next_line_ += breaks;
  if (text_.substr(at_).starts_with("\r\n")) ++at_;
  if (at_ < text_.size() && text_[at_] != separator_ && text_[at_] != '\n') return Found::broken;
  more = at_ < text_.size() && text_[at_] == separator_;
  if (!more) ++next_line_;
  ++at_;
  quoted_ = true;
  if (doubled) {
    std::string& own = unquoted_.emplace_back();
    for (std::size_t i = 0; i < value.size(); ++i) {
      own += value[i];
      if (value[i] == '"') ++i;
    }
    value = own;
  }
  fields_.push_back(value);
  return Found::row;
}

void TextLayout::fail_changed(const std::string& path) {
  throw Error(Fault::data, "read", path + ": changed while it was read");
}

TextLayout survey_text_rows(const TableText& text, char separator, const std::string& path) {
  TextLayout layout;
  layout.text = text;
  layout.separator = separator;
  if (!holds(text, '"') || !look(layout, true, path)) look(layout, false, path);
  return layout;
}

void fail_at_line(const std::string& path, Index line, std::string_view what) {
  throw Error(Fault::data, "tsv", fmt::format("{}, line {}: {}", path, line, what));
}

std::string_view trimmed_text(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r\n\v\f";
  const std::size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) + 1 - first);
}

}  // namespace firn
