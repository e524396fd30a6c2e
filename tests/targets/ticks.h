// A handler that leaves its mark: how often it ran, and in which order with what the program computes.
#pragma once

#include <signal.h>

static volatile sig_atomic_t ticks;
static volatile unsigned long mark = 1;

static void on_tick(int signal) {
  (void)signal;
  ++ticks;
  mark = mark * 6364136223846793005u + 1442695040888963407u;
}
