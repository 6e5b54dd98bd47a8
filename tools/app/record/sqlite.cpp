#include "tools/app/record/sqlite.h"

#include <fmt/core.h>
#include <sqlite3.h>

#include "tools/app/record/network_folder.h"

namespace firn::cli {

namespace {

constexpr int kWaitMilliseconds = 5000;

Fault fault_of(int code) {
  switch (code & 0xff) {
    case SQLITE_PERM:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_NOMEM:
    case SQLITE_READONLY:
    case SQLITE_INTERRUPT:
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL:
      return Fault::failure;
    default:
      return Fault::data;
  }
}

/// As SQLite's own page on untrusted files asks for.
void defend(sqlite3* handle) {
  sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, kMostValueBytes);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
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
    defend(handle_);
    run("PRAGMA cell_size_check=ON");
    run("PRAGMA mmap_size=0");
    set_journal();
  } catch (...) {
    sqlite3_close(handle_);
    throw;
  }
}

void Database::set_journal() {
  const std::string refusal = wal_refusal(path_);
  if (refusal.empty()) {
    run("PRAGMA journal_mode=WAL");
    run("PRAGMA synchronous=NORMAL");
    return;
  }
  Statement mode(*this, "PRAGMA journal_mode=DELETE");
  if (mode.next() && mode.text(0) == "wal")
    throw Error(Fault::failure, "sqlite", refusal + ": another process has it open in that mode");
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

bool Statement::holds(int column, int type) const {
  return sqlite3_column_type(statement_, column) == type;
}

void Statement::refuse(int column, const std::string& what) const {
  throw Error(
      Fault::data, "sqlite",
      fmt::format("{}: column {} {}", database_.path(), sqlite3_column_name(statement_, column), what));
}

std::int64_t Statement::whole(int column, std::int64_t least, std::int64_t most) const {
  if (is_null(column)) return 0;
  if (!holds(column, SQLITE_INTEGER)) refuse(column, "holds what is no whole number");
  const std::int64_t value = sqlite3_column_int64(statement_, column);
  if (value < least || value > most)
    refuse(column, fmt::format("is {}, not from {} to {}", value, least, most));
  return value;
}

double Statement::number(int column, double least, double most) const {
  if (is_null(column)) return 0;
  if (!holds(column, SQLITE_FLOAT) && !holds(column, SQLITE_INTEGER))
    refuse(column, "holds what is no number");
  const double value = sqlite3_column_double(statement_, column);
  if (!(value >= least && value <= most))
    refuse(column, fmt::format("is {}, not from {} to {}", value, least, most));
  return value;
}

std::string Statement::text(int column) const {
  if (is_null(column)) return {};
  if (!holds(column, SQLITE_TEXT)) refuse(column, "holds what is no text");
  return printed(column);
}

std::string Statement::printed(int column) const {
  if (is_null(column)) return {};
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (bytes == nullptr) database_.check(SQLITE_NOMEM, "text");
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::vector<std::uint8_t> Statement::bytes(int column) const {
  if (is_null(column)) return {};
  if (!holds(column, SQLITE_BLOB)) refuse(column, "holds what are no bytes");
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
  const int count = sqlite3_column_bytes(statement_, column);
  return data == nullptr ? std::vector<std::uint8_t>() : std::vector<std::uint8_t>(data, data + count);
}

bool Statement::is_null(int column) const {
  return holds(column, SQLITE_NULL);
}

bool Statement::is_real(int column) const {
  return holds(column, SQLITE_FLOAT);
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
