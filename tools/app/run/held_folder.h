// A folder that one process has to itself, and a new one made beside it to take its place.
#pragma once

#include <memory>
#include <span>
#include <string>

namespace firn::cli {

/// What is going on in a folder, for those who only look.
struct FolderInUse {
  std::string
      files;  ///< where the files of the run lie that goes on: FOLDER, or what is made to take its place
  bool held = false;  ///< a process works on it; true also where the file system does not tell
};
FolderInUse folder_in_use(const std::string& folder);

/// Whenever the process ends, the old folder or the new one is there under the name, whole. The new one is
/// made as FOLDER/../.NAME.new; it changes places with the old one in one step (in two, with the old one
/// beside it in between, on a file system that cannot exchange). What an earlier process left there, however
/// it ended, is cleared by the next one that holds the folder.
class HeldFolder {
 public:
  /// Makes `path` where it is not there and locks it, where the file system has locks. `own`: names of what
  /// those who hold it write there, which goes with them; it must outlive this. Throws Error(failure).
  HeldFolder(std::string path, std::span<const char* const> own);
  /// What was not published goes.
  ~HeldFolder();
  HeldFolder(const HeldFolder&) = delete;
  HeldFolder& operator=(const HeldFolder&) = delete;

  /// False while another process has it; nothing else may be called then.
  bool held() const { return lock_ != nullptr; }
  bool is_new() const { return is_new_; }
  /// Whether anything of `own` is there.
  bool has_own() const;

  /// From here on files are written beside it, as into an empty folder.
  void stage();
  bool staged() const { return made_in_ != path_; }
  /// Whether `file` leads to one that goes when this is published.
  bool replaces(const std::string& file) const;
  /// What is staged takes the place of what was there, of which only what is not `own` stays. Throws
  /// Error(failure); then the old folder is in its place.
  void publish();

  const std::string& path() const { return path_; }
  /// Where a file of it lies now.
  std::string file(const std::string& name) const { return made_in_ + "/" + name; }

 private:
  using Lock = std::shared_ptr<const int>;
  void settle() const;
  void clear_replaced(const std::string& old) const;

  std::string path_, made_in_;
  std::span<const char* const> own_;
  bool is_new_ = false;
  Lock lock_, staging_lock_;
};

}  // namespace firn::cli
