#include "data/text_file.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "data/text.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"

namespace firn {

namespace {

constexpr std::size_t kLongestCharacter = 4;  // bytes of a character
constexpr std::size_t kSurveyBytes = std::size_t{1} << 20, kWindowBytes = 4096;
constexpr std::size_t kRun = 4096;  // characters that the first cache holds

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

/// Places that a thread's last reads of a text came by: reading on from there needs no search.
struct TextPlaces {
  struct Place {
    std::uint64_t file = 0, character = 0, place = 0;
  };
  std::array<Place, 4> last;  // of tokens and of labels: behind the first character, and behind all
  std::size_t oldest = 0;

  /// The one nearest to `character`, at or before it and behind `best`; else `best`.
  Place nearest(Place best, std::uint64_t character) const {
    for (const Place& one : last) {
      if (one.file == best.file && one.character <= character && one.character > best.character) best = one;
    }
    return best;
  }
  void add(Place place) {
    last[oldest] = place;
    oldest = (oldest + 1) % last.size();
  }
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
    // Where each character is a byte its place is known.
    if (survey_.unknown == 0 && survey_.known == file_->size()) return fill_plain(at, to);
    static thread_local TextPlaces places;
    const std::uint64_t mark = at / survey_.every;
    const TextPlaces::Place begin = places.nearest(
        {file_->id(), mark * survey_.every, survey_.marks[static_cast<std::size_t>(mark)]}, at);
    std::array<std::byte, kWindowBytes> buffer;
    CharacterStream stream(*file_, begin.place, buffer);
    const auto before = static_cast<std::size_t>(at - begin.character);
    for_each_known(stream, before, [](std::int32_t) {});
    std::size_t done = 0;
    const auto put = [&](std::int32_t number) { to[done++] = number; };
    for_each_known(stream, 1, put);
    places.add({file_->id(), at + 1, stream.place()});
    for_each_known(stream, to.size() - 1, put);
    places.add({file_->id(), at + to.size(), stream.place()});
  }

  /// put(number) of the next `count` characters that are known.
  template <class Put>
  void for_each_known(CharacterStream& stream, std::size_t count, Put put) const {
    while (count > 0) {
      // As many as there are wanted: of those that are known there are no more.
      for (const char c : stream.plain_run(count)) {
        const std::int32_t number = table_.number(static_cast<unsigned char>(c));
        if (number < 0) continue;
        put(number);
        --count;
      }
      if (count == 0) return;
      const auto character = stream.next();
      if (!character) fail_changed();
      const std::int32_t number = table_.number(*character);
      if (number < 0) continue;
      put(number);
      --count;
    }
  }

  /// The bytes are read into the end of the numbers that they become.
  void fill_plain(std::uint64_t at, std::span<std::int32_t> to) const {
    const std::span<std::byte> bytes = std::as_writable_bytes(to).last(to.size());
    file_->read_on(at, bytes);
    for (std::size_t k = 0; k < to.size(); ++k) {
      to[k] = table_.number(std::to_integer<char32_t>(bytes[k]));
      if (to[k] < 0) fail_changed();
    }
  }

  [[noreturn]] void fail_changed() const {
    throw Error(Fault::data, "text", file_->path() + ": changed while it was read");
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
  file_.read_on(place_ + rest, buffer_.subspan(rest, more));
  filled_ = rest + more;
}

std::optional<char32_t> CharacterStream::next() {
  if (at_ + kLongestCharacter > filled_ && place_ + filled_ < file_.size()) refill();
  if (at_ >= filled_) return std::nullopt;
  const std::string_view text = as_text(buffer_.first(filled_));
  if (const auto first = static_cast<unsigned char>(text[at_]); first < 0x80) {
    ++at_;
    return first;
  }
  const ByteReader reader({}, Fault::data, "text", file_.path());
  return next_character(text, at_, reader, place_);
}

std::string_view CharacterStream::plain_run(std::size_t most) {
  if (at_ >= filled_ && place_ + filled_ < file_.size()) refill();
  const std::string_view rest = as_text(buffer_.first(filled_)).substr(at_, most);
  std::size_t end = 0;
  for (std::uint64_t eight = 0; end + sizeof eight <= rest.size(); end += sizeof eight) {
    std::memcpy(&eight, rest.data() + end, sizeof eight);
    if ((eight & 0x8080808080808080) != 0) break;
  }
  while (end < rest.size() && static_cast<unsigned char>(rest[end]) < 0x80) ++end;
  at_ += end;
  return rest.substr(0, end);
}

namespace {

/// Counts and marks the characters of a text in their order.
class Surveyor {
 public:
  Surveyor(TextSurvey& survey, bool all) : survey_(survey), all_(all), table_(survey.characters) {
    for (std::size_t c = 0; c < kPlain; ++c)
      known_[c] = all || table_.number(static_cast<char32_t>(c)) >= 0 ? 1 : 0;
  }

  void take_run(std::string_view run, std::uint64_t place) {
    std::size_t known = 0;
    for (const char c : run) {
      seen_[static_cast<unsigned char>(c)] = 1;
      known += known_[static_cast<unsigned char>(c)];
    }
    if (known < run.size()) {
      for (std::size_t k = 0; k < run.size(); ++k) take(static_cast<unsigned char>(run[k]), place + k);
      return;
    }
    const std::uint64_t every = survey_.every;
    for (std::uint64_t next = (survey_.known + every - 1) / every * every; next < survey_.known + known;
         next += every)
      survey_.marks.push_back(place + next - survey_.known);
    survey_.known += known;
  }

  void take(char32_t character, std::uint64_t place) {
    if (!all_ && table_.number(character) < 0) {
      ++survey_.unknown;
      return;
    }
    if (all_) others_.add(character);
    if (survey_.known++ % survey_.every == 0) survey_.marks.push_back(place);
  }

  void finish() {
    if (!all_) return;
    for (std::size_t c = 0; c < kPlain; ++c) {
      if (seen_[c] != 0) others_.add(static_cast<char32_t>(c));
    }
    survey_.characters = others_.sorted();
  }

 private:
  static constexpr std::size_t kPlain = 128;
  TextSurvey& survey_;
  bool all_;
  NumberTable table_;
  CharacterSet others_;
  std::array<std::uint8_t, kPlain> known_{}, seen_{};
};

}  // namespace

TextSurvey survey_text(const FileReader& file, std::vector<char32_t> given, std::uint64_t every) {
  TextSurvey survey{std::move(given), 0, 0, {}, every};
  Surveyor surveyor(survey, survey.characters.empty());
  std::vector<std::byte> buffer(kSurveyBytes);
  CharacterStream stream(file, 0, buffer);
  for (;;) {
    std::uint64_t place = stream.place();
    const std::string_view run = stream.plain_run(kRun);
    surveyor.take_run(run, place);
    if (!run.empty()) continue;
    const auto character = stream.next();
    if (!character) break;
    surveyor.take(*character, place);
  }
  surveyor.finish();
  // Where each character is a byte none is wanted.
  if (survey.unknown == 0 && survey.known == file.size()) survey.marks = {};
  survey.marks.shrink_to_fit();
  return survey;
}

DatasetPtr make_file_windows(DataInfo info, FileReaderPtr file, TextSurvey survey, Index count) {
  return std::make_shared<FileWindows>(std::move(info), std::move(file), std::move(survey), count);
}

}  // namespace firn
