#include "tools/study/sqlite.h"

#include <fmt/core.h>
#include <sqlite3.h>

namespace firn::cli {

namespace {

constexpr int kWaitMilliseconds = 5000;

Fault fault_of(int code) {
  return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB ? Fault::data : Fault::failure;
}

}  // namespace

Database::Database(std::string path, bool create) : path_(std::move(path)) {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
  const int code = sqlite3_open_v2(path_.c_str(), &handle_, flags, nullptr);
  if (code != SQLITE_OK) {
    const std::string why = handle_ != nullptr ? sqlite3_errmsg(handle_) : "memory is out";
    sqlite3_close(handle_);
    throw Error(fault_of(code), "sqlite", fmt::format("{}: {}", path_, why));
  }
  try {
    sqlite3_extended_result_codes(handle_, 1);
    sqlite3_busy_timeout(handle_, kWaitMilliseconds);
    run("PRAGMA journal_mode=WAL");
    run("PRAGMA synchronous=NORMAL");
  } catch (...) {
    sqlite3_close(handle_);
    throw;
  }
}

Database::~Database() {
  sqlite3_close(handle_);
}

void Database::check(int code, std::string_view what) const {
  if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return;
  throw Error(fault_of(code), "sqlite", fmt::format("{}: {} ({})", path_, sqlite3_errmsg(handle_), what));
}

void Database::run(const std::string& sql) {
  check(sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr), sql.substr(0, 40));
}

Statement::Statement(Database& database, std::string_view sql) : database_(database) {
  database_.check(
      sqlite3_prepare_v2(database_.handle(), sql.data(), static_cast<int>(sql.size()), &statement_, nullptr),
      sql);
}

Statement::~Statement() {
  sqlite3_finalize(statement_);
}

Statement& Statement::operator<<(std::int64_t value) {
  database_.check(sqlite3_bind_int64(statement_, ++bound_, value), "bind");
  return *this;
}

Statement& Statement::operator<<(double value) {
  database_.check(sqlite3_bind_double(statement_, ++bound_, value), "bind");
  return *this;
}

Statement& Statement::operator<<(std::string_view value) {
  database_.check(
      sqlite3_bind_text(statement_, ++bound_, value.data(), static_cast<int>(value.size()), SQLITE_TRANSIENT),
      "bind");
  return *this;
}

Statement& Statement::operator<<(std::span<const std::uint8_t> value) {
  // A null pointer would bind NULL.
  const void* bytes = value.empty() ? static_cast<const void*>("") : value.data();
  database_.check(
      sqlite3_bind_blob(statement_, ++bound_, bytes, static_cast<int>(value.size()), SQLITE_TRANSIENT),
      "bind");
  return *this;
}

Statement& Statement::null() {
  database_.check(sqlite3_bind_null(statement_, ++bound_), "bind");
  return *this;
}

void Statement::reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  bound_ = 0;
}

void Statement::done() {
  const int code = sqlite3_step(statement_);
  database_.check(code, sqlite3_sql(statement_));
  reset();
}

bool Statement::next() {
  const int code = sqlite3_step(statement_);
  database_.check(code, sqlite3_sql(statement_));
  if (code == SQLITE_ROW) return true;
  reset();
  return false;
}

int Statement::columns() const {
  return sqlite3_column_count(statement_);
}

std::int64_t Statement::whole(int column) const {
  return sqlite3_column_int64(statement_, column);
}

double Statement::number(int column) const {
  return sqlite3_column_double(statement_, column);
}

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return bytes == nullptr
             ? std::string()
             : std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
}

std::vector<std::uint8_t> Statement::bytes(int column) const {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
  const int count = sqlite3_column_bytes(statement_, column);
  return data == nullptr ? std::vector<std::uint8_t>() : std::vector<std::uint8_t>(data, data + count);
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

bool Statement::is_real(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_FLOAT;
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.run("ROLLBACK");
  } catch (const Error&) {
    // The database has rolled back by itself.
  }
}

void Transaction::commit() {
  database_.run("COMMIT");
  open_ = false;
}

}  // namespace firn::cli
