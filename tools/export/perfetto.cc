// Perfetto's own format: protobuf packets, as protos/perfetto/trace/ of its sources describes them. A packet
// is field 1 of a Trace, so packets simply follow each other:
//
//   Trace { TracePacket packet = 1 … }
//   TracePacket { timestamp 8, trusted_packet_sequence_id 10, track_event 11, interned_data 12,
//                 sequence_flags 13, track_descriptor 60 }
//
// Each task is a track, each call a slice on it. Names are written once and then referred to (interned).
#include <unordered_map>
#include <utility>

#include "tools/export/timeline_format.h"

namespace rec::exports {
namespace {

// A message of the protobuf wire format (protobuf.dev, "Encoding").
class Message {
 public:
  Message& number(std::uint32_t field, std::uint64_t value) {
    varint(field << 3);
    varint(value);
    return *this;
  }
  Message& text(std::uint32_t field, std::string_view value) {
    varint(field << 3 | 2);
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  Message& message(std::uint32_t field, const Message& value) { return text(field, value.bytes_); }
  [[nodiscard]] std::string_view bytes() const { return bytes_; }

 private:
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }
  std::string bytes_;
};

// The fields' numbers, message by message.
namespace packet {
constexpr std::uint32_t timestamp = 8, sequence = 10, track_event = 11, interned = 12, flags = 13, track = 60;
}
namespace descriptor {
constexpr std::uint32_t uuid = 1, process = 3, thread = 4, parent = 5;
}
namespace process {
constexpr std::uint32_t pid = 1, command = 2, name = 6;
}
namespace thread {
constexpr std::uint32_t pid = 1, tid = 2, name = 5;
}
namespace event {
constexpr std::uint32_t category_iid = 3, annotation = 4, type = 9, name_iid = 10, track = 11;
}
namespace annotation {
constexpr std::uint32_t name_iid = 1, text = 6;
}
namespace interned {
constexpr std::uint32_t category = 1, event_name = 2, annotation_name = 3, iid = 1, name = 2;
}

enum Type : std::uint8_t { slice_begin = 1, slice_end = 2, instant = 3 };
constexpr std::uint64_t state_cleared = 1;
constexpr std::uint64_t needs_state = 2;
constexpr std::uint64_t sequence_id = 1;

class Perfetto final : public Format {
 public:
  explicit Perfetto(TextOutput output) : output_(std::move(output)) {
    Message first;
    first.number(packet::sequence, sequence_id).number(packet::flags, state_cleared);
    put(first);
  }

  void on_task(const TimelineTask& task) override { describe(task); }
  void on_command(const TimelineTask& task) override { describe(task); }

  void on_exit(const TimelineTask& task, std::uint64_t time_ns, std::int32_t /*wait_status*/) override {
    mark(task, time_ns, "exit", "process", {});
  }

  void on_call(const Call& call) override {
    Message interned;
    Message begin;
    begin.number(event::type, slice_begin)
        .number(event::track, call.task.id)
        .number(event::name_iid, names_.id_of(call.name, interned, interned::event_name))
        .number(event::category_iid, categories_.id_of(call.subsystem, interned, interned::category));
    annotate(begin, "arguments", text_.arguments(call.event), interned);
    annotate(begin, "result", text_.result(call.event), interned);
    put_event(call.begin_ns, begin, interned);
    Message end;
    end.number(event::type, slice_end).number(event::track, call.task.id);
    put_event(call.end_ns, end, Message());
  }

  void on_signal(const TimelineTask& task, const Event& event) override {
    mark(task, event.leave_ns, signal_name(event.nr), "signal", signal_details(event));
  }

  void finish() override { output_.flush(); }
  [[nodiscard]] bool is_wanted() const override { return output_.is_wanted(); }

 private:
  // Strings by number. A new one is added to `into`, which goes out with the packet that first uses it.
  class Strings {
   public:
    std::uint64_t id_of(std::string_view text, Message& into, std::uint32_t field) {
      const auto [found, is_new] = ids_.emplace(text, ids_.size() + 1);
      if (is_new) {
        Message entry;
        entry.number(interned::iid, found->second).text(interned::name, text);
        into.message(field, entry);
      }
      return found->second;
    }

   private:
    std::unordered_map<std::string, std::uint64_t> ids_;
  };

  void annotate(Message& to, std::string_view name, std::string_view text, Message& interned) {
    Message note;
    note.number(annotation::name_iid, annotations_.id_of(name, interned, interned::annotation_name))
        .text(annotation::text, text);
    to.message(event::annotation, note);
  }

  void mark(const TimelineTask& task, std::uint64_t time_ns, std::string_view name, std::string_view category,
            const std::string& details) {
    Message interned;
    Message mark;
    mark.number(event::type, instant)
        .number(event::track, task.id)
        .number(event::name_iid, names_.id_of(name, interned, interned::event_name))
        .number(event::category_iid, categories_.id_of(category, interned, interned::category));
    if (!details.empty()) annotate(mark, "details", details, interned);
    put_event(time_ns, mark, interned);
  }

  // A track for the task, and one for its process, under which viewers put it. Said again, it replaces the
  // name.
  void describe(const TimelineTask& task) {
    const auto pid = static_cast<std::uint64_t>(task.pid.value());
    const std::uint64_t process_track = process_tracks + task.process;
    Message of_process;
    of_process.number(process::pid, pid)
        .text(process::command, task.command)
        .text(process::name, task.program);
    put_track(process_track, 0, descriptor::process, of_process);
    Message of_thread;
    of_thread.number(thread::pid, pid)
        .number(thread::tid, static_cast<std::uint64_t>(task.tid.value()))
        .text(thread::name, task.program);
    put_track(task.id, process_track, descriptor::thread, of_thread);
  }

  void put_track(std::uint64_t uuid, std::uint64_t parent, std::uint32_t field, const Message& of) {
    Message track;
    track.number(descriptor::uuid, uuid).message(field, of);
    if (parent != 0) track.number(descriptor::parent, parent);
    Message packet;
    packet.number(packet::sequence, sequence_id).message(packet::track, track);
    put(packet);
  }

  void put_event(std::uint64_t time_ns, const Message& event, const Message& interned) {
    Message packet;
    packet.number(packet::timestamp, time_ns)
        .number(packet::sequence, sequence_id)
        .number(packet::flags, needs_state);
    if (!interned.bytes().empty()) packet.message(packet::interned, interned);
    packet.message(packet::track_event, event);
    put(packet);
  }

  void put(const Message& packet) {
    Message trace;
    trace.message(1, packet);
    output_.put(trace.bytes());
  }

  static constexpr std::uint64_t process_tracks = std::uint64_t{1} << 32;

  TextOutput output_;
  CallText text_;
  Strings names_;
  Strings categories_;
  Strings annotations_;
};

}  // namespace

std::unique_ptr<Format> perfetto_format(TextOutput output) {
  return std::make_unique<Perfetto>(std::move(output));
}

}  // namespace rec::exports
