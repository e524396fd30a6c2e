// std::random_device, which libstdc++ takes from the processor where that can.
#include <exception>
#include <random>
#include <string>

#include "target.h"

int main() {
  for (const char* token : {"default", "rdrand", "rdseed", "hw", "prng", "/dev/urandom"}) {
    try {
      std::random_device device{std::string(token)};
      say("%s: %#x %#x", token, device(), device());
    } catch (const std::exception&) {
      say("%s: not here", token);
    }
  }
  return 0;
}
