#include "data/text_file.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "data/text.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"

namespace firn {

namespace {

constexpr std::size_t kLongest = 4;  // bytes of a character
constexpr std::size_t kSurveyBytes = std::size_t{1} << 20, kWindowBytes = 1024;

/// Characters to their numbers, without a search.
class NumberTable {
 public:
  explicit NumberTable(const std::vector<char32_t>& characters) {
    for (std::size_t i = 0; i < characters.size(); ++i) {
      if (characters[i] >= numbers_.size()) numbers_.resize(characters[i] + 1, -1);
      numbers_[characters[i]] = static_cast<std::int32_t>(i);
    }
  }
  std::int32_t number(char32_t c) const { return c < numbers_.size() ? numbers_[c] : -1; }

 private:
  std::vector<std::int32_t> numbers_;
};

class FileWindows : public Dataset {
 public:
  FileWindows(DataInfo info, FileReaderPtr file, TextSurvey survey, Index count)
      : Dataset(std::move(info)),
        file_(std::move(file)),
        survey_(std::move(survey)),
        table_(survey_.characters),
        count_(count) {}

  Index size() const override { return count_; }
  std::int32_t label(Index i) const override {
    std::int32_t number = 0;
    fill((i + 1) * Dataset::length(i), {&number, 1});
    return number;
  }
  void fill_tokens(Index i, std::span<std::int32_t> to) const override { fill_window(i, 0, to); }
  void fill_labels(Index i, std::span<std::int32_t> to) const override { fill_window(i, 1, to); }

 private:
  void fill_window(Index i, Index behind, std::span<std::int32_t> to) const {
    const auto own = to.first(static_cast<std::size_t>(length(i)));
    fill(i * length(i) + behind, own);
    std::fill(to.begin() + static_cast<std::ptrdiff_t>(own.size()), to.end(), 0);
  }

  /// The numbers of the known characters from `first` on.
  void fill(Index first, std::span<std::int32_t> to) const {
    const auto at = static_cast<std::uint64_t>(first);
    std::array<std::byte, kWindowBytes> buffer;
    const std::uint64_t mark = at / survey_.every;
    // Where each character is a byte its place is known.
    const bool plain = survey_.unknown == 0 && survey_.known == file_->size();
    CharacterStream stream(*file_, plain ? at : survey_.marks[static_cast<std::size_t>(mark)], buffer);
    std::uint64_t skip = plain ? 0 : at - mark * survey_.every;
    for (std::size_t done = 0; done < to.size();) {
      const auto character = stream.next();
      if (!character) throw Error(Fault::data, "text", file_->path() + ": changed while it was read");
      const std::int32_t number = table_.number(*character);
      if (number < 0) continue;
      if (skip > 0) {
        --skip;
      } else {
        to[done++] = number;
      }
    }
  }

  FileReaderPtr file_;
  TextSurvey survey_;
  NumberTable table_;
  Index count_;
};

}  // namespace

CharacterStream::CharacterStream(const FileReader& file, std::uint64_t place, std::span<std::byte> buffer)
    : file_(file), buffer_(buffer), place_(place) {}

void CharacterStream::refill() {
  const std::size_t rest = filled_ - at_;
  std::memmove(buffer_.data(), buffer_.data() + at_, rest);
  place_ += at_;
  at_ = 0;
  const std::uint64_t left = file_.size() - std::min(file_.size(), place_ + rest);
  const std::size_t more = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer_.size() - rest));
  file_.read(place_ + rest, buffer_.subspan(rest, more));
  filled_ = rest + more;
}

std::optional<char32_t> CharacterStream::next() {
  if (at_ + kLongest > filled_ && place_ + filled_ < file_.size()) refill();
  if (at_ >= filled_) return std::nullopt;
  const std::string_view text = as_text(buffer_.first(filled_));
  if (const auto first = static_cast<unsigned char>(text[at_]); first < 0x80) {
    ++at_;
    return first;
  }
  const ByteReader reader({}, Fault::data, "text", file_.path());
  return next_character(text, at_, reader, place_);
}

TextSurvey survey_text(const FileReader& file, std::vector<char32_t> given, std::uint64_t every) {
  TextSurvey survey{std::move(given), 0, 0, {}, every};
  const bool all = survey.characters.empty();
  const NumberTable table(survey.characters);
  CharacterSet seen;
  std::vector<std::byte> buffer(kSurveyBytes);
  CharacterStream stream(file, 0, buffer);
  for (std::uint64_t place = 0;; place = stream.place()) {
    const auto character = stream.next();
    if (!character) break;
    if (!all && table.number(*character) < 0) {
      ++survey.unknown;
      continue;
    }
    if (all) seen.add(*character);
    if (survey.known++ % every == 0) survey.marks.push_back(place);
  }
  if (all) survey.characters = seen.sorted();
  return survey;
}

DatasetPtr make_file_windows(DataInfo info, FileReaderPtr file, TextSurvey survey, Index count) {
  return std::make_shared<FileWindows>(std::move(info), std::move(file), std::move(survey), count);
}

}  // namespace firn
