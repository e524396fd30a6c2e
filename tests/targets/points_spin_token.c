// Two threads hand a token to and fro by spinning.
#include <pthread.h>
#include <stdio.h>

enum { hand_overs = 20 };
static volatile int token;

static void* play(void* mine) {
  const int own = *(const int*)mine;
  for (int i = 0; i < hand_overs; ++i) {
    while (token != own)
      ;
    token = !own;
  }
  return NULL;
}

int main(void) {
  static const int sides[2] = {0, 1};
  pthread_t other;
  pthread_create(&other, NULL, play, (void*)&sides[1]);
  play((void*)&sides[0]);
  pthread_join(other, NULL);
  printf("handed over %d times\n", 2 * hand_overs);
  return 0;
}
