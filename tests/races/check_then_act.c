// The account is checked and drawn from in two steps.
#include "race.h"

static volatile int balance = 100;

static void* withdraw(void* unused) {
  if (balance >= 100) balance -= 100;
  return unused;
}

int main(void) {
  pthread_t other = race_thread(withdraw, NULL);
  withdraw(NULL);
  pthread_join(other, NULL);
  race_check(balance >= 0, "the account is overdrawn");
  return 0;
}
