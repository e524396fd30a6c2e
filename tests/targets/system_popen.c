// system and popen run shells and hand back their statuses and output.
#include "target.h"

int main(void) {
  int status = system("echo shell $$; exit 4");
  say("system: %d", WEXITSTATUS(status));
  FILE* stream = popen("echo $PPID; ls / | wc -l", "r");
  char line[128];
  while (stream && fgets(line, sizeof line, stream)) say("popen: %s", line);
  say("pclose: %d", stream ? pclose(stream) : -1);
  return WEXITSTATUS(status);
}
