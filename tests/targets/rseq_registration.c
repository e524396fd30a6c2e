// The C library's registration of restartable sequences, and one asked for by hand, with what the kernel
// answers.
#include <linux/rseq.h>
#include <sys/rseq.h>

#include "target.h"

int main(void) {
  static struct rseq area __attribute__((aligned(32)));
  long result = syscall(SYS_rseq, &area, sizeof area, 0, 0x53053053);
  say("by hand: %s", outcome(result));
  const struct rseq* own = (const struct rseq*)((const char*)__builtin_thread_pointer() + __rseq_offset);
  say("library: size %u, processor %d", __rseq_size, __rseq_size ? (int)own->cpu_id : -1);
  return 0;
}
