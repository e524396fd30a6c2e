// Asynchronous I/O (fs/aio.c). The kernel tells of completions in a ring, which is memory of the program, and
// fills buffers whenever a disk is done: neither is an event. Therefore
//
// - the ring is moved to where only rec looks. In its place the program gets a page that never changes,
//   without the magic number at which libraries recognise a ring that they can read, so that they call
//   io_getevents(2). The kernel knows a context by where its ring is (lookup_ioctx), so the calls are made
//   with another number than the program passes.
// - io_submit(2) returns when the reads that it submitted are there: they become outputs of that call. What a
//   disk is asked for comes by itself; where somebody has to provide it (a FUSE server, a socket's peer), it
//   becomes an output of the call that first finds it complete.
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <utility>

#include "format/base/error.h"
#include "format/syscalls/layout.h"
#include "recorder/special/special.h"
#include "tracee/agent_area.h"
#include "tracee/maps.h"
#include "tracee/remote_call.h"

namespace rec::special {
namespace {

using syscalls::layout::Iocb;
using syscalls::layout::IoEvent;

// struct aio_ring, fs/aio.c: the events follow.
struct RingHeader {
  std::uint32_t id;
  std::uint32_t capacity;
  std::uint32_t head;
  std::uint32_t tail;
  std::uint32_t magic;
  std::uint32_t compatible_features;
  std::uint32_t incompatible_features;
  std::uint32_t header_size;
};
static_assert(sizeof(RingHeader) == 32);

template <class T>
T must_read(const Task& task, std::uint64_t address) {
  const auto value = task.memory().read(RemotePtr<T>(address));
  if (!value) throw TaskGone{task.tid};  // rec's own memory is there as long as the task
  return *value;
}

AioContext* context_of(const Task& task) {
  auto& contexts = task.process->aio->contexts;
  const auto at = contexts.find(task.call.call.args[0]);
  return at == contexts.end() ? nullptr : &at->second;
}

// A place for the ring in rec's part of the address space; 0: wherever the kernel likes.
std::uint64_t reserve_place(const Task& task, RemoteCalls& calls, std::uint64_t size) {
  constexpr std::uint64_t flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  const auto reserve = [&](std::uint64_t start, std::uint64_t more) {
    return calls.call(SYS_mmap, {start, size, PROT_NONE, flags | more, ~std::uint64_t{0}, 0});
  };
  std::vector<MemoryRange>& places = task.process->aio->free_places;
  const auto fits = [&](const MemoryRange& place) { return place.end - place.start >= size; };
  for (auto at = std::find_if(places.begin(), places.end(), fits); at != places.end();
       at = std::find_if(places.begin(), places.end(), fits)) {
    const std::uint64_t start = at->start;
    places.erase(at);
    if (reserve(start, MAP_FIXED_NOREPLACE) == static_cast<std::int64_t>(start)) return start;
  }
  std::uint64_t& end = task.process->scratch_end;
  while (end + size <= agent::vdso_address) {
    const std::uint64_t start = std::exchange(end, end + size);
    if (reserve(start, MAP_FIXED_NOREPLACE) == static_cast<std::int64_t>(start)) return start;
  }
  return static_cast<std::uint64_t>(reserve(0, 0));
}

// Whether a request ends although nobody but a disk does anything.
bool ends_by_itself(const Task& task, AioRequest& request) {
  if (request.ends_by_itself) return *request.ends_by_itself;
  const std::string name = fmt::format("/proc/{}/fd/{}", task.tid, request.fd);
  struct stat file {};
  struct statfs system {};
  const bool is_known = ::stat(name.c_str(), &file) == 0 && ::statfs(name.c_str(), &system) == 0;
  const bool is_on_disk = S_ISREG(file.st_mode) || S_ISBLK(file.st_mode);
  request.ends_by_itself = is_known && is_on_disk && system.f_type != FUSE_SUPER_MAGIC;
  return *request.ends_by_itself;
}

std::vector<MemoryRange> buffers_of(const Task& task, const Iocb& iocb) {
  if (iocb.opcode == syscalls::layout::iocb_pread) return {{iocb.buf, iocb.buf + iocb.nbytes}};
  if (iocb.opcode != syscalls::layout::iocb_preadv) return {};
  constexpr std::uint64_t most_vectors = 1024;  // uio(7), UIO_MAXIOV; the kernel refuses more
  std::vector<syscalls::layout::Iovec> vectors(std::min(iocb.nbytes, most_vectors));
  if (!task.memory().read_exact(RemotePtr<>(iocb.buf), std::as_writable_bytes(std::span(vectors)))) return {};
  std::vector<MemoryRange> buffers;
  for (const auto& vector : vectors) buffers.push_back({vector.base, vector.base + vector.len});
  return buffers;
}

// The first `size` bytes of what was read are there.
void add_buffers(const Session& session, Task& task, const AioRequest& request, std::uint64_t size,
                 std::uint8_t argument) {
  if (session.is_over()) return;
  for (const MemoryRange& buffer : request.buffers) {
    const std::uint64_t filled = std::min(size, buffer.end - buffer.start);
    if (filled == 0) continue;
    size -= filled;
    const bool is_cut = session.options().without_content;
    const std::uint64_t keep = is_cut ? std::min(filled, session.options().snap_bulk) : filled;
    const RemotePtr<> start(buffer.start);
    const auto room = task.call.data.add(Data::Role::output, start, argument, keep, filled);
    task.call.data.shrink_last(task.memory().read_written(start, room));
  }
}

// A request that a task is about to submit: its call is made, but rec has not seen its end yet.
AioRequest* find_submitting(Session& session, const Task& task, std::uint64_t iocb) {
  for (const Tid tid : session.all_tids()) {
    Task* other = session.find(tid);
    if (other->process->aio != task.process->aio) continue;
    std::vector<AioRequest>& submitted = other->call.submitted;
    const auto at = std::find_if(submitted.begin(), submitted.end(), [&](const AioRequest& request) {
      return request.iocb == iocb && !request.is_complete;
    });
    if (at != submitted.end()) return &*at;
  }
  return nullptr;
}

// What the request read, and what it changed, belongs to the call that `task` is at the end of.
void end_request(Session& session, Task& task, const AioRequest& request, const IoEvent& event,
                 std::uint8_t argument, Extra* extra) {
  const auto moved = static_cast<std::uint64_t>(std::max<std::int64_t>(event.res, 0));
  if (!request.mapped_file.empty() && moved != 0) record_file_change(session, task, request, moved, extra);
  add_buffers(session, task, request, moved, argument);
}

// Looks at the completions since the last time.
void take_completions(Session& session, Task& task, AioContext& context, std::uint8_t argument,
                      Extra* extra) {
  const std::uint64_t ring = context.ring.start;
  const auto tail = must_read<std::uint32_t>(task, ring + offsetof(RingHeader, tail));
  for (; context.seen != tail; context.seen = (context.seen + 1) % context.capacity) {
    const std::uint64_t place = ring + sizeof(RingHeader) + std::uint64_t{context.seen} * sizeof(IoEvent);
    const auto event = must_read<IoEvent>(task, place);
    const auto request = std::find_if(context.under_way.begin(), context.under_way.end(),
                                      [&](const AioRequest& other) { return other.iocb == event.obj; });
    if (request != context.under_way.end()) {
      end_request(session, task, *request, event, argument, extra);
      context.under_way.erase(request);
    } else if (AioRequest* early = find_submitting(session, task, event.obj)) {
      end_request(session, task, *early, event, argument, extra);
      early->is_complete = true;
    }
  }
}

void finish_submit(Session& session, Task& task, AioContext& context, std::uint64_t submitted, Extra* extra) {
  PendingCall& pending = task.call;
  for (std::size_t i = 0; i < std::min<std::size_t>(submitted, pending.submitted.size()); ++i) {
    AioRequest& request = pending.submitted[i];
    if (request.is_complete || (request.buffers.empty() && request.mapped_file.empty())) continue;
    context.under_way.push_back(std::move(request));
  }
  pending.submitted.clear();
  constexpr useconds_t longest_pause_us = 500;
  for (useconds_t pause_us = 20;; pause_us = std::min(2 * pause_us, longest_pause_us)) {
    take_completions(session, task, context, 2, extra);
    const bool is_waiting = std::any_of(context.under_way.begin(), context.under_way.end(),
                                        [&](AioRequest& request) { return ends_by_itself(task, request); });
    if (!is_waiting) return;
    ::usleep(pause_us);
  }
}

// From here on the kernel knows the context by another number than the program.
void finish_setup(Task& task, Extra* extra) {
  const auto id = must_read<std::uint64_t>(task, task.call.call.args[1]);
  const std::vector<MapsEntry> maps = read_maps(task.tid);
  const auto ring = std::find_if(maps.begin(), maps.end(),
                                 [&](const MapsEntry& entry) { return entry.start.address() == id; });
  ENSURE(ring != maps.end(), "io_setup of task {} made no ring at {:#x}", task.tid, id);
  const std::uint64_t size = ring->size();
  auto header = must_read<RingHeader>(task, id);
  header.magic = 0;
  AioContext context{.shown_size = size, .capacity = header.capacity, .seen = header.tail, .under_way = {}};
  const Stopped stopped(task.tid);
  {
    RemoteCalls calls(stopped, agent_area::syscall_instruction);
    const std::uint64_t place = reserve_place(task, calls, size);
    calls.must("mremap of an AIO ring", SYS_mremap, {id, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, place});
    calls.must("mmap in place of an AIO ring", SYS_mmap,
               {id, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
                ~std::uint64_t{0}, 0});
    // A child has no contexts.
    calls.must("madvise of an AIO ring", SYS_madvise, {place, size, MADV_DONTFORK});
    context.ring = {place, place + size};
  }
  task.memory().write_value(RemotePtr<>(id), header);
  task.call.data.add_copy(Data::Role::output, RemotePtr<>(id), std::as_bytes(std::span(&header, 1)));
  Mapping shown;
  shown.start = RemotePtr<>(id);
  shown.end = RemotePtr<>(id + size);
  shown.protection = PROT_READ | PROT_WRITE;
  shown.flags = MAP_PRIVATE | MAP_ANONYMOUS;
  extra->mappings.push_back(std::move(shown));
  task.process->aio->contexts.insert_or_assign(id, std::move(context));
}

// The kernel has waited for what was under way, and taken its ring away.
void finish_destroy(Session& session, Task& task, AioContext& context) {
  for (const AioRequest& request : context.under_way)
    add_buffers(session, task, request, ~std::uint64_t{0}, 0);
  const std::uint64_t id = task.call.call.args[0];
  {
    const Stopped stopped(task.tid);
    RemoteCalls calls(stopped, agent_area::syscall_instruction);
    calls.must("munmap in place of an AIO ring", SYS_munmap, {id, context.shown_size});
  }
  task.process->aio->free_places.push_back(context.ring);
  task.process->aio->contexts.erase(id);
}

}  // namespace

void plan_submit(Session& session, Task& task) {
  PendingCall& pending = task.call;
  AioContext* context = context_of(task);
  if (context == nullptr) return;
  // The program may submit an iocb again of whose end it knows.
  Extra none;
  take_completions(session, task, *context, 2, &none);
  const RemoteMemory memory = task.memory();
  const auto& args = pending.call.args;
  // The kernel takes no more (fs/aio.c, io_submit).
  const std::uint64_t count = std::min<std::uint64_t>(args[1], context->capacity);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto pointer = memory.read(RemotePtr<std::uint64_t>(args[2] + i * sizeof(std::uint64_t)));
    const auto iocb = pointer ? memory.read(RemotePtr<Iocb>(*pointer)) : std::nullopt;
    if (!iocb) return;
    const bool writes =
        iocb->opcode == syscalls::layout::iocb_pwrite || iocb->opcode == syscalls::layout::iocb_pwritev;
    // What replay has to show has to be written by a call of its own.
    if (writes && session.echo().flags_for(*task.process, task.tid, iocb->fildes) != 0) {
      pending.answer = -EINVAL;
      return;
    }
    pending.submitted.push_back({.iocb = *pointer,
                                 .fd = iocb->fildes,
                                 .buffers = buffers_of(task, *iocb),
                                 .writes = writes,
                                 .offset = static_cast<std::uint64_t>(iocb->offset),
                                 .mapped_file = {}});
  }
}

std::optional<std::uint64_t> moved_aio_context(const Task& task) {
  const AioContext* context = context_of(task);
  return context != nullptr ? std::optional(context->ring.start) : std::nullopt;
}

void finish_aio(Session& session, Task& task, std::int64_t result, Extra* extra) {
  using syscalls::Special;
  const Special special = task.call.policy.special;
  if (special == Special::io_setup) return finish_setup(task, extra);
  AioContext* context = context_of(task);
  if (context == nullptr) return;
  if (special == Special::io_destroy) return finish_destroy(session, task, *context);
  if (special == Special::io_submit)
    return finish_submit(session, task, *context, static_cast<std::uint64_t>(result), extra);
  take_completions(session, task, *context, 3, extra);
}

}  // namespace rec::special
