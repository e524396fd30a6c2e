// What the racy programs share. Each is right in almost every run, and ends with status 1 where its race
// shows.
#pragma once

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { race_lost = 1 };

static inline void race_check(int holds, const char* what) {
  if (holds) return;
  printf("race: %s\n", what);
  exit(race_lost);
}

static inline pthread_t race_thread(void* (*code)(void*), void* argument) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, code, argument) != 0) exit(2);
  return thread;
}
