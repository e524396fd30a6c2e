// A SQLite database of what happened; README.md describes its tables.
#include <array>
#include <optional>
#include <string>
#include <unordered_map>

#include "format/syscalls/table.h"
#include "tools/call_names.h"
#include "tools/descriptors.h"
#include "tools/display.h"
#include "tools/dump/errors.h"
#include "tools/export/database.h"
#include "tools/export/timeline_format.h"
#include "tools/stat/transfer.h"

namespace rec::exports {
namespace {

// Built at one go: if that fails the file is of no use anyway, so there is no journal to come back with.
constexpr const char* preparation = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN;";

constexpr const char* tables = R"(
CREATE TABLE recording (key TEXT PRIMARY KEY, value);
CREATE TABLE tasks (
  id INTEGER PRIMARY KEY, tid INTEGER NOT NULL, pid INTEGER NOT NULL, parent INTEGER REFERENCES tasks,
  process INTEGER NOT NULL REFERENCES tasks, command TEXT, began_ns INTEGER NOT NULL, ended_ns INTEGER,
  exit_status INTEGER, killed_by TEXT);
CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
CREATE TABLE calls (
  event INTEGER PRIMARY KEY, task INTEGER NOT NULL REFERENCES tasks, name TEXT NOT NULL, nr INTEGER NOT NULL,
  subsystem TEXT NOT NULL, enter_ns INTEGER NOT NULL, leave_ns INTEGER NOT NULL, duration_ns INTEGER NOT NULL,
  arguments TEXT NOT NULL, result INTEGER, result_text TEXT NOT NULL, error TEXT, file INTEGER REFERENCES files,
  bytes_read INTEGER NOT NULL, bytes_written INTEGER NOT NULL, answered_by_rec INTEGER NOT NULL);
CREATE TABLE signals (
  event INTEGER PRIMARY KEY, task INTEGER NOT NULL REFERENCES tasks, name TEXT NOT NULL, signal INTEGER NOT NULL,
  time_ns INTEGER NOT NULL, action TEXT NOT NULL, details TEXT NOT NULL);
)";

// After the rows: much faster than along with them.
constexpr const char* indices = R"(
CREATE INDEX calls_by_task ON calls (task, enter_ns);
CREATE INDEX calls_by_name ON calls (name);
CREATE INDEX calls_by_file ON calls (file);
CREATE INDEX calls_by_duration ON calls (duration_ns);
CREATE INDEX calls_by_error ON calls (error) WHERE error IS NOT NULL;
CREATE INDEX signals_by_task ON signals (task);
COMMIT;
)";

std::string_view action_name(SignalAction action) {
  switch (action) {
    case SignalAction::ignore:
      return "ignored";
    case SignalAction::handler:
      return "handler";
    case SignalAction::terminate:
      return "terminated";
    case SignalAction::stop:
      return "stopped";
    case SignalAction::resume:
      return "resumed";
  }
  return {};
}

class Sqlite final : public Format {
 public:
  Sqlite(const std::string& path, const TraceHeader& header)
      : database_(with_tables(path)), descriptors_(header) {
    put_recording("command", shell_quoted(header.command));
    put_recording("directory", printable(header.working_directory));
    put_recording("kernel", header.kernel);
    put_recording("machine", header.machine);
    put_recording("rec_version", header.rec_version);
    Insert start(database_, "INSERT INTO recording VALUES ('start_realtime_ns', ?)");
    start.value(header.start_realtime_ns).run();
  }

  void on_task(const TimelineTask& task) override {
    tasks_.value(task.id).value(task.tid.value()).value(task.pid.value());
    (task.parent == 0 ? tasks_.null() : tasks_.value(task.parent)).value(task.process);
    tasks_.value(task.command).value(task.began_ns).run();
  }

  void on_command(const TimelineTask& task) override {
    commands_.value(task.command).value(task.process).run();
  }

  void on_exit(const TimelineTask& task, std::uint64_t time_ns, std::int32_t wait_status) override {
    const int killed_by = wait_status & 0x7f;  // as wait(2)'s macros have it
    exits_.value(time_ns);
    if (killed_by == 0) {
      exits_.value(wait_status >> 8 & 0xff).null();
    } else {
      exits_.null().value(std::string_view(signal_name(killed_by)));
    }
    exits_.value(task.id).run();
  }

  void on_call(const Call& call) override {
    const Event& event = call.event;
    const bool returned = (event.flags & event_no_result) == 0;
    const bool failed = returned && dump::is_error(event.result);
    const stat::Transfer transfer = stat::transfer_of(event, stat::moves(event.nr));
    calls_.value(event.number.value())
        .value(call.task.id)
        .value(call.name)
        .value(event.nr)
        .value(call.subsystem);
    calls_.value(call.begin_ns).value(call.end_ns).value(call.duration());
    calls_.value(std::string_view(printable(text_.arguments(event))));
    (returned ? calls_.value(event.result) : calls_.null()).value(text_.result(event));
    if (failed) {
      calls_.value(std::string_view(error_name(static_cast<std::int32_t>(-event.result))));
    } else {
      calls_.null();
    }
    calls_.value(file_of(event)).value(transfer.read).value(transfer.written);
    calls_.value((event.flags & event_denied) != 0 ? 1 : 0).run();
  }

  void on_signal(const TimelineTask& task, const Event& event) override {
    signals_.value(event.number.value()).value(task.id).value(std::string_view(signal_name(event.nr)));
    signals_.value(event.nr).value(event.leave_ns);
    const bool is_known = event.extra != nullptr;
    signals_.value(is_known ? action_name(event.extra->action) : std::string_view())
        .value(std::string_view(signal_details(event)))
        .run();
  }

  void after(const Event& event) override { descriptors_.add(event); }

  void finish() override { database_.execute(indices); }

 private:
  static Database with_tables(const std::string& path) {
    Database database(path);
    database.execute(preparation);
    database.execute(tables);
    return database;
  }

  void put_recording(std::string_view key, std::string_view value) {
    Insert insert(database_, "INSERT INTO recording VALUES (?, ?)");
    insert.value(key).value(value).run();
  }

  // What the call is about: the path that it was given, or else what its first descriptor refers to.
  std::optional<std::uint64_t> file_of(const Event& event) {
    const syscalls::Syscall* entry = syscalls::find(event.nr);
    if (entry == nullptr) return std::nullopt;
    if (const auto path = descriptors_.path_of(event)) return id_of(*path);
    for (std::size_t i = 0; i < entry->arg_count; ++i) {
      if (entry->args[i].type != syscalls::Type::fd) continue;
      const std::string* name =
          descriptors_.name_of(event.tid, TraceeFd(static_cast<std::int32_t>(event.args[i])));
      return name == nullptr ? std::nullopt : std::optional(id_of(*name));
    }
    return std::nullopt;
  }

  std::uint64_t id_of(const std::string& path) {
    const auto [found, is_new] = ids_.emplace(printable(path), ids_.size() + 1);
    if (is_new) files_.value(found->second).value(std::string_view(found->first)).run();
    return found->second;
  }

  Database database_;
  Descriptors descriptors_;
  CallText text_;
  std::unordered_map<std::string, std::uint64_t> ids_;  // of files
  Insert tasks_{
      database_,
      "INSERT INTO tasks (id, tid, pid, parent, process, command, began_ns) VALUES (?, ?, ?, ?, ?, ?, ?)"};
  Insert commands_{database_, "UPDATE tasks SET command = ? WHERE process = ?"};
  Insert exits_{database_, "UPDATE tasks SET ended_ns = ?, exit_status = ?, killed_by = ? WHERE id = ?"};
  Insert files_{database_, "INSERT INTO files VALUES (?, ?)"};
  Insert calls_{database_, "INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"};
  Insert signals_{database_, "INSERT INTO signals VALUES (?, ?, ?, ?, ?, ?, ?)"};
};

}  // namespace

std::unique_ptr<Format> sqlite_format(const std::string& path, const TraceHeader& header) {
  return std::make_unique<Sqlite>(path, header);
}

}  // namespace rec::exports
