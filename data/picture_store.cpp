#include "data/picture_store.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>

#include "data/picture_files.h"
#include "engine/base/atomic_file.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/base/seconds.h"
#include "engine/base/sha256.h"
#include "engine/base/split.h"

namespace firn {

namespace {

constexpr Index kStoredChannels = 3;
constexpr std::uint64_t kChunkBytes = std::uint64_t{8} << 20;
constexpr double kSayEvery = 10;  // seconds
// Counts up when pictures are decoded to other bytes.
constexpr int kDecoder = 1;

[[noreturn]] void fail_store(const std::string& path, int error, std::uint64_t bytes = 0) {
  throw Error(Fault::failure, "pictures",
              bytes > 0 ? fmt::format("{}: no room for {} bytes: {}", path, bytes,
                                      std::generic_category().message(error))
                        : path + ": " + std::generic_category().message(error));
}

/// Closed with the scope, and with it a lock on it.
class OwnFile {
 public:
  OwnFile(std::string path, int flags)
      : path_(std::move(path)), file_(::open(path_.c_str(), flags | O_CLOEXEC, 0644)) {
    if (file_ < 0) fail_store(path_, errno);
  }
  ~OwnFile() { ::close(file_); }
  OwnFile(const OwnFile&) = delete;
  OwnFile& operator=(const OwnFile&) = delete;
  int get() const { return file_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  int file_;
};

std::string hash_of(std::span<const std::string> paths, PictureSize size) {
  Sha256 hash;
  const auto add = [&](const std::string& text) { hash.update(as_bytes(text)); };
  add(fmt::format("pictures {} {} {}\n", kDecoder, size.size, std::max(size.size, size.shorter)));
  for (const std::string& path : paths) {
    struct stat found {};
    ::stat(path.c_str(), &found);  // of one that is gone zeros: it cannot be read either
    std::error_code code;
    add(fmt::format("{} {} {}.{:09}\n", std::filesystem::absolute(path, code).string(), found.st_size,
                    found.st_mtim.tv_sec, found.st_mtim.tv_nsec));
  }
  return hash.hex().substr(0, 32);
}

/// What is done, as the log has it: a line "bad PLACE WHAT" for each picture that cannot be read, then
/// "chunk NUMBER" once a chunk lies in the file.
struct Done {
  std::set<std::size_t> chunks;
  std::map<std::size_t, std::string> bad;
};

std::optional<std::size_t> number_of(std::string_view text) {
  std::size_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  return code == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

Done read_log(const std::string& path) {
  Done done;
  const std::vector<std::byte> bytes = read_file(path, Fault::failure);
  std::vector<std::string> lines = split(as_text(bytes), '\n');
  lines.pop_back();  // what a killed process has not finished, or nothing
  std::map<std::size_t, std::string> bad;
  for (const std::string& line : lines) {
    const std::size_t word = line.find(' '), place = line.find(' ', word + 1);
    const auto number = number_of(std::string_view(line).substr(word + 1, place - word - 1));
    if (word == std::string::npos || !number) continue;
    if (line.starts_with("bad ") && place != std::string::npos) bad[*number] = line.substr(place + 1);
    if (!line.starts_with("chunk ")) continue;
    done.chunks.insert(*number);
    done.bad.merge(bad);
    bad.clear();
  }
  return done;
}

std::string on_one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

class PictureStore {
 public:
  PictureStore(std::span<const std::string> paths, PictureSize size, const std::string& folder)
      : paths_(paths),
        size_(size),
        each_(stored_bytes(1, size.size)),
        chunk_(std::max<std::size_t>(1, kChunkBytes / each_)),
        name_(folder + "/pictures-" + hash_of(paths, size)) {}

  StoredPictures make(const std::function<void(const std::string&)>& say) {
    const OwnFile log(name_ + ".log", O_RDWR | O_CREAT | O_APPEND);
    if (::flock(log.get(), LOCK_EX) != 0 && errno == EINTR) fail_store(log.path(), EINTR);
    done_ = read_log(log.path());
    const std::string whole = name_ + ".pixels";
    std::error_code code;
    if (std::filesystem::file_size(whole, code) != bytes() || code || done_.chunks.size() != chunks()) {
      if (!std::filesystem::exists(name_ + ".part", code)) {
        done_ = {};
        if (::ftruncate(log.get(), 0) != 0) fail_store(log.path(), errno);
      }
      write(log, say);
      if (::rename((name_ + ".part").c_str(), whole.c_str()) != 0) fail_store(whole, errno);
    }
    StoredPictures stored{std::make_shared<FileReader>(whole), {}, {}};
    for (std::size_t i = 0; i < paths_.size(); ++i) {
      const auto at = done_.bad.find(i);
      if (at == done_.bad.end()) {
        stored.good.push_back(i);
      } else {
        stored.bad.push_back(at->second);
      }
    }
    return stored;
  }

 private:
  std::uint64_t bytes() const { return each_ * paths_.size(); }
  std::size_t chunks() const { return (paths_.size() + chunk_ - 1) / chunk_; }

  void write(const OwnFile& log, const std::function<void(const std::string&)>& say) {
    const OwnFile part(name_ + ".part", O_RDWR | O_CREAT);
    say(fmt::format("{} pictures are decoded once into {}.pixels, {:.2f} GB{}", paths_.size(), name_,
                    static_cast<double>(bytes()) / 1e9,
                    done_.chunks.empty() ? std::string()
                                         : fmt::format(", of which {:.0f} % are there",
                                                       100.0 * static_cast<double>(done_.chunks.size()) /
                                                           static_cast<double>(chunks()))));
    if (const int error = ::posix_fallocate(part.get(), 0, static_cast<off_t>(bytes())); error != 0)
      fail_store(part.path(), error, bytes());
    double said = seconds_now();
    for (std::size_t c = 0; c < chunks(); ++c) {
      if (done_.chunks.contains(c)) continue;
      write_chunk(c, part, log);
      if (seconds_since(said) < kSayEvery) continue;
      said = seconds_now();
      say(fmt::format("decoded {} of {} pictures", std::min(paths_.size(), (c + 1) * chunk_), paths_.size()));
    }
  }

  void write_chunk(std::size_t c, const OwnFile& part, const OwnFile& log) {
    const std::size_t first = c * chunk_, count = std::min(chunk_, paths_.size() - first);
    const Pictures pictures = read_pictures(paths_.subspan(first, count), size_.size, size_.shorter);
    std::string lines;
    std::size_t good = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (good < pictures.good.size() && pictures.good[good] == i) {
        put(part, (first + i) * each_, pictures.pixels.data() + good * each_);
        ++good;
        continue;
      }
      const std::string& why = done_.bad[first + i] = on_one_line(pictures.bad[i - good]);
      lines += fmt::format("bad {} {}\n", first + i, why);
    }
    lines += fmt::format("chunk {}\n", c);
    done_.chunks.insert(c);
    if (::fdatasync(part.get()) != 0) fail_store(part.path(), errno);
    write_all(log.get(), as_bytes(lines), log.path());
  }

  void put(const OwnFile& part, std::uint64_t offset, const std::uint8_t* pixels) const {
    for (std::uint64_t done = 0; done < each_;) {
      const ssize_t count =
          ::pwrite(part.get(), pixels + done, each_ - done, static_cast<off_t>(offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) fail_store(part.path(), count < 0 ? errno : EIO);
      done += static_cast<std::uint64_t>(count);
    }
  }

  std::span<const std::string> paths_;
  PictureSize size_;
  std::uint64_t each_;
  std::size_t chunk_;
  std::string name_;
  Done done_;
};

}  // namespace

std::uint64_t stored_bytes(std::size_t count, Index size) {
  return static_cast<std::uint64_t>(size * size * kStoredChannels) * count;
}

StoredPictures store_pictures(std::span<const std::string> paths, PictureSize size, const std::string& folder,
                              const std::function<void(const std::string&)>& say) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (code) fail_store(folder, code.value());
  return PictureStore(paths, size, folder).make(say);
}

}  // namespace firn
