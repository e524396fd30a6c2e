// SQLite behind two small types: a database that is being written, and a statement of it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace rec::exports {

class [[nodiscard]] Database {
 public:
  // `path` is created or emptied, readable and writable by its owner only. Throws Error, as all of this.
  explicit Database(const std::string& path);

  // Statements without results, separated by semicolons.
  void execute(const std::string& statements);

 private:
  friend class Insert;
  [[noreturn]] void fail_with_its_message() const;
  struct Closer {
    void operator()(sqlite3* database) const;
  };
  std::string path_;
  std::unique_ptr<sqlite3, Closer> database_;
};

// An INSERT with a ? for each value.
class [[nodiscard]] Insert {
 public:
  // The database outlives this.
  Insert(Database& database, std::string_view statement);

  Insert& value(std::int64_t number);
  Insert& value(std::uint64_t number);  // above 2^63: as SQLite's integers have it, negative
  Insert& value(std::int32_t number) { return value(std::int64_t{number}); }
  Insert& value(std::string_view text);
  Insert& null();
  template <class T>
  Insert& value(const std::optional<T>& of) {
    return of ? value(*of) : null();
  }
  // Adds the row; the next value is the first of the next row.
  void run();

 private:
  void check(int code) const;
  struct Closer {
    void operator()(sqlite3_stmt* statement) const;
  };
  Database& database_;
  std::unique_ptr<sqlite3_stmt, Closer> statement_;
  int values_ = 0;
};

}  // namespace rec::exports
