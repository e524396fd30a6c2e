// Random bytes from getrandom, /dev/urandom and the auxiliary vector.
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/random.h>

#include "target.h"

static void show(const char* name, const unsigned char* bytes, int count) {
  char text[2 * 32 + 1];
  for (int i = 0; i < count; i++) snprintf(text + 2 * i, 3, "%02x", bytes[i]);
  say("%s: %s", name, text);
}

int main(void) {
  unsigned char bytes[32];
  MUST(getrandom(bytes, sizeof bytes, 0));
  show("getrandom", bytes, 32);
  MUST(getentropy(bytes, 16));
  show("getentropy", bytes, 16);
  int fd = (int)MUST(open("/dev/urandom", O_RDONLY));
  MUST(read(fd, bytes, 24));
  show("urandom", bytes, 24);
  show("AT_RANDOM", (const unsigned char*)getauxval(AT_RANDOM), 16);
  char uuid[40] = "";
  fd = (int)MUST(open("/proc/sys/kernel/random/uuid", O_RDONLY));
  MUST(read(fd, uuid, 36));
  say("uuid: %s", uuid);
  return 0;
}
