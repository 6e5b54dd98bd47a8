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

/// The largest whole number that a double holds exactly, the size of the largest text or blob.
constexpr std::int64_t kMostWhole = std::int64_t{1} << 53;
constexpr int kMostValueBytes = 32 << 20;

/// One connection to a file, which may come from anybody: its schema runs no functions with effects and no
/// value is larger than `kMostValueBytes`. Everything throws Error naming the file: Fault::failure for the
/// disk, for memory and for a file that another process writes, Fault::data for all else.
class Database {
 public:
  /// Opens the file, or makes it where `create` is set; write-ahead log, so that a killed process leaves
  /// whole transactions, and a rollback journal on a network file system (`wal_refusal`).
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
  void set_journal();

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
  /// The value of a column; NULL is 0 or empty. Throws Error(data) naming the column for a value of another
  /// type or out of range; numbers are finite.
  std::int64_t whole(int column, std::int64_t least = -kMostWhole, std::int64_t most = kMostWhole) const;
  double number(int column, double least = -1e60, double most = 1e60) const;
  std::string text(int column) const;
  std::vector<std::uint8_t> bytes(int column) const;
  /// A value of any type as SQLite prints it.
  std::string printed(int column) const;
  bool is_null(int column) const;
  bool is_real(int column) const;

 private:
  void reset();
  bool holds(int column, int type) const;
  [[noreturn]] void refuse(int column, const std::string& what) const;

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
