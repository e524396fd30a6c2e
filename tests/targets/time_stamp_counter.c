// rdtsc read many times in one program.
#include <x86intrin.h>

#include "target.h"

int main(void) {
  unsigned long long first = __rdtsc(), last = first, mix = 0;
  int backwards = 0;
  for (int i = 0; i < 200; i++) {
    unsigned long long now = __rdtsc();
    backwards += now < last;
    mix = mix * 31 + (last = now);
  }
  say("from %llu to %llu, mix %llx, backwards %d", first, last, mix, backwards);
  return backwards != 0;
}
