// What the target programs share. A target exits with 99 when it cannot set up what it wants to show.
#pragma once

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

// Prints a line with one write(2), so that forked children inherit no buffered text. Without floating point
// in the format it is usable in signal handlers.
__attribute__((format(printf, 1, 2))) static inline void say(const char* format, ...) {
  char line[1024];
  va_list list;
  va_start(list, format);
  int length = vsnprintf(line, sizeof line - 1, format, list);
  va_end(list);
  if (length > (int)sizeof line - 2) length = sizeof line - 2;
  line[length++] = '\n';
  if (write(1, line, (size_t)length) != length) _exit(99);
}

static inline long must(long result, const char* what, int line) {
  if (result != -1) return result;
  char text[256];
  int length = snprintf(text, sizeof text, "line %d: %s: %s\n", line, what, strerror(errno));
  if (write(2, text, (size_t)length) != length) _exit(98);
  _exit(99);
}

// The value of a call that answers -1 on failure; a failure ends the target.
#define MUST(call) must((long)(call), #call, __LINE__)
// The same for calls that answer an error number (pthread_*).
#define ZERO(call) must((errno = (call)) == 0 ? 0 : -1, #call, __LINE__)
// A condition that holds however the kernel schedules.
#define EXPECT(condition) must((errno = 0, (condition)) ? 0 : -1, "expected: " #condition, __LINE__)

// A call's value or, when it is -1, its error, for printing. To be used once in a statement.
static inline const char* outcome(long result) {
  static __thread char text[96];
  if (result == -1)
    snprintf(text, sizeof text, "-1 (%s)", strerror(errno));
  else
    snprintf(text, sizeof text, "%ld", result);
  return text;
}

// Waits for one child and prints how it ended.
static inline int reap(pid_t child) {
  int status = 0;
  MUST(waitpid(child, &status, 0));
  if (WIFEXITED(status)) say("child %d exited with %d", child, WEXITSTATUS(status));
  if (WIFSIGNALED(status)) say("child %d was killed by signal %d", child, WTERMSIG(status));
  return status;
}

// Makes an empty directory in $TMPDIR, goes there and prints its name; leave_scratch removes it when it is
// empty again.
static char scratch_path[512];

static inline void enter_scratch(void) {
  const char* base = getenv("TMPDIR");
  snprintf(scratch_path, sizeof scratch_path, "%s/target-XXXXXX", base ? base : "/tmp");
  if (!mkdtemp(scratch_path)) MUST(-1);
  MUST(chdir(scratch_path));
  say("in %s", scratch_path);
}

static inline void leave_scratch(void) {
  MUST(chdir("/"));
  MUST(rmdir(scratch_path));
}

// Milliseconds as a timespec.
#define MS(n) \
  (struct timespec) { (n) / 1000, (n) % 1000 * 1000000L }
