// The program break grows and shrinks; memory given back and taken again is zero.
#include "target.h"

int main(void) {
  char* start = sbrk(0);
  say("break %p", (void*)start);
  MUST(sbrk(100000));
  memset(start, 'b', 100000);
  MUST(sbrk(-90000));
  say("kept %c, break moved by %ld", start[5000], (long)((char*)sbrk(0) - start));
  MUST(sbrk(90000));
  say("fresh %d, old %c", start[90000], start[9000]);
  say("too much: %s", outcome((long)sbrk(1L << 46)));
  MUST(brk(start));
  return sbrk(0) == start ? 0 : 1;
}
