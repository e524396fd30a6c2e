// The printers that shapes.cc has in its table, by the file they are in.
#pragma once

#include "tools/dump/shapes.h"

namespace rec::dump {

#define REC_SHAPE_PRINTER(name) bool print_##name(const Scope& scope, RemotePtr<> at, std::uint64_t size)

// shapes_files.cc
REC_SHAPE_PRINTER(stat);
REC_SHAPE_PRINTER(statx);
REC_SHAPE_PRINTER(statfs);
REC_SHAPE_PRINTER(pollfd);
REC_SHAPE_PRINTER(fd_set);
REC_SHAPE_PRINTER(epoll_event);
REC_SHAPE_PRINTER(dirent);
REC_SHAPE_PRINTER(dirent64);
REC_SHAPE_PRINTER(flock);
REC_SHAPE_PRINTER(f_owner_ex);
REC_SHAPE_PRINTER(open_how);
REC_SHAPE_PRINTER(iovec);
REC_SHAPE_PRINTER(remote_iovec);
// shapes_aio.cc
REC_SHAPE_PRINTER(iocb);
REC_SHAPE_PRINTER(iocb_pointer);
REC_SHAPE_PRINTER(io_event);
// shapes_time.cc
REC_SHAPE_PRINTER(timespec);
REC_SHAPE_PRINTER(timeval);
REC_SHAPE_PRINTER(timespec_pair);
REC_SHAPE_PRINTER(timeval_pair);
REC_SHAPE_PRINTER(timezone);
REC_SHAPE_PRINTER(itimerval);
REC_SHAPE_PRINTER(itimerspec);
REC_SHAPE_PRINTER(utimbuf);
REC_SHAPE_PRINTER(time_t);
REC_SHAPE_PRINTER(tms);
REC_SHAPE_PRINTER(timex);
// shapes_processes.cc
REC_SHAPE_PRINTER(wait_status);
REC_SHAPE_PRINTER(sigset);
REC_SHAPE_PRINTER(sigaction);
REC_SHAPE_PRINTER(siginfo);
REC_SHAPE_PRINTER(stack);
REC_SHAPE_PRINTER(sigevent);
REC_SHAPE_PRINTER(sigmask_pack);
REC_SHAPE_PRINTER(rusage);
REC_SHAPE_PRINTER(rlimit);
REC_SHAPE_PRINTER(utsname);
REC_SHAPE_PRINTER(sysinfo);
REC_SHAPE_PRINTER(clone_args);
REC_SHAPE_PRINTER(sched_attr);
REC_SHAPE_PRINTER(cpu_set);
REC_SHAPE_PRINTER(cap_header);
REC_SHAPE_PRINTER(cap_data);
REC_SHAPE_PRINTER(comm);
REC_SHAPE_PRINTER(futex_waitv);
REC_SHAPE_PRINTER(sock_fprog);
// shapes_sockets.cc
REC_SHAPE_PRINTER(sockaddr);
REC_SHAPE_PRINTER(msghdr);
REC_SHAPE_PRINTER(mmsghdr);
REC_SHAPE_PRINTER(control);
REC_SHAPE_PRINTER(linger);
REC_SHAPE_PRINTER(ucred);
REC_SHAPE_PRINTER(ifreq);
REC_SHAPE_PRINTER(ifconf);
// shapes_ipc.cc
REC_SHAPE_PRINTER(sembuf);
REC_SHAPE_PRINTER(semid_ds);
REC_SHAPE_PRINTER(shmid_ds);
REC_SHAPE_PRINTER(msqid_ds);
REC_SHAPE_PRINTER(msgbuf);
REC_SHAPE_PRINTER(mq_attr);
REC_SHAPE_PRINTER(termios);
REC_SHAPE_PRINTER(winsize);
// shapes_fields.cc
REC_SHAPE_PRINTER(fiemap);
REC_SHAPE_PRINTER(file_clone_range);
REC_SHAPE_PRINTER(fsxattr);
REC_SHAPE_PRINTER(fstrim_range);
REC_SHAPE_PRINTER(if_dqblk);
REC_SHAPE_PRINTER(if_dqinfo);
REC_SHAPE_PRINTER(ip_mreq);
REC_SHAPE_PRINTER(seminfo);
REC_SHAPE_PRINTER(shminfo);
REC_SHAPE_PRINTER(shm_info);
REC_SHAPE_PRINTER(msginfo);
REC_SHAPE_PRINTER(io_uring_params);
REC_SHAPE_PRINTER(landlock_ruleset_attr);
REC_SHAPE_PRINTER(landlock_path_beneath);
REC_SHAPE_PRINTER(landlock_net_port);
REC_SHAPE_PRINTER(loop_info64);
REC_SHAPE_PRINTER(rtc_time);
REC_SHAPE_PRINTER(seccomp_notif_sizes);
REC_SHAPE_PRINTER(cachestat_range);
REC_SHAPE_PRINTER(cachestat);
REC_SHAPE_PRINTER(keyctl_dh_params);
REC_SHAPE_PRINTER(bpf_attr);
// shapes_perf.cc
REC_SHAPE_PRINTER(perf_event_attr);
// shapes_fields.cc
REC_SHAPE_PRINTER(mount_attr);
REC_SHAPE_PRINTER(user_desc);
REC_SHAPE_PRINTER(file_handle);

#undef REC_SHAPE_PRINTER

}  // namespace rec::dump
