// The auxiliary vector, the environment and the arguments as they lie on the initial stack.
#include <elf.h>

#include "target.h"

extern char** environ;

int main(int argc, char** argv) {
  for (int i = 0; i < argc; i++) say("argument %d: %s at %p", i, argv[i], (void*)argv[i]);
  char** end = environ;
  while (*end) say("environment: %.900s", *end++);
  for (Elf64_auxv_t* entry = (Elf64_auxv_t*)(end + 1); entry->a_type != AT_NULL; entry++)
    say("auxv %ld: %#lx", (long)entry->a_type, (unsigned long)entry->a_un.a_val);
  return 0;
}
