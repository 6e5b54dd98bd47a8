// A text that stays in its file: its characters, and its windows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/file_reader.h"

namespace firn {

/// The characters of a file from a place on, read by pieces.
class CharacterStream {
 public:
  /// `buffer`, at least eight bytes, is what is read into; both must outlive this.
  CharacterStream(const FileReader& file, std::uint64_t place, std::span<std::byte> buffer);
  /// Nothing at the file's end. Throws Error(data), with the place, on what is not UTF-8.
  std::optional<char32_t> next();
  /// ASCII characters that follow, which it passes, at most `most`; none where another character is next.
  std::string_view plain_run(std::size_t most);
  /// Of the next character: bytes from the file's begin.
  std::uint64_t place() const { return place_ + at_; }

 private:
  void refill();

  const FileReader& file_;
  std::span<std::byte> buffer_;
  std::uint64_t place_;  // of the buffer's first byte
  std::size_t at_ = 0, filled_ = 0;
};

/// What one pass over a text finds.
struct TextSurvey {
  std::vector<char32_t> characters;  ///< that are known: those given, else all there are, sorted
  std::uint64_t known = 0, unknown = 0;
  std::vector<std::uint64_t> marks;  ///< places of the known characters 0, every, 2 every, ...
  std::uint64_t every = 0;
};
/// `given`: the characters that are known; empty: all.
TextSurvey survey_text(const FileReader& file, std::vector<char32_t> given, std::uint64_t every);

/// Windows as those of `parse_text`, `count` of them, whose characters are read and numbered as they are
/// wanted. `info` has their shape and the characters' names.
DatasetPtr make_file_windows(DataInfo info, FileReaderPtr file, TextSurvey survey, Index count);

}  // namespace firn
