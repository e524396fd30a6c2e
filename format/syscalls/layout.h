// The structures with pointers in them that plan() and settle() walk, as the kernel lays them out on x86-64;
// defined here because the kernel's headers for some of them collide with libc's. Their fields are addresses
// in the tracee.
#pragma once

#include <cstdint>

#include "format/syscalls/spec.h"

namespace rec::syscalls {

namespace layout {

struct Iovec {  // linux/uio.h
  std::uint64_t base;
  std::uint64_t len;
};

struct Msghdr {  // struct user_msghdr, linux/socket.h
  std::uint64_t name;
  std::int32_t namelen;
  std::uint32_t padding;
  std::uint64_t iov;
  std::uint64_t iovlen;
  std::uint64_t control;
  std::uint64_t controllen;
  std::uint32_t flags;
  std::uint32_t padding2;
};

struct Mmsghdr {
  Msghdr header;
  std::uint32_t len;  // bytes sent or received
  std::uint32_t padding;
};

struct CloneArgs {  // linux/sched.h
  std::uint64_t flags;
  std::uint64_t pidfd;
  std::uint64_t child_tid;
  std::uint64_t parent_tid;
  std::uint64_t exit_signal;
  std::uint64_t stack;
  std::uint64_t stack_size;
  std::uint64_t tls;
  std::uint64_t set_tid;
  std::uint64_t set_tid_size;
  std::uint64_t cgroup;
};

struct SigmaskPack {  // fs/select.c, struct sigset_argpack
  std::uint64_t mask;
  std::uint64_t size;
};

struct SockFprog {  // linux/filter.h
  std::uint16_t len;
  std::uint16_t padding[3];
  std::uint64_t filter;
};

struct Ifconf {  // linux/if.h
  std::int32_t len;
  std::uint32_t padding;
  std::uint64_t buf;
};

struct XattrArgs {  // linux/xattr.h
  std::uint64_t value;
  std::uint32_t size;
  std::uint32_t flags;
};

struct Iocb {  // linux/aio_abi.h
  std::uint64_t data;
  std::uint32_t key;  // written by the kernel
  std::int32_t rw_flags;
  std::uint16_t opcode;
  std::int16_t reqprio;
  std::int32_t fildes;
  std::uint64_t buf;     // memory, or iovecs, or of a poll the events
  std::uint64_t nbytes;  // … or how many iovecs
  std::int64_t offset;
  std::uint64_t reserved2;
  std::uint32_t flags;
  std::int32_t resfd;
};
enum IocbCommand : std::uint16_t {
  iocb_pread = 0,
  iocb_pwrite = 1,
  iocb_poll = 5,
  iocb_preadv = 7,
  iocb_pwritev = 8,
};

struct IoEvent {  // linux/aio_abi.h
  std::uint64_t data;
  std::uint64_t obj;  // the iocb
  std::int64_t res;
  std::int64_t res2;
};

static_assert(sizeof(Iocb) == shape_size(Shape::iocb));
static_assert(sizeof(IoEvent) == shape_size(Shape::io_event));
static_assert(sizeof(Iovec) == shape_size(Shape::iovec));
static_assert(sizeof(Msghdr) == shape_size(Shape::msghdr));
static_assert(sizeof(Mmsghdr) == shape_size(Shape::mmsghdr));
static_assert(sizeof(SigmaskPack) == shape_size(Shape::sigmask_pack));
static_assert(sizeof(SockFprog) == shape_size(Shape::sock_fprog));
static_assert(sizeof(Ifconf) == shape_size(Shape::ifconf));
static_assert(sizeof(XattrArgs) == shape_size(Shape::xattr_args));

}  // namespace layout
}  // namespace rec::syscalls
