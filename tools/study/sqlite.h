// SQLite by the few calls that a study needs.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace firn::cli {

/// One connection to a file. Everything throws Error naming the file: Fault::data where it is no database or
/// damaged, Fault::failure for the disk and for a file that another process writes.
class Database {
 public:
  /// Opens the file, or makes it where `create` is set; write-ahead log, so that a killed process leaves
  /// whole transactions.
  Database(std::string path, bool create);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  const std::string& path() const { return path_; }
  /// Statements without values and results.
  void run(const std::string& sql);
  sqlite3* handle() const { return handle_; }
  /// Throws for a result code that is no success; `what` was tried.
  void check(int code, std::string_view what) const;

 private:
  std::string path_;
  sqlite3* handle_ = nullptr;
};

/// A prepared statement. Values are bound in their order, with as many `<<` as it has marks.
class Statement {
 public:
  Statement(Database& database, std::string_view sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& operator<<(std::int64_t value);
  Statement& operator<<(int value) { return *this << static_cast<std::int64_t>(value); }
  Statement& operator<<(double value);
  Statement& operator<<(std::string_view value);
  Statement& operator<<(const char* value) { return *this << std::string_view(value); }
  Statement& operator<<(const std::string& value) { return *this << std::string_view(value); }
  Statement& operator<<(std::span<const std::uint8_t> value);
  Statement& null();
  /// Text, or NULL where it is empty.
  Statement& text_or_null(const std::string& value) { return value.empty() ? null() : *this << value; }

  /// Runs it with what was bound; afterwards it takes new values.
  void done();
  /// The next row of the result; false after the last, and then it takes new values.
  bool next();
  int columns() const;
  std::int64_t whole(int column) const;
  double number(int column) const;
  std::string text(int column) const;  ///< "" for NULL
  std::vector<std::uint8_t> bytes(int column) const;
  bool is_null(int column) const;
  bool is_real(int column) const;

 private:
  void reset();

  Database& database_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
};

/// All or nothing: rolled back unless `commit` is reached.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) { database_.run("BEGIN IMMEDIATE"); }
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace firn::cli
