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
class CsvText {
 public:
  CsvText() = default;
  template <class Text>
  requires std::convertible_to<const Text&, std::string_view> CsvText(const Text& text)
      : memory_(text), size_(memory_.size()) {}
  CsvText(std::span<const std::byte> bytes) : CsvText(as_text(bytes)) {}
  /// Of a file `window` bytes are looked at, more where a row is longer.
  explicit CsvText(FileReaderPtr file, std::size_t window = std::size_t{1} << 18)
      : file_(std::move(file)), window_(window), size_(file_->size()) {}

  std::uint64_t size() const { return size_; }
  /// What follows its first `bytes` bytes, of which it has as many.
  CsvText behind(std::uint64_t bytes) const;

 private:
  friend class CsvWindow;
  FileReaderPtr file_;       // null: it lies in memory
  std::string_view memory_;  // all of it then
  std::uint64_t begin_ = 0;  // in the file
  std::size_t window_ = 0;
  std::uint64_t size_ = 0;
};

/// The part of a text that is looked at: all of what lies in memory, of a file some of it.
class CsvWindow {
 public:
  explicit CsvWindow(CsvText text);
  CsvWindow(CsvWindow&&) = default;

  std::string_view view() const { return view_; }
  /// The view, of at least `bytes` where the text has as many.
  std::string_view at_least(std::size_t bytes);
  /// Nothing follows the view.
  bool ends() const { return view_.size() == text_.size(); }
  /// The text from the view's begin on.
  const CsvText& text() const { return text_; }
  /// Leaves the first `bytes` bytes of the view behind. Where it does not end there is more in it then than
  /// there was behind them, however long that was. Throws Error(data) where the file has become shorter.
  void pass(std::size_t bytes);

 private:
  CsvText text_;
  std::vector<char> buffer_;
  std::string_view view_;
};

/// The text without its byte order mark. Throws Error(data) naming the encoding for UTF-16 and UTF-32, and
/// the line for a text that holds a zero byte, or else what is not UTF-8.
CsvText checked_table_text(CsvText text, const std::string& path);

}  // namespace firn
