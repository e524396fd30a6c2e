// Memory of another process is written: of one that sleeps in a call, and of one that runs, by
// process_vm_writev and through /proc/PID/mem; and a process's own through /proc/self/mem.
#include <fcntl.h>
#include <sched.h>
#include <sys/uio.h>

#include "target.h"

static volatile int released;
static char cells[2][32] = {"first", "second"};
static const char constant[32] = "a constant";

static ssize_t write_there(pid_t child, void* where, const char* text, size_t size) {
  struct iovec local = {(void*)(uintptr_t)text, size}, remote = {where, size};
  return process_vm_writev(child, &local, 1, &remote, 1, 0);
}

static int memory_of(const char* name) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%s/mem", name);
  return open(path, O_RDWR | O_CLOEXEC);
}

static void run_child(int from, int to) {
  char byte = 0;
  MUST(write(to, &byte, 1));
  MUST(read(from, &byte, 1));
  say("two pieces: %s, %s", cells[0], cells[1]);
  MUST(write(to, &byte, 1));
  while (!released) sched_yield();
  say("released by %d", released);
  MUST(write(to, &byte, 1));
  MUST(read(from, &byte, 1));
  say("through the file: %s, %s", cells[0], cells[1]);
  _exit(6);
}

static void write_own_memory(void) {
  const int file = (int)MUST(memory_of("self"));
  MUST(lseek(file, (off_t)(uintptr_t)cells[1], SEEK_SET));
  say("own memory: %s", outcome(write(file, "mine", 5)));
  say("now %s", cells[1]);
  // An administrator may not want that (proc_mem.force_override).
  const ssize_t put = pwrite(file, "changed", 8, (off_t)(uintptr_t)constant);
  const char* volatile seen = constant;
  say("a constant: %s, %s", put == 8 ? "changed" : "refused", seen);
  close(file);
}

int main(void) {
  int to[2], from[2];
  char byte = 0;
  MUST(pipe(to));
  MUST(pipe(from));
  const pid_t child = (pid_t)MUST(fork());
  if (child == 0) run_child(to[0], from[1]);
  MUST(read(from[0], &byte, 1));
  struct iovec local[] = {{"from ", 5}, {"the parent", 11}};
  struct iovec remote[] = {{cells[0], 8}, {cells[1], 8}};
  say("two pieces: %s", outcome(process_vm_writev(child, local, 2, remote, 2, 0)));
  say("nowhere: %s", outcome(write_there(child, (void*)8, "x", 1)));
  MUST(write(to[1], &byte, 1));
  MUST(read(from[0], &byte, 1));
  const int number = 4711;
  say("released: %s",
      outcome(write_there(child, (void*)(uintptr_t)&released, (const char*)&number, sizeof number)));
  MUST(read(from[0], &byte, 1));
  char name[16];
  snprintf(name, sizeof name, "%d", child);
  const int file = (int)MUST(memory_of(name));
  say("by its file: %s", outcome(pwrite(file, "0123456789", 11, (off_t)(uintptr_t)cells[0])));
  MUST(lseek(file, (off_t)(uintptr_t)cells[1], SEEK_SET));
  say("by its position: %s", outcome(write(file, "abc", 4)));
  MUST(write(to[1], &byte, 1));
  reap(child);
  write_own_memory();
  return 0;
}
