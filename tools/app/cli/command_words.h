// A command as it was given, to be made another one of.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace firn::cli {

/// `word` as a shell takes it.
std::string shell_quoted(const std::string& word);

/// The words of `Verb::command`, "firn VERB ...", each still quoted as a shell takes it.
class CommandWords {
 public:
  explicit CommandWords(const std::string& command);

  void set_verb(const std::string& verb);
  /// Other words in the place of "firn".
  void set_program(const std::vector<std::string>& words);
  /// Takes out every "NAME", with `value` the word behind it too, and every "NAME=...".
  void drop(std::string_view name, bool value);
  bool has(std::string_view name) const;
  void add(const std::string& name, const std::string& value);
  /// Unless it is given.
  void add_missing(const std::string& name, const std::string& value) {
    if (!has(name)) add(name, value);
  }
  std::string text() const;

 private:
  std::vector<std::string> words_;
};

}  // namespace firn::cli
