// System V and POSIX IPC, terminals.
#include <asm/termbits.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include <array>
#include <span>
#include <string_view>

#include "tools/dump/quote.h"
#include "tools/dump/shape_list.h"

namespace rec::dump {
namespace {

using syscalls::FlagSet;

void put_permissions(Text& out, const ::ipc_perm& permissions) {
  Braces fields(out);
  put_decimal(fields.field("uid"), permissions.uid);
  put_decimal(fields.field("gid"), permissions.gid);
  put_octal(fields.field("mode"), permissions.mode);
  put_decimal(fields.field("key"), permissions.__key);
  put_decimal(fields.field("cuid"), permissions.cuid);
  put_decimal(fields.field("cgid"), permissions.cgid);
}

void put_line_discipline(Text& out, std::uint8_t line) {
  constexpr std::string_view names[] = {"N_TTY", "N_SLIP", "N_MOUSE", "N_PPP"};  // asm-generic/termbits.h
  put_named(out, line < std::size(names) ? names[line] : "", [&] { put_hex(out, line); });
}

void put_control_characters(Text& out, std::span<const cc_t> characters) {
  constexpr std::string_view names[] = {"VINTR",    "VQUIT",    "VERASE",  "VKILL",  "VEOF",  "VTIME",
                                        "VMIN",     "VSWTC",    "VSTART",  "VSTOP",  "VSUSP", "VEOL",
                                        "VREPRINT", "VDISCARD", "VWERASE", "VLNEXT", "VEOL2"};
  Braces list(out, '[', ']');
  for (std::size_t i = 0; i < characters.size(); ++i) {
    put(list.next(), '[');
    if (i < std::size(names)) {
      put(out, names[i]);
    } else {
      put_decimal(out, i);
    }
    put(out, "]=");
    put_hex(out, characters[i]);
  }
}

}  // namespace

bool print_sembuf(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto operation = load<::sembuf>(scope, at);
  if (!operation) return false;
  Braces fields(scope.out);
  put_decimal(fields.field("sem_num"), operation->sem_num);
  put_decimal(fields.field("sem_op"), operation->sem_op);
  put_flags(fields.field("sem_flg"), FlagSet::semop_flags, static_cast<std::uint16_t>(operation->sem_flg));
  return true;
}

bool print_semid_ds(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto set = load<::semid_ds>(scope, at);
  if (!set) return false;
  Braces fields(scope.out);
  put_permissions(fields.field("sem_perm"), set->sem_perm);
  if (!scope.memory.is_output(at)) return true;  // IPC_SET takes no more
  put_decimal(fields.field("sem_otime"), set->sem_otime);
  put_decimal(fields.field("sem_ctime"), set->sem_ctime);
  put_decimal(fields.field("sem_nsems"), set->sem_nsems);
  return true;
}

bool print_shmid_ds(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto segment = load<::shmid_ds>(scope, at);
  if (!segment) return false;
  Braces fields(scope.out);
  put_permissions(fields.field("shm_perm"), segment->shm_perm);
  if (!scope.memory.is_output(at)) return true;
  put_decimal(fields.field("shm_segsz"), segment->shm_segsz);
  put_decimal(fields.field("shm_cpid"), segment->shm_cpid);
  put_decimal(fields.field("shm_lpid"), segment->shm_lpid);
  put_decimal(fields.field("shm_nattch"), segment->shm_nattch);
  put_decimal(fields.field("shm_atime"), segment->shm_atime);
  put_decimal(fields.field("shm_dtime"), segment->shm_dtime);
  put_decimal(fields.field("shm_ctime"), segment->shm_ctime);
  return true;
}

bool print_msqid_ds(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto queue = load<::msqid_ds>(scope, at);
  if (!queue) return false;
  Braces fields(scope.out);
  put_permissions(fields.field("msg_perm"), queue->msg_perm);
  if (!scope.memory.is_output(at)) return true;
  put_decimal(fields.field("msg_stime"), queue->msg_stime);
  put_decimal(fields.field("msg_rtime"), queue->msg_rtime);
  put_decimal(fields.field("msg_ctime"), queue->msg_ctime);
  put_decimal(fields.field("msg_qnum"), queue->msg_qnum);
  put_decimal(fields.field("msg_qbytes"), queue->msg_qbytes);
  put_decimal(fields.field("msg_lspid"), queue->msg_lspid);
  put_decimal(fields.field("msg_lrpid"), queue->msg_lrpid);
  return true;
}

// A message: its type, then the text.
bool print_msgbuf(const Scope& scope, RemotePtr<> at, std::uint64_t size) {
  const auto type = load<std::int64_t>(scope, at);
  if (!type || size < sizeof *type) return false;
  Braces fields(scope.out);
  put_decimal(fields.field("mtype"), *type);
  fields.field("mtext");
  put_bytes_or_pointer(scope, at.address() + sizeof *type, size - sizeof *type);
  return true;
}

bool print_mq_attr(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto attributes = load<std::array<std::int64_t, 4>>(scope, at);
  if (!attributes) return false;
  Braces fields(scope.out);
  put_flags(fields.field("mq_flags"), FlagSet::descriptor_flags,
            static_cast<std::uint64_t>((*attributes)[0]));
  put_decimal(fields.field("mq_maxmsg"), (*attributes)[1]);
  put_decimal(fields.field("mq_msgsize"), (*attributes)[2]);
  put_decimal(fields.field("mq_curmsgs"), (*attributes)[3]);
  return true;
}

// termios2 begins as termios does.
bool print_termios(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto settings = load<::termios>(scope, at);
  if (!settings) return false;
  Braces fields(scope.out);
  put_flags(fields.field("c_iflag"), FlagSet::termios_iflags, settings->c_iflag);
  put_flags(fields.field("c_oflag"), FlagSet::termios_oflags, settings->c_oflag);
  put_flags(fields.field("c_cflag"), FlagSet::termios_cflags, settings->c_cflag);
  put_flags(fields.field("c_lflag"), FlagSet::termios_lflags, settings->c_lflag);
  if (scope.out.abbreviates) {
    fields.more();
    return true;
  }
  put_line_discipline(fields.field("c_line"), settings->c_line);
  put_control_characters(fields.field("c_cc"), settings->c_cc);
  return true;
}

bool print_winsize(const Scope& scope, RemotePtr<> at, std::uint64_t /*size*/) {
  const auto size = load<std::array<std::uint16_t, 4>>(scope, at);
  if (!size) return false;
  put_format(scope.out, "{{ws_row={}, ws_col={}, ws_xpixel={}, ws_ypixel={}}}", (*size)[0], (*size)[1],
             (*size)[2], (*size)[3]);
  return true;
}

}  // namespace rec::dump
