#include <doctest/doctest.h>
#include <sys/mman.h>

#include <array>
#include <cerrno>
#include <set>
#include <string>

#include "format/syscalls/table.h"

using namespace rec::syscalls;

namespace {

Policy policy_of(std::string_view name, std::array<std::uint64_t, 6> args = {}) {
  return policy(*find(name), args);
}

bool follows(const Arg& arg, std::span<const Arg> args) {
  const bool by = arg.by == no_argument || arg.by < args.size();
  const bool condition = arg.condition_by == no_argument || arg.condition_by < args.size();
  return by && condition;
}

}  // namespace

TEST_CASE("the table has every number that Linux gave away on x86-64, in order") {
  std::int32_t previous = -1;
  for (const Syscall& call : all()) {
    CHECK(call.nr > previous);
    previous = call.nr;
    CHECK(find(call.nr) == &call);
    CHECK(find(call.name) == &call);
  }
  for (std::int32_t nr = 0; nr <= 336; ++nr) CHECK_MESSAGE(find(nr) != nullptr, nr);
  for (std::int32_t nr = 424; nr <= 471; ++nr) CHECK_MESSAGE(find(nr) != nullptr, nr);
  CHECK(all().size() == 385);
}

TEST_CASE("numbers between and beyond are not in the table") {
  for (const std::int64_t nr :
       {std::int64_t{-1}, std::int64_t{337}, std::int64_t{423}, std::int64_t{512}, std::int64_t{1} << 40}) {
    CHECK_MESSAGE(find(nr) == nullptr, nr);
  }
  CHECK(find("no_such_call") == nullptr);
}

TEST_CASE("known calls have their numbers") {
  CHECK(find("read")->nr == 0);
  CHECK(find("execve")->nr == 59);
  CHECK(find("openat")->nr == 257);
  CHECK(find("clone3")->nr == 435);
  CHECK(find("file_setattr")->nr == 469);
}

TEST_CASE("the arguments of a call have names, each once") {
  for (const Syscall& call : all()) {
    std::set<std::string_view> names;
    for (const Arg& arg : call.arguments()) {
      CHECK_MESSAGE(!arg.name.empty(), call.name);
      CHECK_MESSAGE(names.insert(arg.name).second, call.name, ": ", arg.name);
      CHECK_MESSAGE(follows(arg, call.arguments()), call.name, ": ", arg.name);
    }
  }
}

TEST_CASE("a flag argument says which flags, and memory says how much") {
  for (const Syscall& call : all()) {
    for (const Arg& arg : call.arguments()) {
      const bool named = arg.type == Type::flags || arg.type == Type::enumeration;
      if (named) CHECK_MESSAGE(arg.set != FlagSet::none, call.name, ": ", arg.name);
      CHECK_MESSAGE((arg.dir == Dir::value) == (arg.rule == SizeRule::none), call.name, ": ", arg.name);
    }
    if (call.returns == Returns::flag_word) CHECK_MESSAGE(call.returned != FlagSet::none, call.name);
  }
}

TEST_CASE("a denied call says why and with which error") {
  int denied = 0;
  for (const Syscall& call : all()) {
    if (call.replay != Replay::deny) continue;
    ++denied;
    CHECK_MESSAGE(!call.note.empty(), call.name);
    CHECK_MESSAGE(call.deny_errno > 0, call.name);
  }
  CHECK(denied > 10);
  CHECK(policy_of("rseq").deny_errno == ENOSYS);
  CHECK(policy_of("io_uring_setup").deny_errno == ENOSYS);
  CHECK(policy_of("userfaultfd").deny_errno == ENOSYS);
  CHECK(policy_of("perf_event_open").deny_errno == EACCES);
  CHECK(policy_of("read").replay == Replay::emulate);
  CHECK(policy_of("read").deny_errno == 0);
}

TEST_CASE("address-space calls are made again at replay, or looked after by hand") {
  for (const char* name : {"munmap", "mprotect", "pkey_mprotect"}) {
    CHECK_MESSAGE(find(name)->replay == Replay::execute, name);
  }
  for (const char* name : {"mmap", "mremap", "brk", "shmat", "execve", "clone", "clone3", "fork", "vfork",
                           "exit", "exit_group", "rt_sigreturn", "madvise"}) {
    CHECK_MESSAGE(find(name)->replay == Replay::special, name);
    CHECK_MESSAGE(find(name)->special != Special::none, name);
  }
}

TEST_CASE("calls that may sleep are marked, calls that may not are not") {
  for (const char* name :
       {"read", "write", "poll", "select", "accept4", "connect", "recvmsg", "wait4", "waitid", "pause",
        "nanosleep", "flock", "semop", "msgrcv", "epoll_pwait2", "futex_waitv", "open"}) {
    CHECK_MESSAGE(find(name)->blocks, name);
  }
  for (const char* name : {"getpid", "stat", "close", "brk", "lseek", "clock_gettime", "getrandom"}) {
    CHECK_MESSAGE(!find(name)->blocks, name);
  }
  CHECK(find("sched_yield")->yields);
}

TEST_CASE("the descriptor that data goes to is known") {
  CHECK(find("write")->written_fd == 0);
  CHECK(find("mq_timedsend")->written_fd == 0);
  CHECK(find("read")->written_fd == -1);
  CHECK(find("sendfile")->kernel_copy_out_fd == 0);
  CHECK(find("splice")->kernel_copy_out_fd == 2);
  CHECK(find("tee")->kernel_copy_out_fd == 1);
  CHECK(find("write")->kernel_copy_out_fd == -1);
}

TEST_CASE("calls that return a new descriptor change the descriptors") {
  for (const Syscall& call : all()) {
    if (call.returns == Returns::new_fd) CHECK_MESSAGE(call.changes_fds, call.name);
  }
  for (const char* name : {"close", "close_range", "pipe", "socketpair", "recvmsg", "execve"}) {
    CHECK_MESSAGE(find(name)->changes_fds, name);
  }
}

TEST_CASE("facts for coverage: subsystem, entry file, Kconfig") {
  CHECK(subsystem_name(find("wait4")->subsystem) == "Process Mgmt.");
  CHECK(find("wait4")->entry == "kernel/exit.c");
  CHECK(find("futex")->kconfig == "FUTEX");
  CHECK(find("read")->kconfig.empty());
  CHECK(subsystem_name(find("capget")->subsystem) == "Capability");
  CHECK(subsystem_name(find("bpf")->subsystem) == "BPF");
  int unimplemented = 0;
  for (const Syscall& call : all()) {
    if (call.subsystem == Subsystem::unimplemented) ++unimplemented;
    CHECK_MESSAGE((call.subsystem == Subsystem::unimplemented) == call.entry.empty(), call.name);
  }
  CHECK(unimplemented == 17);
}

TEST_CASE("classes are those of strace") {
  CHECK(has_class(find("openat")->classes, Class::file));
  CHECK(has_class(find("openat")->classes, Class::desc));
  CHECK_FALSE(has_class(find("openat")->classes, Class::network));
  CHECK(has_class(find("sendfile")->classes, Class::network));
  CHECK(find_class("net") == Class::network);
  CHECK(find_class("%stat") == Class::stat_like);
  CHECK(find_class("stat") == Class::stat);
  CHECK_FALSE(find_class("nothing").has_value());
  CHECK(has_class(find("statx")->classes, *find_class("%stat")));
  CHECK_FALSE(has_class(find("statx")->classes, *find_class("stat")));
}

TEST_CASE("what ordinary programs use is modelled") {
  // Multiplexers are modelled request by request; those of the table without any other word have to be few.
  for (const Syscall& call : all()) {
    if (!call.modelled) CHECK_MESSAGE(find_multiplexer(call.nr) != nullptr, call.name);
  }
}

TEST_CASE("the calls that rec has to know of go through the agent only where their arguments allow it") {
  const AgentWay& mmap = find("mmap")->agent_way;
  REQUIRE(mmap.possible);
  CHECK(mmap.conditions[0].argument == 2);
  CHECK((mmap.conditions[0].mask & PROT_EXEC) != 0);
  CHECK(mmap.conditions[1].argument == 3);
  CHECK((mmap.conditions[1].mask & MAP_FIXED) == 0);
  CHECK((mmap.conditions[1].mask & MAP_GROWSDOWN) != 0);
  CHECK((mmap.conditions[1].mask & MAP_SHARED) != 0);
  CHECK(mmap.conditions[1].value == MAP_PRIVATE);
  const AgentWay& madvise = find("madvise")->agent_way;
  CHECK(madvise.conditions[0].among);
  CHECK((madvise.conditions[0].mask >> MADV_DONTNEED & 1) == 1);
  CHECK((madvise.conditions[0].mask >> MADV_FREE & 1) == 0);  // what that does is chance
  CHECK_FALSE(find("execve")->agent_way.possible);
  CHECK(find("brk")->agent_way.conditions[0].argument == no_argument);
}
