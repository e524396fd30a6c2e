#include "tools/export/database.h"

#include <fcntl.h>
#include <sqlite3.h>

#include "format/base/error.h"
#include "format/base/unique_fd.h"

namespace rec::exports {

Database::Database(const std::string& path) : path_(path) {
  // An empty file is an empty database; this one is as private as the trace.
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.is_open()) fail_with_errno("cannot write " + path);
  sqlite3* opened = nullptr;
  const int code = ::sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE, nullptr);
  database_.reset(opened);
  if (code != SQLITE_OK) fail_with_its_message();
}

void Database::Closer::operator()(sqlite3* database) const { (void)::sqlite3_close(database); }

void Database::fail_with_its_message() const {
  fail("cannot write {}: {}", path_, database_ ? ::sqlite3_errmsg(database_.get()) : "out of memory");
}

void Database::execute(const std::string& statements) {
  if (::sqlite3_exec(database_.get(), statements.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    fail_with_its_message();
}

Insert::Insert(Database& database, std::string_view statement) : database_(database) {
  sqlite3_stmt* prepared = nullptr;
  check(::sqlite3_prepare_v2(database.database_.get(), statement.data(), static_cast<int>(statement.size()),
                             &prepared, nullptr));
  statement_.reset(prepared);
}

void Insert::Closer::operator()(sqlite3_stmt* statement) const { (void)::sqlite3_finalize(statement); }

void Insert::check(int code) const {
  if (code != SQLITE_OK) database_.fail_with_its_message();
}

Insert& Insert::value(std::int64_t number) {
  check(::sqlite3_bind_int64(statement_.get(), ++values_, number));
  return *this;
}

Insert& Insert::value(std::uint64_t number) { return value(static_cast<std::int64_t>(number)); }

Insert& Insert::value(std::string_view text) {
  check(::sqlite3_bind_text64(statement_.get(), ++values_, text.data(), text.size(), SQLITE_TRANSIENT,
                              SQLITE_UTF8));
  return *this;
}

Insert& Insert::null() {
  check(::sqlite3_bind_null(statement_.get(), ++values_));
  return *this;
}

void Insert::run() {
  values_ = 0;
  if (::sqlite3_step(statement_.get()) != SQLITE_DONE) database_.fail_with_its_message();
  check(::sqlite3_reset(statement_.get()));
}

}  // namespace rec::exports
