// Structures of asynchronous I/O, as strace prints them.
#include "format/syscalls/layout.h"
#include "tools/dump/shape_list.h"

namespace rec::dump {
namespace {

using syscalls::FlagSet;
using syscalls::Shape;
using syscalls::layout::Iocb;

constexpr std::uint32_t tells_descriptor = 1;  // IOCB_FLAG_RESFD, linux/aio_abi.h

void put_command(Text& out, std::uint16_t command) {
  if (!syscalls::name_of(FlagSet::aio_commands, command).empty())
    return put_flags(out, FlagSet::aio_commands, command);
  put_format(out, "{} /* IOCB_CMD_??? */", command);
}

void put_header(const Scope& scope, Braces& fields, const Iocb& iocb) {
  put_hex(fields.field("aio_data"), iocb.data);
  if (iocb.key != 0) put_decimal(fields.field("aio_key"), iocb.key);
  if (iocb.rw_flags != 0)
    put_flags(fields.field("aio_rw_flags"), FlagSet::rwf_flags, static_cast<std::uint32_t>(iocb.rw_flags));
  put_command(fields.field("aio_lio_opcode"), iocb.opcode);
  if (iocb.reqprio != 0) put_decimal(fields.field("aio_reqprio"), iocb.reqprio);
  fields.field("aio_fildes");
  put_descriptor(scope.out, iocb.fildes);
}

void put_tail(const Scope& scope, Braces& fields, const Iocb& iocb) {
  if (iocb.flags != 0) put_flags(fields.field("aio_flags"), FlagSet::aio_flags, iocb.flags);
  if ((iocb.flags & tells_descriptor) != 0) {
    fields.field("aio_resfd");
    put_descriptor(scope.out, iocb.resfd);
  } else if (iocb.resfd != 0) {
    put_hex(fields.field("aio_resfd"), static_cast<std::uint32_t>(iocb.resfd));
  }
}

void put_vectors(const Scope& scope, Braces& fields, const Iocb& iocb) {
  const bool writes = iocb.opcode == syscalls::layout::iocb_pwritev;
  fields.field("aio_buf");
  const Shape shape = writes ? Shape::iovec : Shape::remote_iovec;
  if (!put_array(scope, shape, RemotePtr<>(iocb.buf), iocb.nbytes, syscalls::shape_size(shape)))
    put_pointer(scope.out, iocb.buf);
}

void put_iocb(const Scope& scope, const Iocb& iocb) {
  Braces fields(scope.out);
  put_header(scope, fields, iocb);
  switch (iocb.opcode) {
    case syscalls::layout::iocb_pwrite:
      fields.field("aio_buf");
      put_bytes_or_pointer(scope, iocb.buf, iocb.nbytes);
      put_decimal(fields.field("aio_nbytes"), iocb.nbytes);
      break;
    case syscalls::layout::iocb_pread:
      put_hex(fields.field("aio_buf"), iocb.buf);
      put_decimal(fields.field("aio_nbytes"), iocb.nbytes);
      break;
    case syscalls::layout::iocb_preadv:
    case syscalls::layout::iocb_pwritev:
      put_vectors(scope, fields, iocb);
      break;
    case syscalls::layout::iocb_poll:
      put_flags(fields.field("aio_buf"), FlagSet::poll_events, iocb.buf);
      return put_tail(scope, fields, iocb);
    default:
      return;
  }
  put_decimal(fields.field("aio_offset"), iocb.offset);
  put_tail(scope, fields, iocb);
}

}  // namespace

// What io_cancel(2) is given: only what tells one from others.
bool print_iocb(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto iocb = load<Iocb>(scope, at);
  if (!iocb) return false;
  Braces fields(scope.out);
  put_header(scope, fields, *iocb);
  return true;
}

bool print_iocb_pointer(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto pointer = load<std::uint64_t>(scope, at);
  if (!pointer) return false;
  const auto iocb = load<Iocb>(scope, RemotePtr<>(*pointer));
  if (iocb) {
    put_iocb(scope, *iocb);
  } else {
    put_pointer(scope.out, *pointer);
  }
  return true;
}

bool print_io_event(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto event = load<syscalls::layout::IoEvent>(scope, at);
  if (!event) return false;
  Braces fields(scope.out);
  put_hex(fields.field("data"), event->data);
  put_hex(fields.field("obj"), event->obj);
  put_decimal(fields.field("res"), event->res);
  put_decimal(fields.field("res2"), event->res2);
  return true;
}

}  // namespace rec::dump
