// What lies in a folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace firn {

/// Names in a folder, sorted, without hidden ones. Throws Error(data) when it is missing or not readable.
std::vector<std::string> file_names(const std::string& folder);
/// The same, folders only.
std::vector<std::string> folder_names(const std::string& folder);

bool is_file(const std::string& path);
bool is_folder(const std::string& path);
/// Whether anything lies there: a pipe or a device too.
bool exists(const std::string& path);
std::string join(const std::string& folder, std::string_view name);
/// The last part of a path, also of one that ends in '/'; of ".", ".." and the like that of the folder they
/// stand for.
std::string base_name(const std::string& path);
/// " (did you mean PATH?)" for a path that is missing where another of a similar name lies, or nothing.
std::string did_you_mean_path(const std::string& path);
/// `text` with ASCII capitals made small.
std::string lower_case(std::string_view text);
/// `text` without ".gz" at its end.
std::string_view without_gz(std::string_view text);

}  // namespace firn
