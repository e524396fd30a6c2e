// The sizes in shapes.def against the headers of libc and the kernel.
#include <doctest/doctest.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/openat2.h>
#include <mqueue.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/utsname.h>
#include <time.h>
#include <utime.h>

#include "format/syscalls/spec.h"

using rec::syscalls::Shape;
using rec::syscalls::shape_size;

TEST_CASE("structures of files have the size of the headers") {
  CHECK(shape_size(Shape::stat) == sizeof(struct stat));
  CHECK(shape_size(Shape::statx) == sizeof(struct statx));
  CHECK(shape_size(Shape::statfs) == sizeof(struct statfs));
  CHECK(shape_size(Shape::utimbuf) == sizeof(struct utimbuf));
  CHECK(shape_size(Shape::iovec) == sizeof(struct iovec));
  CHECK(shape_size(Shape::pollfd) == sizeof(struct pollfd));
  CHECK(shape_size(Shape::epoll_event) == sizeof(struct epoll_event));
  CHECK(shape_size(Shape::flock) == sizeof(struct flock));
  CHECK(shape_size(Shape::f_owner_ex) == sizeof(struct f_owner_ex));
  CHECK(shape_size(Shape::open_how) == sizeof(struct open_how));
}

TEST_CASE("structures of time, signals and processes have the size of the headers") {
  CHECK(shape_size(Shape::timespec) == sizeof(struct timespec));
  CHECK(shape_size(Shape::timeval) == sizeof(struct timeval));
  CHECK(shape_size(Shape::timezone) == sizeof(struct timezone));
  CHECK(shape_size(Shape::itimerval) == sizeof(struct itimerval));
  CHECK(shape_size(Shape::itimerspec) == sizeof(struct itimerspec));
  CHECK(shape_size(Shape::timex) == sizeof(struct timex));
  CHECK(shape_size(Shape::tms) == sizeof(struct tms));
  CHECK(shape_size(Shape::siginfo) == sizeof(siginfo_t));
  CHECK(shape_size(Shape::stack_t) == sizeof(stack_t));
  CHECK(shape_size(Shape::sigevent) == sizeof(struct sigevent));
  CHECK(shape_size(Shape::rusage) == sizeof(struct rusage));
  CHECK(shape_size(Shape::rlimit) == sizeof(struct rlimit));
  CHECK(shape_size(Shape::utsname) == sizeof(struct utsname));
  CHECK(shape_size(Shape::sysinfo) == sizeof(struct sysinfo));
  CHECK(shape_size(Shape::user_regs) == sizeof(struct user_regs_struct));
  CHECK(shape_size(Shape::user_fpregs) == sizeof(struct user_fpregs_struct));
  CHECK(shape_size(Shape::cap_header) == sizeof(struct __user_cap_header_struct));
  CHECK(shape_size(Shape::cap_data) == sizeof(struct __user_cap_data_struct));
  CHECK(shape_size(Shape::futex_waitv) == sizeof(struct futex_waitv));
}

TEST_CASE("structures of sockets, IPC and terminals have the size of the headers") {
  CHECK(shape_size(Shape::msghdr) == sizeof(struct msghdr));
  CHECK(shape_size(Shape::mmsghdr) == sizeof(struct mmsghdr));
  CHECK(shape_size(Shape::linger) == sizeof(struct linger));
  CHECK(shape_size(Shape::ucred) == sizeof(struct ucred));
  CHECK(shape_size(Shape::ifreq) == sizeof(struct ifreq));
  CHECK(shape_size(Shape::ifconf) == sizeof(struct ifconf));
  CHECK(shape_size(Shape::arpreq) == sizeof(struct arpreq));
  CHECK(shape_size(Shape::rtentry) == sizeof(struct rtentry));
  CHECK(shape_size(Shape::sock_fprog) == sizeof(struct sock_fprog));
  CHECK(shape_size(Shape::sock_filter) == sizeof(struct sock_filter));
  CHECK(shape_size(Shape::sembuf) == sizeof(struct sembuf));
  CHECK(shape_size(Shape::semid_ds) == sizeof(struct semid_ds));
  CHECK(shape_size(Shape::seminfo) == sizeof(struct seminfo));
  CHECK(shape_size(Shape::shmid_ds) == sizeof(struct shmid_ds));
  CHECK(shape_size(Shape::shminfo) == sizeof(struct shminfo));
  CHECK(shape_size(Shape::shm_info) == sizeof(struct shm_info));
  CHECK(shape_size(Shape::msqid_ds) == sizeof(struct msqid_ds));
  CHECK(shape_size(Shape::msginfo) == sizeof(struct msginfo));
  CHECK(shape_size(Shape::mq_attr) == sizeof(struct mq_attr));
  CHECK(shape_size(Shape::winsize) == sizeof(struct winsize));
}
