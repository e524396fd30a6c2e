#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <set>
#include <string>

#include "format/syscalls/flags.h"

namespace rec::syscalls {
namespace {

TEST_CASE("flags are joined in the order of their set") {
  CHECK(decode(FlagSet::open_flags, O_RDWR | O_CREAT | O_CLOEXEC) == "O_RDWR|O_CREAT|O_CLOEXEC");
  CHECK(decode(FlagSet::mmap_flags, MAP_PRIVATE | MAP_ANONYMOUS) == "MAP_PRIVATE|MAP_ANONYMOUS");
}

TEST_CASE("an alternative of a field that is zero has its name") {
  CHECK(decode(FlagSet::open_flags, O_CLOEXEC) == "O_RDONLY|O_CLOEXEC");
  CHECK(decode(FlagSet::open_flags, 0) == "O_RDONLY");
}

TEST_CASE("the name for no bit at all stands alone") {
  CHECK(decode(FlagSet::mmap_prot, 0) == "PROT_NONE");
  CHECK(decode(FlagSet::mmap_prot, PROT_READ) == "PROT_READ");
  CHECK(decode(FlagSet::msg_flags, 0) == "0");
}

TEST_CASE("a flag made of several bits is named before its parts") {
  CHECK(decode(FlagSet::open_flags, O_SYNC) == "O_RDONLY|O_SYNC");
  CHECK(decode(FlagSet::open_flags, O_DSYNC) == "O_RDONLY|O_DSYNC");
  CHECK(decode(FlagSet::open_flags, O_DIRECTORY) == "O_RDONLY|O_DIRECTORY");
  CHECK(decode(FlagSet::open_flags, __O_TMPFILE | O_DIRECTORY) == "O_RDONLY|O_TMPFILE");
}

TEST_CASE("bits without a name are what is left, in hexadecimal") {
  CHECK(decode(FlagSet::mmap_prot, 0x80000001) == "PROT_READ|0x80000000");
  CHECK(decode(FlagSet::mmap_prot, 0x10000000) == "0x10000000 /* PROT_??? */");
}

TEST_CASE("a value that is none of the alternatives is a number and says what it is not") {
  CHECK(decode(FlagSet::seek_whence, 9) == "0x9 /* SEEK_??? */");
  CHECK(decode(FlagSet::socket_options, 0) == "0 /* SO_??? */");
}

TEST_CASE("negative alternatives are found in 64 and in 32 bits") {
  CHECK(decode(FlagSet::key_serials, ~std::uint64_t{2}) == "KEY_SPEC_SESSION_KEYRING");
  CHECK(decode(FlagSet::key_serials, 0xfffffffd) == "KEY_SPEC_SESSION_KEYRING");
}

TEST_CASE("futex operations are named with their modifiers") {
  CHECK(decode(FlagSet::futex_operations, 0x80) == "FUTEX_WAIT_PRIVATE");
  CHECK(decode(FlagSet::futex_operations, 0x189) == "FUTEX_WAIT_BITSET_PRIVATE|FUTEX_CLOCK_REALTIME");
}

TEST_CASE("every set has values, but for those whose numbers have no names") {
  const std::set<std::string> nameless = {"none", "sysfs_options", "modify_ldt_functions"};
  const auto check = [&](FlagSet set, const std::string& name) {
    CAPTURE(name);
    CHECK(values_of(set).values.empty() == nameless.contains(name));
  };
#define FLAG_SET(name) check(FlagSet::name, #name);
#include "format/syscalls/flag_sets.def"
#undef FLAG_SET
}

TEST_CASE("no name occurs twice in a set, and no bit is hidden by one that comes before") {
  const auto check = [](FlagSet id, const std::string& set_name) {
    std::set<std::string_view> names;
    for (const FlagValue& flag : values_of(id).values) {
      CAPTURE(set_name);
      const std::string flag_name(flag.name);
      CAPTURE(flag_name);
      CHECK(names.insert(flag.name).second);
      if (values_of(id).kind == FlagKind::bits) {
        CHECK((flag.value & ~flag.mask) == 0);
        if (flag.value != 0) CHECK(decode(id, flag.value).find(flag.name) != std::string::npos);
      } else {
        CHECK(decode(id, flag.value) == flag.name);
      }
    }
  };
#define FLAG_SET(name) check(FlagSet::name, #name);
#include "format/syscalls/flag_sets.def"
#undef FLAG_SET
}

TEST_CASE("values are those of the system's headers") {
#define SAME(set, name) CHECK(decode(FlagSet::set, name) == #name)
  SAME(poll_events, POLLRDHUP);
  SAME(epoll_events, EPOLLONESHOT);
  SAME(epoll_operations, EPOLL_CTL_MOD);
  SAME(fcntl_commands, F_OFD_SETLKW);
  SAME(fcntl_commands, F_DUPFD_CLOEXEC);
  SAME(ioctl_requests, TIOCGWINSZ);
  SAME(ioctl_requests, FIONREAD);
  SAME(ioctl_requests, TCGETS);
  SAME(ioctl_requests, TIOCSPTLCK);
  SAME(rlimit_resources, RLIMIT_NOFILE);
  SAME(wait_options, WCONTINUED);
  SAME(clone_flags, CLONE_CHILD_CLEARTID);
  SAME(prctl_options, PR_SET_NO_NEW_PRIVS);
  SAME(sigaction_flags, SA_ONSTACK);
  SAME(socket_options, SO_REUSEPORT);
  SAME(msg_flags, MSG_CMSG_CLOEXEC);
  SAME(madvise_advice, MADV_DONTNEED);
  SAME(address_families, AF_NETLINK);
  SAME(signals, SIGSTKFLT);
#undef SAME
}

}  // namespace
}  // namespace rec::syscalls
