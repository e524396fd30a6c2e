// rdrand, rdseed and rdpid in the program's own code: every register, each operand size, and the carry flag.
#include "target.h"

#define RANDOM(instruction, type, where)                                                                   \
  do {                                                                                                     \
    register type value __asm__(where) = (type)0x1122334455667788;                                         \
    unsigned char carry;                                                                                   \
    __asm__ volatile(instruction " %0\n\tsetc %1" : "+r"(value), "=m"(carry) : : "cc");                    \
    say("%s %s (%zu bytes): %#llx, carry %d", instruction, where, sizeof(type), (unsigned long long)value, \
        carry);                                                                                            \
  } while (0)

#define ALL_SIZES(instruction, where)     \
  do {                                    \
    RANDOM(instruction, uint64_t, where); \
    RANDOM(instruction, uint32_t, where); \
    RANDOM(instruction, uint16_t, where); \
  } while (0)

static void random_numbers(void) {
  ALL_SIZES("rdrand", "rax");
  ALL_SIZES("rdrand", "rdi");
  ALL_SIZES("rdrand", "r8");
  ALL_SIZES("rdrand", "r15");
  ALL_SIZES("rdseed", "rcx");
  ALL_SIZES("rdseed", "rbx");
  ALL_SIZES("rdseed", "r13");
}

static void flags(void) {
  uint64_t value, before, after;
  __asm__ volatile(
      "mov $0x7fffffff, %%ecx\n\t"
      "add $1, %%ecx\n\t"  // overflow, sign, parity, adjust
      "pushfq\n\tpop %1\n\t"
      "rdrand %0\n\t"
      "pushfq\n\tpop %2"
      : "=&r"(value), "=&r"(before), "=&r"(after)
      :
      : "rcx", "cc", "memory");
  say("flags %#llx, behind rdrand %#llx", (unsigned long long)before, (unsigned long long)after);
}

int main(void) {
  __builtin_cpu_init();
  const unsigned have = __builtin_cpu_supports("avx2") ? 1 : 0;  // asks for the processor's features
  say("features were asked for: %d", have < 2);
  FILE* info = fopen("/proc/cpuinfo", "r");
  char line[8192] = "";
  while (info != NULL && fgets(line, sizeof line, info) != NULL && strncmp(line, "flags", 5) != 0) {
  }
  if (info != NULL) fclose(info);
  // What /proc says is not masked, as cpuid is: these have to work in a program that never asked.
  if (strstr(line, " rdrand") == NULL || strstr(line, " rdseed") == NULL) {
    say("this processor has no random numbers");
    return 0;
  }
  random_numbers();
  flags();
  if (strstr(line, " rdpid") != NULL) {
    uint64_t processor, high;
    __asm__ volatile("rdpid %0" : "=r"(processor));
    __asm__ volatile("rdpid %%r12\n\tmov %%r12, %0" : "=r"(high) : : "r12");
    say("rdpid %#llx %#llx", (unsigned long long)processor, (unsigned long long)high);
  }
  return 0;
}
