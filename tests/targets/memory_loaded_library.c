// A library loaded at run time is mapped, used and unloaded.
#include <dlfcn.h>

#include "target.h"

int main(void) {
  void* library = dlopen("libm.so.6", RTLD_NOW);
  if (!library) return 1;
  double (*cosine)(double) = (double (*)(double))dlsym(library, "cos");
  double value = cosine(getpid());
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  say("cos(pid) is %016llx, cos at %p", (unsigned long long)bits, (void*)(intptr_t)cosine);
  dlclose(library);
  say("missing: %d", dlopen("libnothing.so.0", RTLD_NOW) == NULL);
  return 0;
}
