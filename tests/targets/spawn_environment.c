// posix_spawn starts a shell with another environment and redirected output.
#include <spawn.h>

#include "target.h"

int main(void) {
  int ends[2];
  MUST(pipe(ends));
  posix_spawn_file_actions_t actions;
  ZERO(posix_spawn_file_actions_init(&actions));
  ZERO(posix_spawn_file_actions_adddup2(&actions, ends[1], 1));
  ZERO(posix_spawn_file_actions_addclose(&actions, ends[0]));
  char* arguments[] = {"sh", "-c", "echo $FRUIT $$", NULL};
  char* environment[] = {"FRUIT=plum", NULL};
  pid_t child;
  ZERO(posix_spawn(&child, "/bin/sh", &actions, NULL, arguments, environment));
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  char text[64] = "";
  MUST(read(ends[0], text, sizeof text - 1));
  reap(child);
  say("it said %s", text);
  return 0;
}
