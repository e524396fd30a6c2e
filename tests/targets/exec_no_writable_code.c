// Executes itself where the kernel lets no memory be writable and executable at once (PR_SET_MDWE,
// Linux 6.3).
#include <sys/prctl.h>

#include "target.h"

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif

int main(int argc, char** argv) {
  if (argc == 1) {
    const long refused = prctl(PR_SET_MDWE, 1UL, 0UL, 0UL, 0UL);  // PR_MDWE_REFUSE_EXEC_GAIN
    say("refuses: %s", outcome(refused));
    char* again[] = {argv[0], "again", NULL};
    execv("/proc/self/exe", again);
    MUST(-1);
  }
  say("flags: %s", outcome(prctl(PR_GET_MDWE, 0UL, 0UL, 0UL, 0UL)));
  for (int i = 0; i < 100; ++i) MUST(getppid());
  say("made 100 calls");
  return 0;
}
