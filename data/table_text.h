// The text of a table, in memory or in a file where it is read in parts.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/file_reader.h"
#include "engine/base/bytes.h"

namespace firn {

/// A text, or the end of one. What lies in memory is not owned.
class TableText {
 public:
  TableText() = default;
  template <class Text>
  requires std::convertible_to<const Text&, std::string_view> TableText(const Text& text)
      : memory_(text), size_(memory_.size()) {}
  TableText(std::span<const std::byte> bytes) : TableText(as_text(bytes)) {}
  /// Of a file `window` bytes are looked at, more where a row is longer.
  explicit TableText(FileReaderPtr file, std::size_t window = std::size_t{1} << 18)
      : file_(std::move(file)), window_(window), size_(file_->size()) {}

  std::uint64_t size() const { return size_; }
  /// What follows its first `bytes` bytes, of which it has as many.
  TableText behind(std::uint64_t bytes) const;

 private:
  friend class TableWindow;
  FileReaderPtr file_;       // null: it lies in memory
  std::string_view memory_;  // all of it then
  std::uint64_t begin_ = 0;  // in the file
  std::size_t window_ = 0;
  std::uint64_t size_ = 0;
};

/// The part of a text that is looked at: all of what lies in memory, of a file some of it.
class TableWindow {
 public:
  explicit TableWindow(TableText text);
  TableWindow(TableWindow&&) = default;

  std::string_view view() const { return view_; }
  /// The view, of at least `bytes` where the text has as many.
  std::string_view at_least(std::size_t bytes);
  /// Nothing follows the view.
  bool ends() const { return view_.size() == text_.size(); }
  /// The text from the view's begin on.
  const TableText& text() const { return text_; }
  /// Leaves the first `bytes` bytes of the view behind. Where it does not end there is more in it then than
  /// there was behind them, however long that was. Throws Error(data) where the file has become shorter.
  void pass(std::size_t bytes);

 private:
  TableText text_;
  std::vector<char> buffer_;
  std::string_view view_;
};

/// The lines of a text.
class TableLines {
 public:
  explicit TableLines(TableText text) : window_(std::move(text)), size_(window_.text().size()) {}
  /// Whether there is one more; goes to it.
  bool next();
  /// Without its end ("\n"); good until `next`.
  std::string_view line() const { return line_; }
  /// Bytes of the text up to this line's end.
  std::uint64_t place() const { return size_ - window_.text().size() + at_; }

 private:
  TableWindow window_;
  std::uint64_t size_;
  std::size_t at_ = 0;
  std::string_view line_;
};

/// Whether a field in double quotes, in which "" is one quote, ends at all: asked before much is kept for it.
bool quote_ends(const TableText& rest);

/// The text without its byte order mark. Throws what `require_utf8` throws.
TableText utf8_table_text(const TableText& text, std::string_view operation, const std::string& path);

/// The text without its byte order mark. Throws Error(data) naming the encoding for UTF-16 and UTF-32, and
/// the line for a text that holds a zero byte, or else what is not UTF-8.
TableText checked_table_text(TableText text, const std::string& path);

}  // namespace firn
