// What the targets of asynchronous I/O share: the calls, as libc has none of them, and the iocbs.
#pragma once

#include <fcntl.h>
#include <linux/aio_abi.h>

#include "target.h"

static inline aio_context_t aio_setup(unsigned events) {
  aio_context_t context = 0;
  MUST(syscall(SYS_io_setup, events, &context));
  return context;
}

static inline void aio_destroy(aio_context_t context) { MUST(syscall(SYS_io_destroy, context)); }

static inline struct iocb aio_request(int command, int fd, void* buffer, size_t size, long long offset) {
  return (struct iocb){.aio_data = 0xdada,
                       .aio_key = 77,  // the kernel writes it
                       .aio_lio_opcode = (unsigned short)command,
                       .aio_fildes = (unsigned)fd,
                       .aio_buf = (uintptr_t)buffer,
                       .aio_nbytes = size,
                       .aio_offset = offset};
}

static inline long aio_submit(aio_context_t context, long count, struct iocb** requests) {
  return syscall(SYS_io_submit, context, count, requests);
}

// As libaio's io_getevents does: where the ring can be read without a call, it is.
static inline long aio_events(aio_context_t context, long least, long most, struct io_event* events) {
  struct ring {
    unsigned id, capacity, head, tail, magic;
  }* ring = (struct ring*)(uintptr_t)context;
  if (ring->magic == 0xa10a10a1 && ring->head != ring->tail) say("events in the ring");
  return syscall(SYS_io_getevents, context, least, most, events, NULL);
}

// Past the page cache, where the file system lets one.
static inline int aio_open_direct(const char* name) {
  const int fd = open(name, O_RDWR | O_DIRECT);
  return fd >= 0 ? fd : (int)MUST(open(name, O_RDWR));
}

// Waits for one completion.
static inline struct io_event aio_wait(aio_context_t context) {
  struct io_event event;
  memset(&event, 0, sizeof event);
  EXPECT(aio_events(context, 1, 1, &event) == 1);
  return event;
}

// One request to its end: what came of it.
static inline long long aio_do(aio_context_t context, struct iocb* request) {
  EXPECT(aio_submit(context, 1, &request) == 1);
  struct io_event event = aio_wait(context);
  EXPECT(event.obj == (uintptr_t)request && event.data == request->aio_data);
  return event.res;
}
